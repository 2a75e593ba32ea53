// The order in which candidates are shown: by rank, with lanes that wrote the same text together.
import type { FinishReason, SequenceResult } from "../../protocol/worker";

export interface Candidate {
  best: SequenceResult;
  /** Lanes with the very same text, the best one's included, in order of rank. */
  lanes: number[];
}

/** Candidates best first. A lane that ended by itself never joins one that was cut off, even where the texts agree. */
export function groupIdentical(sequences: readonly SequenceResult[]): Candidate[] {
  const groups = new Map<string, Candidate>();
  for (const sequence of [...sequences].sort((a, b) => a.rank - b.rank)) {
    const key = `${isFinished(sequence.finishReason)}:${sequence.text}`;
    const group = groups.get(key);
    if (group) group.lanes.push(sequence.lane);
    else groups.set(key, { best: sequence, lanes: [sequence.lane] });
  }
  return [...groups.values()];
}

/** Whether the lane came to its own end, as ranking counts it. */
export function isFinished(reason: FinishReason): boolean {
  return reason === "end" || reason === "stop" || reason === "length";
}

/** How a lane ended, in words. */
export const finishWords: Record<FinishReason, string> = {
  end: "finished",
  stop: "stop text",
  length: "token limit",
  budget: "out of time",
  cancelled: "stopped",
};
