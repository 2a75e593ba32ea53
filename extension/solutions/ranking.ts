// The order of solutions that have ended: finished before unfinished, then by mean log-probability; the same text once.
import type { SolutionsLane } from "../../protocol/webview";

export interface Ranked {
  id: number;
  /** From 1; lanes of the same text share one. */
  rank: number;
  duplicateOf: number | null;
}

export const hasEnded = ({ state }: Pick<SolutionsLane, "state">): boolean => state !== "waiting" && state !== "writing";

export const textOf = ({ text }: Pick<SolutionsLane, "text">): string => text.map((span) => span.text).join("");

/** Trailing blank makes no other solution. */
export const sameText = (text: string): string => text.trimEnd();

/** Of the lanes that have ended. A lane that wrote nothing comes last, however sure the model was of ending at once. */
export function ranking(lanes: readonly SolutionsLane[]): Ranked[] {
  const ended = lanes
    .filter(hasEnded)
    .map((lane) => ({ lane, text: sameText(textOf(lane)) }))
    .sort((a, b) => standing(a) - standing(b) || (b.lane.meanLogprob ?? -Infinity) - (a.lane.meanLogprob ?? -Infinity) || a.lane.id - b.lane.id);
  const bestOf = new Map<string, Ranked>();
  return ended.map(({ lane: { id }, text }) => {
    const best = bestOf.get(text);
    if (best) return { id, rank: best.rank, duplicateOf: best.id };
    const ranked = { id, rank: bestOf.size + 1, duplicateOf: null };
    bestOf.set(text, ranked);
    return ranked;
  });
}

function standing({ lane, text }: { lane: SolutionsLane; text: string }): number {
  if (text === "") return 2;
  return lane.state === "end" || lane.state === "stop" || lane.state === "length" ? 0 : 1;
}
