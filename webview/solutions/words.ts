// What the Solutions view says in words: states, phases, and summaries for screen readers. Pure.

import type { RunPhase, SolutionsLane, SolutionsState, SolutionsTotals } from "../../protocol/solutionsView";
import { count, duration, integer, logprob, percent } from "../shared/format";
import { isBlank, isLive } from "./state";

/** A part of what is said; one that is spare can be left out where there is little room. */
export interface Words {
  text: string;
  spare: boolean;
}

const say = (text: string): Words => ({ text, spare: false });
const add = (text: string): Words => ({ text, spare: true });

const STATES: Record<SolutionsLane["state"], Words[]> = {
  waiting: [say("waiting")],
  writing: [say("writing")],
  end: [say("finished")],
  stop: [say("finished")],
  length: [add("stopped: "), say("length")],
  budget: [add("stopped: "), say("budget")],
  cancelled: [add("stopped: "), say("cancelled")],
  failed: [say("error")],
};

export function stateWords(lane: SolutionsLane): Words[] {
  if (isBlank(lane)) return [say("nothing written")];
  return lane.repetitive ? [...STATES[lane.state], say(" · repeats"), add(" itself")] : STATES[lane.state];
}

export const laneState = (lane: SolutionsLane): string => stateWords(lane).map(({ text }) => text).join("");

/** How a state looks: the class of its word. */
export function laneTone(lane: SolutionsLane): "live" | "done" | "stopped" | "error" {
  const { state } = lane;
  if (isBlank(lane) && state !== "failed") return "stopped";
  if (state === "end" || state === "stop") return "done";
  if (state === "failed") return "error";
  return state === "waiting" || state === "writing" ? "live" : "stopped";
}

/** What stands in a lane that has no text; null while there is nothing to say. */
export function emptyText(lane: SolutionsLane): string | null {
  if (!isBlank(lane)) return null;
  switch (lane.state) {
    case "end":
    case "stop":
      return "The model has nothing to add here.";
    case "failed":
      return "Nothing was written before the error.";
    default:
      return "Stopped before the first token.";
  }
}

/** "same as 2 others", "same as solution 1". */
export function sameAs(lane: SolutionsLane, others: number): string | null {
  if (lane.duplicateOf !== null) return lane.rank === null ? "same text" : `same as solution ${lane.rank}`;
  return others > 0 ? `same as ${count(others, "other")}` : null;
}

/** The same where there is little room: "×3", "= 1". */
export function sameAsShort(lane: SolutionsLane, others: number): string {
  if (lane.duplicateOf === null) return `×${others + 1}`;
  return lane.rank === null ? "=" : `= ${lane.rank}`;
}

/** What the run is doing, in the header; `elapsedMs` is now's. */
export function phaseText(phase: RunPhase, totals: SolutionsTotals, elapsedMs: number): string {
  switch (phase.kind) {
    case "loading":
      return phase.fraction === null ? `${phase.label}…` : `${phase.label} ${percent(phase.fraction)}`;
    case "queued":
      return "waiting for free lanes";
    case "prefill":
      return `reading the prompt · ${integer(phase.done)} of ${count(phase.total, "token")}`;
    case "writing":
      return totals.budgetMs === null ? duration(elapsedMs) : `${duration(elapsedMs)} of ${duration(totals.budgetMs)}`;
    case "done":
      return totals.budgetMs === null ? `done in ${duration(elapsedMs)}` : `done in ${duration(elapsedMs)} of ${duration(totals.budgetMs)}`;
    case "failed":
      return "failed";
  }
}

/** How much of the thin bar is filled, 0 to 1; null: unknown, the bar runs to and fro. */
export function progress({ phase, totals }: SolutionsState, elapsedMs: number): number | null {
  switch (phase.kind) {
    case "loading":
      return phase.fraction;
    case "prefill":
      return phase.total > 0 ? phase.done / phase.total : 0;
    case "queued":
      return null;
    case "writing":
      return totals.budgetMs ? Math.min(1, elapsedMs / totals.budgetMs) : null;
    default:
      return totals.budgetMs ? Math.min(1, elapsedMs / totals.budgetMs) : 0;
  }
}

/** A lane's name for screen readers. */
export function laneLabel(lane: SolutionsLane, position: number): string {
  const parts = [lane.rank === null ? `Solution in lane ${position}` : `Solution ${lane.rank}`, laneState(lane)];
  if (lane.meanLogprob !== null && !isLive(lane)) parts.push(`mean log-probability ${logprob(lane.meanLogprob)}`);
  if (!isLive(lane)) parts.push(count(lane.tokens, "token"));
  if (lane.duplicateOf !== null) parts.push("identical to another");
  return parts.join(", ");
}

/** What a screen reader hears of the run as a whole: it changes when a lane ends, not with every token. */
export function summary({ phase, lanes }: SolutionsState): string {
  if (phase.kind === "failed") return `Failed: ${phase.error.message}`;
  if (phase.kind === "loading") return `${phase.label}.`;
  if (phase.kind === "queued" || phase.kind === "prefill") return `Writing ${count(lanes.length, "solution")}.`;
  const ended = lanes.filter((lane) => !isLive(lane)).length;
  if (phase.kind === "writing") return ended === 0 ? `Writing ${count(lanes.length, "solution")}.` : `${ended} of ${lanes.length} solutions ended.`;
  const finished = lanes.filter(({ state }) => state === "end" || state === "stop").length;
  const best = lanes.find(({ rank, duplicateOf }) => rank === 1 && duplicateOf === null);
  const detail = best ? ` Best: mean log-probability ${logprob(best.meanLogprob)}, ${count(best.tokens, "token")}.` : "";
  return `Done: ${finished} of ${count(lanes.length, "solution")} finished.${detail}`;
}
