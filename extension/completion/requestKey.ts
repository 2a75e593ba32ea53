// What makes two requests ask for the same text, and what was typed between two of them.
import type { CompletionContext } from "./context";

export interface RequestKey {
  /** Names the models and the settings that shape their text. */
  model: string;
  uri: string;
  languageId: string;
  /** Text of the window before the cursor. */
  prefix: string;
  /** Exact text of the window after it. */
  suffix: string;
}

export function requestKey({ uri, languageId, prefix, suffix }: CompletionContext, model: string): RequestKey {
  return { model, uri, languageId, prefix, suffix };
}

/** Only so much of the prefix tells requests apart, so that a window whose start moves still matches. */
export const PREFIX_TAIL = 512;

/** Closers that an editor may put after the cursor for openers just typed. */
const MOST_AUTO_CLOSED = 3;
const CLOSED_BY: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`" };
const CLOSERS = new Set(Object.values(CLOSED_BY));

export interface Typed {
  text: string;
  /** Closers that now stand after the cursor because their openers were typed; empty where there are none. */
  autoClosed: string;
}

/** What was typed at `anchor` to come to `current`; null where something else was changed. */
export function typedBetween(anchor: RequestKey, current: RequestKey): Typed | null {
  if (anchor.model !== current.model || anchor.uri !== current.uri || anchor.languageId !== current.languageId) return null;
  const autoClosed = suffixVariants(current.suffix).find((closers) => current.suffix.slice(closers.length) === anchor.suffix);
  if (autoClosed === undefined) return null;
  const tail = anchor.prefix.slice(-PREFIX_TAIL);
  // A tail shorter than it may be is the whole prefix, from the start of its window.
  const last = tail.length < PREFIX_TAIL ? tail.length : current.prefix.length;
  for (let end = last; end >= tail.length; end--) {
    if (!current.prefix.endsWith(tail, end)) continue;
    const text = current.prefix.slice(end);
    if (openedBy(text).startsWith(autoClosed)) return { text, autoClosed };
  }
  return null;
}

/** What may stand at the suffix's start as auto-closed text: nothing first. */
export function suffixVariants(suffix: string): string[] {
  const variants = [""];
  while (variants.length <= MOST_AUTO_CLOSED && CLOSERS.has(suffix[variants.length - 1] ?? "")) {
    variants.push(suffix.slice(0, variants.length));
  }
  return variants;
}

/** The closers of what `text` opens and does not close, in the order in which they would stand after it. */
export function openedBy(text: string): string {
  const open: string[] = [];
  for (const char of text) {
    if (CLOSERS.has(char) && open[0] === char) open.shift();
    else {
      const closer = CLOSED_BY[char];
      if (closer !== undefined) open.unshift(closer);
    }
  }
  return open.join("");
}
