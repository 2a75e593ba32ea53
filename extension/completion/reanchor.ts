// Where a range has gone through edits made since it was noted, or that it is gone: text meant for it must then not be put
// anywhere.
import { comparePositions, endOf, type Position, type Range, type TextEdit } from "./document";

/**
 * The range after `edits`, each of which is relative to the text that the one before it left. null: an edit went across one
 * of its ends, replaced all of it, or went through the point where an empty range was. Text typed at an empty range stays
 * before it; text typed at an end of another range stays outside.
 */
export function reanchor(range: Range, edits: readonly TextEdit[]): Range | null {
  let current: Range | null = range;
  for (const edit of edits) current = current && afterEdit(current, edit);
  return current;
}

function afterEdit(range: Range, { range: changed, text }: TextEdit): Range | null {
  const newEnd = endOf(changed.start, text);
  const moved = (position: Position) => shifted(position, changed.end, newEnd);
  if (comparePositions(changed.end, range.start) <= 0) return { start: moved(range.start), end: moved(range.end) };
  if (comparePositions(changed.start, range.end) >= 0) return range;
  const [fromStart, fromEnd] = [comparePositions(changed.start, range.start), comparePositions(changed.end, range.end)];
  const inside = fromStart >= 0 && fromEnd <= 0 && (fromStart > 0 || fromEnd < 0);
  return inside ? { start: range.start, end: moved(range.end) } : null;
}

/** Where a position at or after `from` lies once `from` is at `to`. */
function shifted(position: Position, from: Position, to: Position): Position {
  const line = position.line + to.line - from.line;
  const character = position.line === from.line ? position.character + to.character - from.character : position.character;
  return { line, character };
}

/** The edits of one change event, last place first, so that each leaves the places of those after it alone. */
export function inApplyOrder(edits: readonly TextEdit[]): TextEdit[] {
  return [...edits].sort((a, b) => comparePositions(b.range.start, a.range.start));
}

/** A range that follows its document. */
export class Anchor {
  private current: Range | null;

  constructor(range: Range) {
    this.current = range;
  }

  /** null once it is gone. */
  get range(): Range | null {
    return this.current;
  }

  /** The edits of one change event, in any order. */
  documentChanged(edits: readonly TextEdit[]): void {
    this.current = this.current && reanchor(this.current, inApplyOrder(edits));
  }
}
