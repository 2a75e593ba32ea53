// Where a solution may be put now, after all the edits made since it was asked for.
import { Anchor } from "../completion/reanchor";
import { endOf, toDocumentText, type DocumentView, type Position, type Range, type TextEdit } from "../completion/document";
import { findAgain, leadIn, type Place } from "./place";

export type Target =
  | { range: Range; /** The text of the solution before, that this one takes the place of. */ replaces: string | null }
  | { refusal: string };

/** What stood before an insertion point, a lead included, and the line of its end, from 0. */
export interface Bookmark {
  before: string;
  line: number;
}

const GONE = "The text around the insertion point was changed: nothing was inserted.";
const EDITED = "The solution inserted before was edited since: undo or delete it first.";

export class InsertionPoint {
  private anchor: Anchor | null;
  private inserted: { anchor: Anchor; text: string } | null = null;
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
    this.inserted?.anchor.documentChanged(edits);
    if (this.inserted && !this.inserted.anchor.range) this.inserted = null; // undone
  }

  documentClosed(document: DocumentView): void {
    const { position } = this;
    if (position) this.bookmark = { before: leadIn(document, position), line: position.line };
    this.anchor = null;
    this.inserted = null;
  }

  target(document: DocumentView): Target {
    if (this.bookmark) this.lookFor(this.bookmark, document);
    const before = this.inserted?.anchor.range;
    if (this.inserted && before) {
      if (textIn(document, before) !== this.inserted.text) return { refusal: EDITED };
      return { range: before, replaces: this.inserted.text };
    }
    const range = this.anchor?.range;
    return range ? { range, replaces: null } : { refusal: GONE };
  }

  /** `text` with the document's line ends is now in the document, from `start` on. */
  noteInserted(start: Position, text: string): void {
    this.inserted = text === "" ? null : { anchor: new Anchor({ start, end: endOf(start, text) }), text };
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

/** A solution as it goes into the document. Blank at its end would only leave an empty line where nothing follows. */
export function insertedText(solution: string, lead: string, document: DocumentView, end: Position): string {
  const rest = document.lineAt(end.line).slice(end.character);
  return toDocumentText(lead + (rest.trim() === "" ? solution.trimEnd() : solution), document.eol);
}

export function textIn(document: DocumentView, { start, end }: Range): string {
  if (start.line === end.line) return document.lineAt(start.line).slice(start.character, end.character);
  const lines = [document.lineAt(start.line).slice(start.character)];
  for (let line = start.line + 1; line < end.line; line++) lines.push(document.lineAt(line));
  return [...lines, document.lineAt(end.line).slice(0, end.character)].join(document.eol);
}
