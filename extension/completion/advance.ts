// A candidate after part of it was typed: what is left of it, or that it no longer matches.
import type { Completion } from "./filters/filter";
import type { Typed } from "./requestKey";

/** null where the typed text is not the candidate's start, or nothing is left. */
export function advance<T extends Completion>(candidate: T, { text: typed, autoClosed }: Typed): T | null {
  if (!candidate.text.startsWith(typed)) return null;
  const left = candidate.text.slice(typed.length);
  if (left.trim() === "") return null;
  if (autoClosed === "") return { ...candidate, text: left };
  const at = closedAt(left, autoClosed);
  // The candidate leaves open what the editor has closed.
  if (at === null) return candidate.overlap === 0 ? { ...candidate, text: left } : null;
  if (left.slice(at.first) === autoClosed) return at.first === 0 ? null : { ...candidate, text: left.slice(0, at.first) };
  return { ...candidate, text: left, overlap: candidate.overlap + autoClosed.length };
}

/** Where `text` closes the first of `closers`, provided that it closes all of them. */
function closedAt(text: string, closers: string): { first: number } | null {
  const OPENS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
  const inner: string[] = [];
  let next = 0;
  let first = -1;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (inner.length > 0 && inner.at(-1) === char) inner.pop();
    else if (inner.length === 0 && char === closers[next]) {
      if (first < 0) first = at;
      next += 1;
      if (next === closers.length) return { first };
    } else if (char in OPENS) inner.push(OPENS[char] ?? "");
  }
  return null;
}
