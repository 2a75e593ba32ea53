// How much to ask for: one line or several, how many tokens at most, and the strings that end a lane.
import { languageOf } from "./languages";
import { closingOnly, type TriggerKind } from "./trigger";

export interface RequestShape {
  multiline: boolean;
  maxTokens: number;
  stop: string[];
}

export interface ShapeInput {
  kind: TriggerKind;
  languageId: string;
  linePrefix: string;
  lineSuffix: string;
}

const SINGLE_LINE_TOKENS = 48;
const MULTILINE_TOKENS = 128;
const EXPLICIT_TOKENS = 256;

export function requestShape(input: ShapeInput): RequestShape {
  if (!wantsLines(input)) return { multiline: false, maxTokens: SINGLE_LINE_TOKENS, stop: ["\n"] };
  return { multiline: true, maxTokens: input.kind === "explicit" ? EXPLICIT_TOKENS : MULTILINE_TOKENS, stop: ["\n\n\n"] };
}

function wantsLines({ kind, languageId, linePrefix, lineSuffix }: ShapeInput): boolean {
  if (!closingOnly(lineSuffix)) return false;
  if (linePrefix.trim() === "" && lineSuffix.trim() === "") return true;
  if (isComment(linePrefix, languageId)) return false;
  if (opensBlock(linePrefix, languageId)) return true;
  return kind === "explicit";
}

/** Whether the line's end so far starts a block. */
export function opensBlock(line: string, languageId: string): boolean {
  const text = line.trimEnd();
  if (languageOf(languageId).indented && text.endsWith(":")) return !isComment(line, languageId);
  return /(\{|=>|\b(do|then|begin))$/.test(text) && !isComment(line, languageId);
}

function isComment(line: string, languageId: string): boolean {
  const { lineComment, blockComment } = languageOf(languageId);
  const text = line.trimStart();
  if (lineComment !== null && text.startsWith(lineComment)) return true;
  return blockComment !== null && (text.startsWith(blockComment[0]) || /^\*(\s|$)/.test(text));
}
