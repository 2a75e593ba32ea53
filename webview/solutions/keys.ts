// What the keys mean in the grid of lanes. Pure.

import type { SolutionsLane } from "../../protocol/solutionsView";
import { isLive, isUsable } from "./state";

export type LaneAction = "insert" | "diff" | "copy" | "stop";

const ACTIONS: Record<string, LaneAction> = { Enter: "insert", d: "diff", c: "copy", s: "stop", Delete: "stop" };

/** The action of a key; undefined for other keys. */
export function actionOf(key: string): LaneAction | undefined {
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
}

/** Whether a key means something in the grid. */
export const isLaneKey = (key: string): boolean => actionOf(key) !== undefined || neighbour(key, [0], 0, 1) !== null;

/** Whether an action makes sense for a lane as it is. */
export const allowed = (lane: SolutionsLane, action: LaneAction): boolean => (action === "stop" ? isLive(lane) : isUsable(lane));

/** Why an action makes no sense for a lane as it is. */
export function refusal(lane: SolutionsLane, action: LaneAction): string {
  if (action === "stop") return "It has ended already.";
  return isLive(lane) ? "It is still being written; S ends it." : "This solution is empty.";
}

/** The lane that a key leads to from `id` in rows of `columns`; null for other keys. At an edge the lane stays. */
export function neighbour(key: string, ids: readonly number[], id: number, columns: number): number | null {
  const at = ids.indexOf(id);
  const last = ids.length - 1;
  const target: Record<string, number> = {
    ArrowLeft: Math.max(at - 1, 0),
    ArrowRight: Math.min(at + 1, last),
    ArrowUp: at - columns >= 0 ? at - columns : at,
    ArrowDown: at + columns <= last ? at + columns : at,
    j: Math.min(at + 1, last),
    k: Math.max(at - 1, 0),
    Home: 0,
    End: last,
  };
  const index = Object.hasOwn(target, key) ? target[key] : undefined;
  return index === undefined ? null : (ids[index] ?? null);
}
