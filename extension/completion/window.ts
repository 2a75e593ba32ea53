// The parts of the file before and after the cursor that a prompt holds. Edges lie on lines. The start of the prefix window
// stays where it is while the cursor moves on, and jumps by a quarter of the budget when the window overflows: as long as it
// stays, the model's KV cache of the prefix stays good. The suffix depends on the text after the cursor alone.
import type { DocumentView, Position } from "./document";

export interface PrefixWindow {
  text: string;
  /** First line of the window. */
  startLine: number;
}

/** The share of the budget that a new window fills; the rest is for text yet to be typed. */
const FILL = 0.75;

/** The text from `startLine` to the cursor, at most `budgetChars` long; `previousStart` is kept where it can be. */
export function prefixWindow(document: DocumentView, cursor: Position, budgetChars: number, previousStart: number | null): PrefixWindow {
  const current = lineTail(document.lineAt(cursor.line).slice(0, cursor.character), budgetChars);
  if (current.cut) return { text: current.text, startLine: cursor.line };

  const newest = startBackFrom(document, cursor.line, budgetChars * FILL - current.text.length);
  if (previousStart !== null && previousStart >= 0 && previousStart <= cursor.line) {
    const length = current.text.length + lengthOfLines(document, previousStart, cursor.line, budgetChars);
    // A window that the cursor has moved far up in holds too little to be worth keeping.
    const worthKeeping = length >= (budgetChars * FILL) / 2 || newest === previousStart || previousStart === 0;
    if (length <= budgetChars && worthKeeping) return joined(document, previousStart, cursor.line, current.text);
  }
  return joined(document, newest, cursor.line, current.text);
}

function joined(document: DocumentView, startLine: number, cursorLine: number, current: string): PrefixWindow {
  const lines: string[] = [];
  for (let line = startLine; line < cursorLine; line++) lines.push(document.lineAt(line));
  return { text: [...lines, current].join("\n"), startLine };
}

function startBackFrom(document: DocumentView, line: number, budgetChars: number): number {
  let room = budgetChars;
  let start = line;
  while (start > 0) {
    room -= document.lineAt(start - 1).length + 1;
    if (room < 0) break;
    start -= 1;
  }
  return start;
}

/** Characters of the lines [start, end), line ends included; counting stops beyond `most`. */
function lengthOfLines(document: DocumentView, start: number, end: number, most: number): number {
  let length = 0;
  for (let line = end - 1; line >= start && length <= most; line--) length += document.lineAt(line).length + 1;
  return length;
}

/** The end of a line longer than the budget, cut at multiples of a quarter of the budget so that typing seldom moves it. */
function lineTail(line: string, budgetChars: number): { text: string; cut: boolean } {
  if (line.length <= budgetChars) return { text: line, cut: false };
  const step = Math.max(1, Math.floor(budgetChars / 4));
  const start = Math.ceil((line.length - budgetChars) / step) * step;
  return { text: line.slice(isLowSurrogate(line, start) ? start + 1 : start), cut: true };
}

/** The rest of the cursor's line and as many whole lines after it as fit `budgetChars`. Only a rest of that length is cut. */
export function suffixWindow(document: DocumentView, cursor: Position, budgetChars: number): string {
  if (budgetChars <= 0) return "";
  const rest = document.lineAt(cursor.line).slice(cursor.character);
  const parts = [lineHead(rest, budgetChars)];
  if (parts[0] !== rest) return parts.join("");
  let room = budgetChars - rest.length;
  for (let line = cursor.line + 1; line < document.lineCount; line++) {
    const text = document.lineAt(line);
    room -= text.length + 1;
    if (room < 0) break;
    parts.push(text);
  }
  return parts.join("\n");
}

function lineHead(line: string, budgetChars: number): string {
  if (line.length <= budgetChars) return line;
  return line.slice(0, isLowSurrogate(line, budgetChars) ? budgetChars - 1 : budgetChars);
}

/** Whether a cut before `at` parts the halves of a character. */
export function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
