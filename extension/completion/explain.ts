// Why no completion is asked for, in words for the user who asked for one.
import type { Refusal } from "./trigger";

const reasons: Record<Refusal, string> = {
  languageDisabled: "Octet is off for this language.",
  snoozed: "Octet is snoozed.",
  selection: "Octet completes at the cursor: nothing may be selected.",
  severalCursors: "Octet completes at one cursor: there are several.",
  lineTooLong: "This line is too long to be completed.",
  deleted: "Text was just deleted.",
  pasted: "Text was just pasted.",
  history: "An edit was just undone or redone.",
  insideWord: "The cursor is inside a word.",
  beforeText: "There is text after the cursor.",
};

export const explain = (refusal: Refusal): string => reasons[refusal];
