// The Solutions view's state from messages. Pure: a change gives a new state, and lanes without news stay the same object.

import { SPARKLINE_POINTS } from "../../protocol/solutionsView";
import type { SolutionsChange, SolutionsLane, SolutionsLaneChange, SolutionsState } from "../../protocol/solutionsView";

export function applyChange(state: SolutionsState, change: SolutionsChange): SolutionsState {
  return {
    origin: state.origin,
    phase: change.phase ?? state.phase,
    totals: change.totals ? { ...state.totals, ...change.totals } : state.totals,
    lanes: applyToLanes(state.lanes, change),
    notices: change.notices ? [...state.notices, ...change.notices] : state.notices,
  };
}

function applyToLanes(lanes: SolutionsLane[], { added, lanes: changes }: SolutionsChange): SolutionsLane[] {
  if (!added && !changes) return lanes;
  const result = added ? [...lanes, ...added] : [...lanes];
  for (const change of changes ?? []) {
    const index = result.findIndex(({ id }) => id === change.id);
    const lane = result[index];
    if (lane) result[index] = applyToLane(lane, change);
  }
  return result;
}

function applyToLane(lane: SolutionsLane, change: SolutionsLaneChange): SolutionsLane {
  return {
    ...lane,
    ...change,
    text: change.text ? [...lane.text, ...change.text] : lane.text,
    latencies: change.latencies ? [...lane.latencies, ...change.latencies].slice(-SPARKLINE_POINTS) : lane.latencies,
  };
}

export const isLive = ({ state }: SolutionsLane): boolean => state === "waiting" || state === "writing";

export const hasText = ({ text }: SolutionsLane): boolean => text.some((span) => span.text.trim() !== "");

/** Whether the lane has ended with nothing to see. */
export const isBlank = (lane: SolutionsLane): boolean => !isLive(lane) && !hasText(lane);

/** Whether the lane has ended with something to insert. */
export const isUsable = (lane: SolutionsLane): boolean => !isLive(lane) && hasText(lane);

export const isRunning = ({ phase }: SolutionsState): boolean => phase.kind !== "done" && phase.kind !== "failed";

export const plainText = ({ text }: SolutionsLane): string => text.map((span) => span.text).join("");

/** Share of the drafted tokens that the target kept; null where nothing was drafted. */
export const acceptedShare = ({ drafted, accepted }: SolutionsLane): number | null => (drafted > 0 ? accepted / drafted : null);
