// What a solution writes of the rest of its line, which stands there already: brackets and quotes that the editor has closed, or
// more. Models that are shown the text before the cursor alone write it again, others now and then.
import type { DocumentView, Range } from "../completion/document";
import { cursorSyntax, walk, type CursorSyntax } from "../completion/syntax/brackets";
import { prefixWindow, suffixWindow } from "../completion/window";

/** The text around a place, LF only. */
export interface Surroundings {
  languageId: string;
  before: string;
  after: string;
}

/** Characters around a place that its brackets and strings are told by. */
const CHARS_BEFORE = 16_000;
const CHARS_AFTER = 4_000;

/** What would be around `range` were `text`, of one line, in its place. */
export const surroundings = (document: DocumentView, { start, end }: Range, text: string): Surroundings => ({
  languageId: document.languageId,
  before: prefixWindow(document, start, CHARS_BEFORE, null).text,
  after: text + suffixWindow(document, end, CHARS_AFTER),
});

/** So many characters after the place, none beyond its line, are in the solution too: it is to replace them. */
export function overlapOf(solution: string, { languageId, before, after }: Surroundings): number {
  const line = (after.split("\n", 1)[0] ?? "").trimEnd();
  const rest = line.trimStart();
  if (rest === "") return 0;
  const syntax = cursorSyntax(before, after, languageId);
  const statement = firstStatement(solution, syntax);
  if (writesWhole(rest, statement, syntax)) return line.length;
  const { exit, exitKind } = walk(solution, syntax);
  const shared = exitKind === "suffix" ? sharedLength(solution.slice(exit), rest) : 0;
  if (shared === 0) return 0;
  return statement.slice(exit + shared).endsWith(rest.slice(shared)) ? line.length : line.length - rest.length + shared;
}

/** The first line, and those after it that are inside brackets opened there. */
function firstStatement(solution: string, syntax: CursorSyntax): string {
  for (let end = solution.indexOf("\n"); end >= 0; end = solution.indexOf("\n", end + 1)) {
    const { open, exit } = walk(solution.slice(0, end), syntax);
    if (open.length === 0 || exit >= 0) return solution.slice(0, end).trimEnd();
  }
  return solution.trimEnd();
}

/** Whether the statement ends with the rest of the line, and closes what was open before it there, as the rest does. */
function writesWhole(rest: string, statement: string, syntax: CursorSyntax): boolean {
  if (!statement.endsWith(rest)) return false;
  const at = statement.length - rest.length;
  const { exit } = walk(statement, syntax);
  const { exit: restExit } = walk(rest, syntax);
  return exit === (restExit < 0 ? -1 : at + restExit) && walk(statement.slice(0, at), syntax).open.length === 0;
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
