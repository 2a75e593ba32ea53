// Whether a running request is still worth its lanes after more was typed: it is while enough of its lanes may yet go on
// from the new text.
import type { Lane } from "./lanes";
import { typedBetween, type RequestKey } from "./requestKey";

export interface KeepOptions {
  /** Keep while at least this many lanes match. */
  least?: number;
}

/** The lanes whose text so far is the start of what was typed, or the other way round. Lanes without text say nothing. */
export function matchingLanes(lanes: readonly Lane[], typed: string): Lane[] {
  return lanes.filter(({ text, finishReason }) => {
    const written = /^[\s]/.test(typed) ? text : text.trimStart();
    if (written === "") return typed === "" && finishReason === null;
    if (written.startsWith(typed)) return written.length > typed.length || finishReason === null;
    return finishReason === null && typed.startsWith(written);
  });
}

/** Ask again whenever the cursor moves or lanes grow: a request that fails it is to be cancelled. */
export function isWorthKeeping(asked: RequestKey, current: RequestKey, lanes: readonly Lane[], { least = 1 }: KeepOptions = {}): boolean {
  const typed = typedBetween(asked, current);
  if (!typed) return false;
  return typed.text === "" || matchingLanes(lanes, typed.text).length >= least;
}
