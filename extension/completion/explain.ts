// Why no completion is asked for, in words for the user who asked for one.
import type { Refusal } from "./trigger";

const reasons: Record<Refusal, string> = {
  noFile: "Octet completes files: what this editor shows is none.",
  languageDisabled: "Octet is off for this language.",
  snoozed: "Octet is snoozed.",
  selection: "Octet completes at the cursor: nothing may be selected.",
  severalCursors: "Octet completes at one cursor: there are several.",
  lineTooLong: "This line is too long: Octet completes the first 20,000 characters of one.",
  deleted: "Text was just deleted.",
  pasted: "Text was just pasted.",
  history: "An edit was just undone or redone.",
  insideWord: "The cursor is inside a word.",
  beforeText: "There is text after the cursor.",
};

/** What came of a request that the user sees nothing of. */
export type Outcome = "nothing" | "notDrawn" | "notAsked";

const outcomes: Record<Outcome, string> = {
  nothing: "Octet has nothing to add here.",
  notDrawn: "VS Code draws only the start of so long a line: Show more, at its end, lets you see the completion.",
  notAsked: "VS Code asks for no completions here: the file may be read-only, or something else than its text has the focus.",
};

export const tell = (outcome: Outcome): string => outcomes[outcome];

export const explain = (refusal: Refusal): string => reasons[refusal];
