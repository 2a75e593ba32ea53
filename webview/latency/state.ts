// The Latency view's state from messages. Pure.

import { HISTORY_REQUESTS, HISTORY_STEPS } from "../../protocol/latencyView";
import type { LatencyChange, LatencyState, RequestSummary, ShownRequest } from "../../protocol/latencyView";

export function applyChange(state: LatencyState, change: LatencyChange): LatencyState {
  return {
    worker: change.worker ? { ...state.worker, ...change.worker } : state.worker,
    shown: applyToShown(change.shown === undefined ? state.shown : change.shown, change),
    following: change.following ?? state.following,
    history: applyToHistory(change.historyCleared ? [] : state.history, change.history),
    benchmark: change.benchmark ?? state.benchmark,
  };
}

function applyToShown(shown: ShownRequest | null, { figures, steps }: LatencyChange): ShownRequest | null {
  if (!shown || (!figures && !steps)) return shown;
  return {
    id: shown.id,
    figures: figures ?? shown.figures,
    steps: steps ? [...shown.steps, ...steps].slice(-HISTORY_STEPS) : shown.steps,
  };
}

function applyToHistory(history: RequestSummary[], news: RequestSummary[] | undefined): RequestSummary[] {
  if (!news) return history;
  const result = [...history];
  for (const summary of news) {
    const index = result.findIndex(({ id }) => id === summary.id);
    if (index < 0) result.push(summary);
    else result[index] = summary;
  }
  return result.slice(-HISTORY_REQUESTS);
}
