// What is shown stays shown while it is typed: lanes that end later may rank before it, but text is not to change under the eyes
// of who reads it.
import { advance } from "./advance";
import type { Hit } from "./cache";
import { typedBetween, type RequestKey } from "./requestKey";

/** What was offered at a place. */
export interface Offered {
  key: RequestKey;
  hit: Hit;
}

/** `hit`, at `key`, with the candidate first that came first in the offer before, as far as it has not been typed. */
export function keepShown(hit: Hit, key: RequestKey, before: Offered | null): Hit {
  const [shown] = before?.hit.candidates ?? [];
  const typed = before && typedBetween(before.key, key);
  const left = shown && typed ? advance(shown, typed) : null;
  const at = hit.candidates.findIndex(({ text, overlap }) => text === left?.text && overlap === left.overlap);
  if (at <= 0) return hit;
  return { ...hit, candidates: [...hit.candidates.slice(at, at + 1), ...hit.candidates.slice(0, at), ...hit.candidates.slice(at + 1)] };
}
