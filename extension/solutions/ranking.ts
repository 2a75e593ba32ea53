// The order of solutions that have ended: finished before unfinished, then by mean log-probability; the same text once. What
// says one thing over and over comes after the rest, and a blank solution has no rank at all.
import type { SolutionsLane } from "../../protocol/solutionsView";
import { isRepetitive } from "../completion/repetition";

export interface Ranked {
  id: number;
  /** From 1; lanes of the same text share one. null: there is nothing to insert, however sure the model was of that. */
  rank: number | null;
  duplicateOf: number | null;
}

export const hasEnded = ({ state }: Pick<SolutionsLane, "state">): boolean => state !== "waiting" && state !== "writing";

export const textOf = ({ text }: Pick<SolutionsLane, "text">): string => text.map((span) => span.text).join("");

/** Trailing blank makes no other solution. */
export const sameText = (text: string): string => text.trimEnd();

export const isBlank = (lane: Pick<SolutionsLane, "text">): boolean => textOf(lane).trim() === "";

/** Of the lanes that have ended. */
export function ranking(lanes: readonly SolutionsLane[]): Ranked[] {
  const ended = lanes.filter(hasEnded);
  const written = ended
    .filter((lane) => !isBlank(lane))
    .map((lane) => ({ lane, text: sameText(textOf(lane)) }))
    .map((solution) => ({ ...solution, standing: standing(solution) }))
    .sort((a, b) => a.standing - b.standing || (b.lane.meanLogprob ?? -Infinity) - (a.lane.meanLogprob ?? -Infinity) || a.lane.id - b.lane.id);
  const bestOf = new Map<string, Ranked>();
  const ranked = written.map(({ lane: { id }, text }): Ranked => {
    const best = bestOf.get(text);
    if (best) return { id, rank: best.rank, duplicateOf: best.id };
    const first = { id, rank: bestOf.size + 1, duplicateOf: null };
    bestOf.set(text, first);
    return first;
  });
  return [...ranked, ...ended.filter(isBlank).map(({ id }): Ranked => ({ id, rank: null, duplicateOf: null }))];
}

function standing({ lane: { state }, text }: { lane: SolutionsLane; text: string }): number {
  const finished = state === "end" || state === "stop" || state === "length";
  return (isRepetitive(text) ? 2 : 0) + (finished ? 0 : 1);
}
