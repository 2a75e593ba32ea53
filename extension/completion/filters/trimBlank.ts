// Drops blank lines and doubled white space at the start, and white space at the end.
import type { CursorContext } from "../context";
import { languageOf } from "../languages";
import { opensBlock } from "../requestShape";
import { indentColumns, indentation, isBlank, withText, type Filter } from "./filter";

export const trimBlank: Filter = (completion, context) =>
  withText(completion, trimEnd(trimStart(completion.text, context), context.lineSuffix));

function trimStart(text: string, context: CursorContext): string {
  const { linePrefix } = context;
  const leadingBlankLines = /^(?:[ \t]*\n)+/.exec(text)?.[0] ?? "";
  const rest = text.slice(leadingBlankLines.length);
  if (isBlank(linePrefix)) {
    // The first line is to stand where the cursor is, whose indentation is there already.
    if (leadingBlankLines !== "") return rest.startsWith(linePrefix) ? rest.slice(linePrefix.length) : rest;
    return indentation(rest) === linePrefix && !isDeeperThanCursor(context) ? rest.slice(linePrefix.length) : rest;
  }
  if (leadingBlankLines !== "") return `\n${rest}`;
  return /[ \t]$/.test(linePrefix) && !startsComment(text, context) ? text.replace(/^[ \t]+/, "") : text;
}

/** Before a comment at a line's end several blanks are meant: PEP 8 wants two. */
function startsComment(text: string, { languageId }: CursorContext): boolean {
  const { lineComment } = languageOf(languageId);
  return lineComment !== null && text.trimStart().startsWith(lineComment);
}

/** The line above opens a block, and the cursor is not in it yet. */
function isDeeperThanCursor({ prefix, linePrefix, languageId }: CursorContext): boolean {
  const above = prefix.split("\n").slice(0, -1).findLast((line) => !isBlank(line));
  return above !== undefined && opensBlock(above, languageId) && indentColumns(above) >= indentColumns(linePrefix);
}

/** One blank stays before text that goes on: "a |+ b"; a line end with its indentation stays before closers: "{|}". */
function trimEnd(text: string, lineSuffix: string): string {
  const { length } = text.trimEnd();
  const blank = text.slice(length);
  if (/^[)\]}]/.test(lineSuffix) && blank.split("\n").length === 2) return text;
  const goesOn = /^[^\s)\]}>,;:.]/.test(lineSuffix) && /^[ \t]/.test(blank);
  return text.slice(0, goesOn ? length + 1 : length);
}
