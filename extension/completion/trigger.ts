// Whether to ask for completions at all, and if not, why. Typing forward asks; deleting, jumping about and typing inside a
// word do not. A user who asks explicitly is refused only where no completion is possible.
import type { TextEdit } from "./document";

export type TriggerKind = "automatic" | "explicit";

/** What the last change of the document was. */
export type LastChange = "typed" | "pasted" | "deleted" | "replaced" | "history" | "several" | "none";

export interface TriggerInput {
  kind: TriggerKind;
  linePrefix: string;
  lineSuffix: string;
  lastChange: LastChange;
  /** Selections of the editor, and whether the first is empty. */
  selections: number;
  selectionEmpty: boolean;
  languageEnabled: boolean;
  snoozed: boolean;
}

export type Refusal =
  | "noFile"
  | "languageDisabled"
  | "snoozed"
  | "selection"
  | "severalCursors"
  | "lineTooLong"
  | "deleted"
  | "pasted"
  | "history"
  | "insideWord"
  | "beforeText";

/** Lines of files that no one wrote, minified ones say, are left alone unless asked. */
const LONGEST_LINE = 1_000;
/** Every candidate says the line before the cursor again. */
const LONGEST_PREFIX_EXPLICIT = 20_000;
const WORD_BEFORE = /[\p{L}\p{N}_$]$/u;
const WORD_AFTER = /^[\p{L}\p{N}_$]/u;
/** Closers, quotes and separators, as editors put them after the cursor. */
const CLOSING_ONLY = /^[\s)\]}>"'`;,:]*$/;
/** After these, code goes on even where text follows: arguments, operands, members. */
const CODE_GOES_ON = /[([{,=.:<>+\-*/%&|!?"'`\s]$/;

/** null: ask. */
export function refusal(input: TriggerInput): Refusal | null {
  const { kind, linePrefix, lineSuffix } = input;
  const explicit = kind === "explicit";
  if (input.selections > 1) return "severalCursors";
  if (!input.selectionEmpty) return "selection";
  if (explicit) return linePrefix.length > LONGEST_PREFIX_EXPLICIT ? "lineTooLong" : null;
  if (linePrefix.length + lineSuffix.length > LONGEST_LINE) return "lineTooLong";
  if (!input.languageEnabled) return "languageDisabled";
  if (input.snoozed) return "snoozed";
  if (input.lastChange === "deleted") return "deleted";
  if (input.lastChange === "pasted") return "pasted";
  if (input.lastChange === "history") return "history";
  if (input.lastChange === "several") return "severalCursors";
  if (WORD_BEFORE.test(linePrefix) && WORD_AFTER.test(lineSuffix)) return "insideWord";
  if (!closingOnly(lineSuffix) && !CODE_GOES_ON.test(linePrefix)) return "beforeText";
  return null;
}

export const closingOnly = (lineSuffix: string): boolean => CLOSING_ONLY.test(lineSuffix);

/** Longest text of one key press: an auto-closed pair, a tab's spaces, a line end with its indentation. */
const LONGEST_KEY = 2;

/** What an editor's change event amounts to. `reason` tells undo and redo. */
export function lastChange(edits: readonly TextEdit[], reason: "undo" | "redo" | null): LastChange {
  if (reason !== null) return "history";
  const edit = edits[0];
  if (!edit) return "none";
  if (edits.length > 1) return "several";
  const { range, text } = edit;
  const replaces = range.start.line !== range.end.line || range.start.character !== range.end.character;
  if (text === "") return replaces ? "deleted" : "none";
  if (replaces) return "replaced";
  const isKey = text.length <= LONGEST_KEY || text.trim() === "" || /^\r?\n\s*\S?\r?\n?\s*\S?$/.test(text);
  return isKey ? "typed" : "pasted";
}

export function isLanguageEnabled(enabled: Readonly<Record<string, boolean>>, languageId: string): boolean {
  return enabled[languageId] ?? enabled["*"] ?? true;
}
