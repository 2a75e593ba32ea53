// Which brackets and strings a text at the cursor may close: those opened before the cursor and not closed after it.
import { languageOf, type Language } from "../languages";
import { CLOSER, IN_CODE, OPENER, scan, type ScanState } from "./scan";

export interface CursorSyntax {
  language: Language;
  state: ScanState;
  /** Openers before the cursor that nothing after it closes, innermost last: a candidate may close these. */
  closable: string[];
  /** The string that the cursor is in also ends after the cursor, on its line. */
  stringEndsInSuffix: boolean;
}

export function cursorSyntax(prefix: string, suffix: string, languageId: string): CursorSyntax {
  const language = languageOf(languageId);
  const before = scanBefore(prefix, language);
  const stringEndsInSuffix = before.end.in === "string" && endsString(suffix, before.end.quote, language);
  const after = scan(suffix, language, before.end.in === "string" && !stringEndsInSuffix ? IN_CODE : before.end);
  return {
    language,
    state: before.end,
    closable: unclosedBySuffix(unmatched(before.events).openers, unmatched(after.events).closers),
    stringEndsInSuffix,
  };
}

/** A prefix may start inside a string; one that seems to span this many lines is taken for code read the wrong way round. */
const LONGEST_STRING_LINES = 60;

function scanBefore(prefix: string, language: Language) {
  const whole = scan(prefix, language);
  if (whole.end.in !== "string") return whole;
  const lastStart = whole.events.findLast((event) => event.kind === "stringStart");
  const lines = prefix.slice(lastStart?.at ?? 0).split("\n");
  return lines.length <= LONGEST_STRING_LINES ? whole : scan(lines.slice(-LONGEST_STRING_LINES).join("\n"), language);
}

function endsString(suffix: string, quote: string, language: Language): boolean {
  const reach = language.multilineQuotes.includes(quote) ? suffix : (suffix.split("\n", 1)[0] ?? "");
  const ends = scan(reach, language, { in: "string", quote }).events;
  // An even number of quotes on the line: they belong to strings of their own.
  if (quote.length === 1 && reach !== suffix) return ends.filter((event) => "quote" in event && event.quote === quote).length % 2 === 1;
  return ends.some((event) => event.kind === "stringEnd");
}

interface Unmatched {
  openers: string[];
  closers: string[];
}

function unmatched(events: ReturnType<typeof scan>["events"]): Unmatched {
  const openers: string[] = [];
  const closers: string[] = [];
  for (const event of events) {
    if (event.kind === "open") openers.push(event.bracket);
    else if (event.kind === "close") {
      const opener = openers.lastIndexOf(OPENER[event.bracket] ?? "");
      if (opener >= 0) openers.length = opener;
      else closers.push(event.bracket);
    }
  }
  return { openers, closers };
}

/** Aligns the suffix's closers with the openers from the outermost inwards; the innermost run left over is open. */
function unclosedBySuffix(openers: readonly string[], closers: readonly string[]): string[] {
  let innermostClosed = -1;
  let from = 0;
  for (const closer of [...closers].reverse()) {
    const match = openers.indexOf(OPENER[closer] ?? "", from);
    if (match < 0) continue;
    innermostClosed = match;
    from = match + 1;
  }
  return openers.slice(innermostClosed + 1);
}

export interface Walk {
  /** Where the text first closes what it may not: a bracket or string that the suffix closes, or a wrong bracket. -1: nowhere. */
  exit: number;
  /** Why: the suffix closes it too, or nothing it could close is open. */
  exitKind: "suffix" | "wrong" | null;
  /** Openers of the text still open at its end (or at the exit). */
  open: string[];
  end: ScanState;
  lineStates: ScanState[];
}

/** Follows a candidate from the cursor on. */
export function walk(text: string, syntax: CursorSyntax): Walk {
  const { events, end, lineStates } = scan(text, syntax.language, syntax.state);
  const closable = [...syntax.closable];
  const open: string[] = [];
  let inCursorString = syntax.state.in === "string";
  for (const event of events) {
    if (event.kind === "stringEnd" && inCursorString) {
      inCursorString = false;
      if (syntax.stringEndsInSuffix) return { exit: event.at, exitKind: "suffix", open, end, lineStates };
    } else if (event.kind === "open") open.push(event.bracket);
    else if (event.kind === "close") {
      const opener = OPENER[event.bracket];
      if (open.length > 0) {
        if (open.at(-1) !== opener) return { exit: event.at, exitKind: "wrong", open, end, lineStates };
        open.pop();
      } else if (closable.at(-1) === opener) closable.pop();
      else return { exit: event.at, exitKind: closable.length === 0 ? "suffix" : "wrong", open, end, lineStates };
    }
  }
  return { exit: -1, exitKind: null, open, end, lineStates };
}

/** Nothing is left open that the text opened, and it closes nothing that it may not. */
export function isBalanced(text: string, syntax: CursorSyntax): boolean {
  const { exit, open, end } = walk(text, syntax);
  return exit < 0 && open.length === 0 && (end.in !== "string" || syntax.state.in === "string");
}

export const closersFor = (open: readonly string[]): string =>
  [...open].reverse().map((bracket) => CLOSER[bracket] ?? "").join("");
