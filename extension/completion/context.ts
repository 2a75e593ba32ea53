// What is known at the cursor when a completion is asked for: the windows of the file, and pieces of other files, each
// within its budget and each as stable from key to key as can be.
import { LRUCache } from "lru-cache";
import type { DocumentView, EndOfLine, Position, Range, TextEdit } from "./document";
import type { RecentPlaces } from "./recentPlaces";
import type { ContextBudget, TokenEstimate } from "./tokens";
import { prefixWindow, suffixWindow, type PrefixWindow } from "./window";

/** The text around a cursor, LF only: all that the filters see. */
export interface CursorContext {
  languageId: string;
  /** Text of the window before the cursor. */
  prefix: string;
  /** Text of the window after the cursor. */
  suffix: string;
  /** The cursor's line before and after the cursor. */
  linePrefix: string;
  lineSuffix: string;
  /** Whether candidates may span lines. */
  multiline: boolean;
}

export interface CompletionContext extends Omit<CursorContext, "multiline"> {
  uri: string;
  eol: EndOfLine;
  /** The cursor; with an item selected in the suggest widget, where it will be once that item is in. */
  position: Position;
  /** First line of the prefix window. */
  startLine: number;
  /** Pieces of other files, rendered; empty or ending in a line end. */
  places: string;
}

/** The item that is selected in the suggest widget, and the range it will replace. */
export interface SelectedItem {
  range: Range;
  text: string;
}

interface Remembered {
  uri: string;
  startLine: number;
  /** Pieces of other files, rendered. */
  places: readonly string[];
}

const DOCUMENTS_REMEMBERED = 64;

export class ContextBuilder {
  private readonly remembered = new LRUCache<string, Remembered>({ max: DOCUMENTS_REMEMBERED });
  private lastUri: string | null = null;
  /** Of the latest place that was prepared: a request there finds it, and one where the last was made finds its own. */
  private prepared: Remembered | null = null;

  constructor(private readonly recent: RecentPlaces | null = null) {}

  build(
    document: DocumentView,
    cursor: Position,
    estimate: TokenEstimate,
    budget: ContextBudget,
    selected?: SelectedItem,
    preparing = false,
  ): CompletionContext {
    const { uri } = document;
    const { view, position } = selected ? withSelected(document, selected) : { view: document, position: cursor };
    const budgetChars = estimate.chars(budget.prefix);
    const kept = this.kept(view, position, budgetChars);
    const { text: prefix, startLine } = kept ?? prefixWindow(view, position, budgetChars, this.remembered.get(uri)?.startLine ?? null);
    const suffix = suffixWindow(view, position, estimate.chars(budget.suffix));
    const places = kept?.places ?? this.choosePlaces(document, prefix, estimate.chars(budget.places));
    if (preparing) {
      this.prepared = { uri, startLine, places };
    } else {
      this.remembered.set(uri, { uri, startLine, places });
      this.lastUri = uri;
    }
    const line = view.lineAt(position.line);
    return {
      uri,
      languageId: document.languageId,
      eol: document.eol,
      position,
      startLine,
      places: places.join(""),
      prefix,
      suffix,
      linePrefix: line.slice(0, position.character),
      lineSuffix: line.slice(position.character),
    };
  }

  /** Edits above the window move its start along, so that it goes on to begin with the same line. */
  documentChanged(uri: string, edits: readonly TextEdit[]): void {
    const before = this.remembered.peek(uri);
    if (before) before.startLine = moved(before.startLine, edits);
    if (this.prepared?.uri === uri) this.prepared.startLine = moved(this.prepared.startLine, edits);
  }

  forget(uri: string): void {
    this.remembered.delete(uri);
    if (this.prepared?.uri === uri) this.prepared = null;
  }

  /**
   * A window that is kept, with its places. Other files' pieces come first in the prompt: new ones cost the whole KV cache, so they wait
   * until it is lost anyway.
   */
  private kept(view: DocumentView, position: Position, budgetChars: number): (PrefixWindow & Pick<Remembered, "places">) | null {
    const requested = this.lastUri === view.uri ? this.remembered.get(view.uri) : undefined;
    for (const before of [requested, this.prepared]) {
      if (before?.uri !== view.uri) continue;
      const window = prefixWindow(view, position, budgetChars, before.startLine);
      if (window.startLine === before.startLine) return { ...window, places: before.places };
    }
    return null;
  }

  private choosePlaces({ uri, languageId }: DocumentView, prefix: string, budgetChars: number): readonly string[] {
    if (!this.recent || budgetChars <= 0) return [];
    return this.recent.pieces({ uri, languageId, near: prefix.slice(-NEAR_CHARS), budgetChars }, this.remembered.get(uri)?.places);
  }
}

function moved(line: number, edits: readonly TextEdit[]): number {
  for (const { range, text } of edits) {
    if (range.end.line < line) line += text.split("\n").length - 1 - (range.end.line - range.start.line);
  }
  return line;
}

/** Text before the cursor whose identifiers rank the places. */
const NEAR_CHARS = 2_000;

export const atCursor = (context: CompletionContext, multiline: boolean): CursorContext => ({
  languageId: context.languageId,
  prefix: context.prefix,
  suffix: context.suffix,
  linePrefix: context.linePrefix,
  lineSuffix: context.lineSuffix,
  multiline,
});

/** The document as it will be once the selected item is in. */
function withSelected(document: DocumentView, { range, text }: SelectedItem): { view: DocumentView; position: Position } {
  const { line } = range.start;
  const original = document.lineAt(line);
  const changed = original.slice(0, range.start.character) + text + original.slice(range.end.character);
  return {
    view: {
      uri: document.uri,
      languageId: document.languageId,
      version: document.version,
      eol: document.eol,
      lineCount: document.lineCount,
      lineAt: (at) => (at === line ? changed : document.lineAt(at)),
    },
    position: { line, character: range.start.character + text.length },
  };
}
