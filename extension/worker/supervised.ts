// What the supervisor says of its worker, and what it is told when it is made.

import type { LoadResult } from "../../protocol/worker";
import type { Clock } from "./async";
import type { CrashLimits } from "./crashes";
import type { StartOptions, SupervisedClient } from "./life";

/**
 * stopped: no process, none asked for yet. starting: waiting for its hello. ready: serves; `loaded` says with which models.
 * loading: models are being read. restarting: crashed, waiting to start again. failed: given up until `reset`.
 */
export type WorkerState = "stopped" | "starting" | "ready" | "loading" | "restarting" | "failed";

export interface SupervisorState {
  state: WorkerState;
  /** One line for people: why it is so. */
  reason: string | null;
  loaded: LoadResult | null;
}

export interface SupervisorOptions {
  /** Forks a worker: `(options) => new WorkerClient(forkWorker(bundle, {}, options))`. */
  start: (options: StartOptions) => SupervisedClient;
  /** Whether a worker may load GPUs' drivers; where that changes, the next load or hello starts another worker. Default: always. */
  wantsGpus?: () => boolean;
  clock?: Clock;
  crashLimits?: CrashLimits;
  /** A worker that has not said hello by then is killed, and counts as crashed. */
  helloMs?: number;
  /** What a shutdown may take before the process is killed. */
  shutdownMs?: number;
  /** Models unused for so long are unloaded, and loaded again by the next request; 0: never. Read anew each time. */
  idleUnloadMs?: number | (() => number);
}
