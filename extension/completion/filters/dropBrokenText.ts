// Ends a completion before the first line with bytes that are no character (U+FFFD), which small models write within letters that
// they seldom read. Where such a sign stands before the cursor, it may be meant.
import { cutTo, type Filter } from "./filter";

const NO_CHARACTER = "\ufffd";

export const dropBrokenText: Filter = (completion, context) => {
  const { text } = completion;
  const at = text.indexOf(NO_CHARACTER);
  if (at < 0 || context.prefix.includes(NO_CHARACTER)) return completion;
  const lineEnd = text.lastIndexOf("\n", at);
  return lineEnd < 0 ? null : cutTo(completion, text.slice(0, lineEnd));
};
