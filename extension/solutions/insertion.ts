// Where a solution may be put now, after all the edits made since it was asked for.
import { Anchor } from "../completion/reanchor";
import { comparePositions, endOf, toDocumentText, type DocumentView, type Position, type Range, type TextEdit } from "../completion/document";
import { overlapOf, surroundings } from "./overlap";
import { findAgain, leadIn, type Place } from "./place";

export type Target =
  | { range: Range; /** The solution before, that the next one takes the place of. */ replaces: Inserted | null }
  | { refusal: string };

/** A solution that is in the document. */
export interface Inserted {
  /** With the document's line ends. */
  text: string;
  /** What stood after the place, on its line, and is within `text` now. */
  over: string;
}

/** How a solution goes into the document. */
export interface Insertion extends Inserted {
  range: Range;
}

/** What stood before an insertion point, a lead included, and the line of its end, from 0. */
export interface Bookmark {
  before: string;
  line: number;
}

const GONE = "The text around the insertion point was changed: nothing was inserted.";
const EDITED = "The solution inserted before was edited since: undo or delete it first.";

/** An insertion, and the one before that it replaced: an undo brings that back, and a redo this one. */
interface Made {
  insertion: Insertion;
  replaced: Inserted | null;
}

const MOST_MADE = 64;

export class InsertionPoint {
  private anchor: Anchor | null;
  private inserted: (Inserted & { anchor: Anchor }) | null = null;
  /** About to be in the document. */
  private expected: Made | null = null;
  /** Latest first. */
  private made: Made[] = [];
  /** While the document is closed. */
  private bookmark: Bookmark | null = null;
  private ahead = "";

  /** A place, or where it was when the window was closed. */
  constructor(at: Place | Bookmark) {
    this.anchor = null;
    if ("before" in at) this.bookmark = at;
    else [this.anchor, this.ahead] = [new Anchor({ start: at.position, end: at.position }), at.lead];
  }

  /** What is put before a solution, LF only. */
  get lead(): string {
    return this.ahead;
  }

  /** null where it is gone, or not yet found. */
  get position(): Position | null {
    return this.anchor?.range?.start ?? null;
  }

  /** The edits of one change event. */
  documentChanged(edits: readonly TextEdit[]): void {
    this.anchor?.documentChanged(edits);
    const [edit] = edits;
    if (edit && edits.length === 1 && this.isOurs(edit)) return;
    this.inserted?.anchor.documentChanged(edits);
    if (this.inserted && !this.inserted.anchor.range) this.inserted = null; // undone
  }

  /** The edit is asked for: where a change event tells of it, edits that come right behind find it noted. */
  expect(insertion: Insertion): void {
    const { inserted } = this;
    this.expected = { insertion, replaced: inserted && { text: inserted.text, over: inserted.over } };
  }

  /** The edit was answered; `done` unless it was refused. Whether it is in the document. */
  settle(done: boolean): boolean {
    const { expected } = this;
    if (expected && done) this.noteInserted(expected);
    this.expected = null;
    return done || !expected;
  }

  documentClosed(document: DocumentView): void {
    const { position } = this;
    if (position) this.bookmark = { before: leadIn(document, position), line: position.line };
    this.anchor = null;
    this.inserted = null;
    this.made = [];
  }

  target(document: DocumentView): Target {
    if (this.bookmark) this.lookFor(this.bookmark, document);
    const { inserted } = this;
    const before = inserted?.anchor.range;
    if (inserted && before) return textIn(document, before) === inserted.text ? { range: before, replaces: inserted } : { refusal: EDITED };
    const range = this.anchor?.range;
    return range ? { range, replaces: null } : { refusal: GONE };
  }

  private noteInserted(made: Made): void {
    this.expected = null;
    this.made = [made, ...this.made].slice(0, MOST_MADE);
    this.hold(made.insertion.range.start, made.insertion);
  }

  /** Whether it is the edit that is expected, or an undo or a redo of one that was made; what is then in the document is noted. */
  private isOurs(edit: TextEdit): boolean {
    const { expected } = this;
    if (expected && isSame(edit, expected.insertion)) {
      this.noteInserted(expected);
      return true;
    }
    for (const { insertion, replaced } of this.made) {
      const { start } = insertion.range;
      const held = isSame(edit, insertion) ? insertion : isUndo(edit, insertion) && replaced && edit.text.startsWith(replaced.text) ? replaced : null;
      if (!held) continue;
      this.hold(start, held);
      return true;
    }
    return false;
  }

  /** It is now in the document. */
  private hold(start: Position, { text, over }: Inserted): void {
    this.inserted = text === "" ? null : { anchor: new Anchor({ start, end: endOf(start, text) }), text, over };
    if (!this.position) this.anchor = new Anchor({ start, end: start });
  }

  private lookFor({ before, line }: Bookmark, document: DocumentView): void {
    this.bookmark = null;
    let found = findAgain(document, before, line);
    const lineEnd = before.lastIndexOf("\n");
    if (!found && lineEnd > 0 && before.slice(lineEnd).trim() === "") {
      found = findAgain(document, before.slice(0, lineEnd), line - 1);
      if (found) this.ahead = before.slice(lineEnd);
    }
    this.anchor = found && new Anchor({ start: found, end: found });
  }
}

/**
 * A solution as it goes into the document: in place of the one before and of what both write of the rest of the line. Blank at its
 * end would only leave an empty line where nothing follows.
 */
export function insertionOf(solution: string, lead: string, document: DocumentView, { range, replaces }: Extract<Target, { range: Range }>): Insertion {
  const { start, end } = range;
  const before = replaces?.over ?? "";
  const rest = document.lineAt(end.line).slice(end.character);
  const overlap = overlapOf(solution, surroundings(document, range, before));
  const over = before + rest.slice(0, Math.max(0, overlap - before.length));
  const left = over.slice(overlap) + rest.slice(over.length - before.length);
  const text = left.trim() === "" ? solution.trimEnd() : solution;
  return {
    range: { start, end: { line: end.line, character: end.character + over.length - before.length } },
    text: toDocumentText(lead + text + over.slice(overlap), document.eol),
    over,
  };
}

const isAt = ({ range }: TextEdit, start: Position, end: Position): boolean =>
  comparePositions(range.start, start) === 0 && comparePositions(range.end, end) === 0;

const isSame = (edit: TextEdit, { range: { start, end }, text }: Insertion): boolean => edit.text === text && isAt(edit, start, end);

const isUndo = (edit: TextEdit, { range: { start }, text }: Insertion): boolean => isAt(edit, start, endOf(start, text));

export function textIn(document: DocumentView, { start, end }: Range): string {
  if (start.line === end.line) return document.lineAt(start.line).slice(start.character, end.character);
  const lines = [document.lineAt(start.line).slice(start.character)];
  for (let line = start.line + 1; line < end.line; line++) lines.push(document.lineAt(line));
  return [...lines, document.lineAt(end.line).slice(0, end.character)].join(document.eol);
}
