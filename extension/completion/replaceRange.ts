// The text and the range of an inline item. The item replaces its line from the start, text before the cursor included, so
// that the ghost text does not flash when a word of it is accepted; with an item selected in the suggest widget it replaces
// exactly that item's range.
import type { Candidate } from "./candidates";
import type { SelectedItem } from "./context";
import { comparePositions, toDocumentText, type EndOfLine, type Position, type Range } from "./document";

export interface InlineEdit {
  insertText: string;
  /** Lies on one line. */
  range: Range;
}

export interface InlinePlace {
  /** The editor's cursor. */
  cursor: Position;
  /** The document's line before and after the cursor. */
  linePrefix: string;
  lineSuffix: string;
  eol: EndOfLine;
  selected?: SelectedItem;
}

/**
 * null where the item cannot be shown: with a selected item, when its range does not hold the cursor. The candidate continues
 * the text at the cursor, or at the end of the selected item's text, as {@link ContextBuilder.build} was asked.
 */
export function inlineEdit(candidate: Pick<Candidate, "text" | "overlap">, place: InlinePlace): InlineEdit | null {
  const { cursor, linePrefix, lineSuffix, eol, selected } = place;
  const text = toDocumentText(candidate.text, eol);
  if (selected) {
    const { range, text: item } = selected;
    const holdsCursor = comparePositions(range.start, cursor) <= 0 && comparePositions(cursor, range.end) <= 0;
    if (!holdsCursor || range.start.line !== range.end.line || /[\r\n]/.test(item)) return null;
    const end = { line: range.end.line, character: range.end.character + candidate.overlap };
    return { insertText: item + text, range: { start: range.start, end } };
  }
  const overlap = Math.min(candidate.overlap, lineSuffix.length);
  return {
    insertText: linePrefix + text,
    range: { start: { line: cursor.line, character: 0 }, end: { line: cursor.line, character: cursor.character + overlap } },
  };
}
