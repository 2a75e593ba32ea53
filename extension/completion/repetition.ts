// How much a text repeats itself: the share of its n-grams that it has said before ("seq-rep-n" of Welleck et al., "Neural Text
// Generation with Unlikelihood Training", ICLR 2020), over words and signs. Models that have lost the thread go in circles, and
// are the surer of it the longer they do, so that their mean log-probability says nothing.

/** A run of one sign is one: a ruled line says one thing. */
const WORD_OR_SIGN = /[\p{L}\p{N}_]+|([^\s\p{L}\p{N}_])\1*/gu;
const N = 4;
/** Of fewer n-grams the share says little: short lines of code hold the same four signs twice. */
const FEWEST = 16;
/** Code that people write stays below a half, tables of numbers aside. */
const REPETITIVE = 0.6;

/** 0: says everything once; towards 1: says one thing over and over. 0 for short texts. */
export function repetition(text: string): number {
  const words = text.match(WORD_OR_SIGN) ?? [];
  const grams = words.length - N + 1;
  if (grams < FEWEST) return 0;
  const distinct = new Set<string>();
  for (let at = 0; at < grams; at++) distinct.add(words.slice(at, at + N).join(" "));
  return 1 - distinct.size / grams;
}

export const isRepetitive = (text: string): boolean => repetition(text) > REPETITIVE || hasLongRun(text);

/** One sign or digit without end is a single word. */
const hasLongRun = (text: string): boolean => /([\p{L}\p{N}])\1{23}/u.test(text);
