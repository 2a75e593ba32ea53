// Where solutions go: at the cursor, or after a selected comment or signature; and finding that place again later.
import { comparePositions, TextDocument, type DocumentView, type Position, type Range } from "../completion/document";
import { languageOf } from "../completion/languages";

export interface Place {
  /** The insertion point. */
  position: Position;
  /** What is put before a solution, LF only: a new line after a comment. */
  lead: string;
}

/** Lines before the insertion point that colouring starts from. */
const LEAD_IN_LINES = 40;

/** `selection` may be empty: the cursor. */
export function placeOf(document: DocumentView, selection: Range): Place {
  const end = contentEnd(document, selection);
  if (comparePositions(selection.start, end) >= 0) return { position: selection.end, lead: "" };
  if (!endsInComment(document, selection.start, end)) return { position: end, lead: "" };
  const line = document.lineAt(end.line);
  if (line.slice(end.character).trim() !== "") return { position: end, lead: "" };
  const indentation = /^\s*/.exec(line)?.[0] ?? "";
  const next = end.line + 1;
  const following = next < document.lineCount ? document.lineAt(next) : null;
  if (following !== null && following.trim() === "" && following.length >= indentation.length) {
    return { position: { line: next, character: following.length }, lead: "" };
  }
  return { position: { line: end.line, character: line.length }, lead: `\n${indentation}` };
}

/** The document with the lead in, and the point that solutions continue. */
export function withLead(document: TextDocument, text: string, { position, lead }: Place): { document: TextDocument; cursor: Position } {
  if (lead === "") return { document, cursor: position };
  const offset = document.offsetAt(position);
  const { uri, languageId, version, eol } = document;
  const changed = new TextDocument(text.slice(0, offset) + lead.replaceAll("\n", eol) + text.slice(offset), { uri, languageId, version });
  return { document: changed, cursor: { line: position.line + 1, character: lead.length - 1 } };
}

/** Some whole lines before `cursor`, then its own line up to it. */
export function leadIn(document: DocumentView, { line, character }: Position): string {
  const lines: string[] = [];
  for (let above = Math.max(0, line - LEAD_IN_LINES); above < line; above++) lines.push(document.lineAt(above));
  return [...lines, document.lineAt(line).slice(0, character)].join("\n");
}

/** The point after `before`, where it still is: at `line` (from 0), or at the only other place that reads so. */
export function findAgain(document: DocumentView, before: string, line: number): Position | null {
  const wanted = before.split("\n");
  if (endsWith(document, wanted, line)) return { line, character: wanted.at(-1)?.length ?? 0 };
  if (before.trim() === "") return null;
  let found: number | null = null;
  for (let at = 0; at < document.lineCount; at++) {
    if (!endsWith(document, wanted, at)) continue;
    if (found !== null) return null;
    found = at;
  }
  return found === null ? null : { line: found, character: wanted.at(-1)?.length ?? 0 };
}

function endsWith(document: DocumentView, wanted: readonly string[], line: number): boolean {
  const first = line - wanted.length + 1;
  if (first < 0 || line >= document.lineCount || !document.lineAt(line).startsWith(wanted.at(-1) ?? "")) return false;
  return wanted.slice(0, -1).every((text, at) => document.lineAt(first + at) === text);
}

/** The end of the selection without the blank at its end. */
function contentEnd(document: DocumentView, { start, end }: Range): Position {
  let { line, character } = end;
  for (;;) {
    const text = document.lineAt(line).slice(line === start.line ? start.character : 0, character).trimEnd();
    if (text !== "" || line <= start.line) return { line, character: (line === start.line ? start.character : 0) + text.length };
    line -= 1;
    character = document.lineAt(line).length;
  }
}

function endsInComment(document: DocumentView, start: Position, end: Position): boolean {
  const { lineComment, blockComment, multilineQuotes } = languageOf(document.languageId);
  const last = document.lineAt(end.line).slice(end.line === start.line ? start.character : 0, end.character).trim();
  if (lineComment !== null && last.startsWith(lineComment)) return true;
  if (blockComment !== null && last.endsWith(blockComment[1])) return true;
  return document.languageId === "python" && multilineQuotes.some((quote) => last.endsWith(quote));
}
