// Drops the end of a completion that stands after the cursor already: its next lines, the rest of its line or how that begins, or
// the brackets and quotes that it closes. Where the completion goes on past a short rest of the line, it replaces that rest.
import { walk } from "../syntax/brackets";
import { syntaxOf } from "../syntax/syntaxOf";
import { cutTo, isBlank, isTelling, withText, type Completion, type Filter } from "./filter";

/** So many lines in a row, or all that are left, must be the next lines. */
const LINES_TO_MATCH = 2;
const CLOSING = /[)\]}"'`]/;
const WORD = /[\p{L}\p{N}_$]/u;
/** What follows the cursor may follow these. */
const GOES_ON = /[\s([{,.=+\-*/%&|<>:?!]$/;

export const trimSuffixOverlap: Filter = (completion, context) => {
  const rest = context.lineSuffix.trimEnd();
  const shortened = isBlank(rest) ? withoutNextLines(completion, context.suffix) : withoutRest(completion, rest);
  return shortened && withoutClosers(shortened, rest, context);
};

function withoutNextLines(completion: Completion, suffix: string): Completion | null {
  const lines = completion.text.split("\n").map((line) => line.trimEnd());
  const next = suffix.split("\n").slice(1).map((line) => line.trimEnd()).filter((line) => line !== "");
  for (let at = 1; at < lines.length; at++) {
    const written = lines.slice(at).filter((line) => line !== "");
    const toMatch = written.slice(0, LINES_TO_MATCH);
    if (lines[at] === "" || !toMatch.some(isTelling)) continue;
    if (toMatch.every((line, offset) => line === next[offset])) return cutTo(completion, lines.slice(0, at).join("\n"));
  }
  return completion;
}

/** Cuts where the rest of the line begins, whole or in part; drops what only begins as the rest does. */
function withoutRest(completion: Completion, rest: string): Completion | null {
  const { text } = completion;
  const line = text.split("\n", 1)[0] ?? "";
  const start = rest.trimStart();
  const whole = isTelling(rest) ? line.indexOf(rest) : -1;
  if (whole >= 0) return cutTo(completion, text.slice(0, whole));
  for (let at = 0; at < line.length; at++) {
    if (isBetweenWords(line, at) && isTelling(sharedWords(line.slice(at), start))) return cutTo(completion, text.slice(0, at));
  }
  if (/[\p{L}\p{N}]/u.test(sharedWords(text.trimStart(), start)) && !GOES_ON.test(text)) return null;
  for (let length = Math.min(rest.length, text.length); length > 0; length--) {
    const shared = rest.slice(0, length);
    const enough = isTelling(shared) || (length === rest.length && isPlain(rest));
    if (enough && text.endsWith(shared)) return cutTo(completion, text.slice(0, -length));
  }
  return completion;
}

/** What both begin with, up to the end of a word. */
function sharedWords(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  while (!isBetweenWords(a, length) || !isBetweenWords(b, length)) length--;
  return a.slice(0, length);
}

const isBetweenWords = (text: string, at: number): boolean => !(WORD.test(text[at - 1] ?? "") && WORD.test(text[at] ?? ""));

/** Can be told from the text's own words and brackets: separators, or more than closers. */
const isPlain = (rest: string): boolean =>
  CLOSING.test(rest) || /[\p{L}\p{N}]/u.test(rest) ? rest.length >= 3 && !/^[\s)\]}"'`;,]*$/.test(rest) : true;

/** Cuts where the text closes a bracket or string that the suffix closes, and a statement's end that is left before a bracket. */
function withoutClosers(completion: Completion, rest: string, context: Parameters<Filter>[1]): Completion | null {
  const { text } = completion;
  const { exit, exitKind, open, end } = walk(text, syntaxOf(context));
  if (exitKind === null && open.length === 0 && end.in === "code" && /^\s*[)\]]/.test(rest)) return withText(completion, text.replace(/[\s;]*;\s*$/, ""));
  if (exitKind !== "suffix") return completion;
  const closing = text.slice(exit).split("\n", 1)[0] ?? "";
  const beyond = closing.slice(rest.length);
  if (rest !== "" && closing.startsWith(rest) && !isBlank(beyond) && !CLOSING.test(beyond) && rest === context.lineSuffix) {
    return withText({ ...completion, overlap: rest.length, cutOff: false }, text.slice(0, exit) + closing);
  }
  return cutTo(completion, text.slice(0, exit));
}
