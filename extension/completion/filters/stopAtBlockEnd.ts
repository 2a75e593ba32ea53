// Ends a completion where the block that the cursor is in ends: at the first line indented less than the block, or, at the
// block's own level, after a blank line. A line of closers that end the block is kept where the text after the cursor does
// not hold them.
import { opensBlock } from "../requestShape";
import { walk } from "../syntax/brackets";
import { syntaxOf } from "../syntax/syntaxOf";
import { cutTo, indentColumns, isBlank, type Filter } from "./filter";

const CLOSERS_ONLY = /^\s*[)\]}]+[;,)\]}]*\s*$/;
const ENDS_WITH_OPENER = /[{(]\s*$/;
const STARTS_WITH_CLOSER = /^\s*[)\]}]/;

export const stopAtBlockEnd: Filter = (completion, context) => {
  const lines = completion.text.split("\n");
  const end = blockEnd(lines, completion.text, context);
  return end >= lines.length ? completion : cutTo(completion, lines.slice(0, end).join("\n"));
};

/** How many of the lines belong to the cursor's block. */
function blockEnd(lines: readonly string[], text: string, context: Parameters<Filter>[1]): number {
  const syntax = syntaxOf(context);
  const { lineStates } = walk(text, syntax);
  const firstLine = context.linePrefix + (lines[0] ?? "");
  const level = indentColumns(firstLine);
  // The cursor's line opens the block, so the block is what is indented more than that line.
  const opens = !isBlank(context.linePrefix) && opensBlock(firstLine, context.languageId);
  let blankBefore = false;
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const open = openAfter(lines, at, syntax);
    if (isBlank(line)) {
      blankBefore = true;
      continue;
    }
    if (lineStates[at]?.in !== "code" || (open > 0 && !STARTS_WITH_CLOSER.test(line))) {
      blankBefore = false;
      continue;
    }
    const columns = indentColumns(line);
    const closes = STARTS_WITH_CLOSER.test(line);
    if (columns < level) return closes && CLOSERS_ONLY.test(line) && !blankBefore && closesOwn(lines, at, syntax) ? at + 1 : at;
    if (columns === level) {
      // "} else {" goes on with the statement.
      if (opens && closes && !ENDS_WITH_OPENER.test(line)) return at + 1;
      if ((opens || blankBefore) && !closes) return at;
    }
    blankBefore = false;
  }
  return lines.length;
}

/** Round and square brackets that the lines before `at` left open: the lines inside them are free in their indentation. */
function openAfter(lines: readonly string[], at: number, syntax: ReturnType<typeof syntaxOf>): number {
  return walk(lines.slice(0, at).join("\n"), syntax).open.filter((bracket) => bracket !== "{").length;
}

/** Whether the brackets that line `at` closes were open before the cursor and stay open after it. */
const closesOwn = (lines: readonly string[], at: number, syntax: ReturnType<typeof syntaxOf>): boolean =>
  walk(lines.slice(0, at + 1).join("\n"), syntax).exit < 0;
