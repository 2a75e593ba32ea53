// Text cut to a number of tokens by exact count: at a line where that loses little, else between two characters.
import { isLowSurrogate } from "./window";

/** Drops at least `chars` UTF-16 units, 1 at the least. */
export type Cut = (text: string, chars: number) => string;
/** The worker's tokenizer. */
export type CountTokens = (text: string) => Promise<number>;

/** A cut at a line keeps at least this share of what a cut within it would: one long line is not all there is to say. */
const LEAST_KEPT = 0.5;

/** What is left begins with a line where it can. */
export const withoutFront: Cut = (text, chars) => {
  const at = Math.max(1, chars);
  const lineStart = text.indexOf("\n", at - 1) + 1;
  if (lineStart > 0 && lineStart < text.length && text.length - lineStart >= (text.length - at) * LEAST_KEPT) return text.slice(lineStart);
  return text.slice(isLowSurrogate(text, at) ? at + 1 : at);
};

/** What is left ends with a line, its end included, where it can. */
export const withoutBack: Cut = (text, chars) => {
  const at = Math.max(0, text.length - Math.max(1, chars));
  const lineEnd = at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
  if (lineEnd > 0 && lineEnd >= at * LEAST_KEPT) return text.slice(0, lineEnd);
  return text.slice(0, isLowSurrogate(text, at) ? at - 1 : at);
};

export interface Counted {
  text: string;
  tokens: number;
}

/** The text cut until it has no more than `limit` tokens. */
export async function cutToTokens(text: string, limit: number, count: CountTokens, cut: Cut): Promise<Counted> {
  for (let left = text; ;) {
    const tokens = left === "" ? 0 : await count(left);
    if (tokens <= Math.max(0, limit)) return { text: left, tokens };
    left = cut(left, Math.ceil(left.length * (1 - limit / tokens)));
  }
}
