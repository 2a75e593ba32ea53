// A light scanner of code: tells brackets from text in strings and comments. It knows no grammar, only a language's comment
// and string delimiters, so that it works on any fragment; a string that may not span lines ends with its line.
import type { Language } from "../languages";

/** Where the scanner stands: in code, in a string (its delimiter), or in a comment (its end). */
export type ScanState = { in: "code" } | { in: "string"; quote: string } | { in: "comment"; close: string };

export type ScanEvent =
  | { kind: "open" | "close"; bracket: string; at: number }
  | { kind: "stringStart" | "stringEnd"; quote: string; at: number };

export const IN_CODE: ScanState = { in: "code" };

export const CLOSER: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
export const OPENER: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

export interface ScanResult {
  events: ScanEvent[];
  end: ScanState;
  /** State at the start of each line of the text. */
  lineStates: ScanState[];
}

export function scan(text: string, language: Language, start: ScanState = IN_CODE): ScanResult {
  const events: ScanEvent[] = [];
  const lineStates: ScanState[] = [start];
  let state = start;
  let at = 0;

  const delimiterAt = (candidates: readonly string[]) => candidates.find((candidate) => text.startsWith(candidate, at));

  while (at < text.length) {
    const char = text[at] ?? "";
    if (char === "\n") {
      if (!spansLines(state, language)) state = IN_CODE;
      at += 1;
      lineStates.push(state);
    } else if (state.in === "string") {
      if (char === "\\" && text[at + 1] !== "\n") at += 2;
      else if (text.startsWith(state.quote, at)) {
        events.push({ kind: "stringEnd", quote: state.quote, at });
        at += state.quote.length;
        state = IN_CODE;
      } else at += 1;
    } else if (state.in === "comment") {
      if (state.close !== "\n" && text.startsWith(state.close, at)) {
        at += state.close.length;
        state = IN_CODE;
      } else at += 1;
    } else if (language.lineComment !== null && text.startsWith(language.lineComment, at)) {
      state = { in: "comment", close: "\n" };
      at += language.lineComment.length;
    } else if (language.blockComment !== null && text.startsWith(language.blockComment[0], at)) {
      state = { in: "comment", close: language.blockComment[1] };
      at += language.blockComment[0].length;
    } else {
      const quote = delimiterAt(language.quotes);
      if (quote !== undefined) {
        events.push({ kind: "stringStart", quote, at });
        state = { in: "string", quote };
      } else if (char in CLOSER) events.push({ kind: "open", bracket: char, at });
      else if (char in OPENER) events.push({ kind: "close", bracket: char, at });
      at += quote?.length ?? 1;
    }
  }
  return { events, end: state, lineStates };
}

function spansLines(state: ScanState, language: Language): boolean {
  if (state.in === "string") return language.multilineQuotes.includes(state.quote);
  return state.in === "comment" && state.close !== "\n";
}
