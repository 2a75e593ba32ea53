// Drops a completion that is not worth a key: a line of its own that holds a lone letter, a number or punctuation, and one that
// says the start of the line again.
import { isBlank, isTelling, type Filter } from "./filter";

const CLOSERS = /^[\s)\]}>;,]*[)\]}>][\s)\]}>;,]*$/;
/** Two letters that belong together: a word, or the start of one. */
const WORD = /[\p{L}_$][\p{L}\p{N}_$]/u;

export const dropWorthless: Filter = (completion, context) => {
  const { text } = completion;
  const before = context.linePrefix.trim();
  if (isTelling(before) && text.trimStart().startsWith(before)) return null;
  const ownLine = isBlank(context.linePrefix) && isBlank(context.lineSuffix);
  return ownLine && !WORD.test(text) && !CLOSERS.test(text) ? null : completion;
};
