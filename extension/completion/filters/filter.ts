// What a filter is: it takes a completion at a cursor and gives it back, shortened, or drops it. No filter adds text, except
// for the brackets that balanceBrackets closes.
import type { CursorContext } from "../context";

export interface Completion {
  /** LF only; continues the text at the cursor. */
  text: string;
  /** Characters after the cursor, on its line, that the text holds too and is to replace. */
  overlap: number;
  /** Its lane was cut off (by length, time or the user) or is still running: the last line may be half a line. */
  cutOff: boolean;
}

export type Filter = (completion: Completion, context: CursorContext) => Completion | null;

/** The completion with another text, or null where none is left. */
export function withText(completion: Completion, text: string): Completion | null {
  if (text.trim() === "") return null;
  return text === completion.text ? completion : { ...completion, text };
}

/** As {@link withText} for a text that ends before the completion's own end: what is left is whole. */
export function cutTo(completion: Completion, text: string): Completion | null {
  const whole = text.trimEnd().length < completion.text.trimEnd().length ? { ...completion, cutOff: false } : completion;
  return withText(whole, text);
}

export const indentation = (line: string): string => /^[ \t]*/.exec(line)?.[0] ?? "";

/** Columns of a line's indentation; a tab goes to the next multiple of four. */
export function indentColumns(line: string): number {
  let columns = 0;
  for (const char of indentation(line)) columns = char === "\t" ? columns - (columns % 4) + 4 : columns + 1;
  return columns;
}

export const isBlank = (text: string): boolean => text.trim() === "";

/** Says enough to be recognised: not just brackets, punctuation or a short word. */
export const isTelling = (line: string): boolean => (line.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= 4;
