// Cuts a completion before a bracket that nothing open matches, and closes the round and square brackets that a single line
// left open. The one filter that adds text.
import { closersFor, walk } from "../syntax/brackets";
import { syntaxOf } from "../syntax/syntaxOf";
import { withText, type Filter } from "./filter";

/** More is to come after these, so a closer would not fit. */
const UNFINISHED = /[([{,.=+\-*/%&|<:?]\s*$/;

export const balanceBrackets: Filter = (completion, context) => {
  // The text's own end replaces closers after the cursor.
  if (completion.overlap > 0) return completion;
  const { exit, open, end } = walk(completion.text, syntaxOf(context));
  if (exit >= 0) return withText({ ...completion, cutOff: true }, completion.text.slice(0, exit).trimEnd());
  const closes =
    !context.multiline &&
    !completion.cutOff &&
    end.in === "code" &&
    open.length > 0 &&
    !open.includes("{") &&
    !UNFINISHED.test(completion.text) &&
    !/[)\]}]/.test(context.lineSuffix);
  return closes ? withText(completion, completion.text.trimEnd() + closersFor(open)) : completion;
};
