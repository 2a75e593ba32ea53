// What the Latency view shows, and its messages (webview.ts says how they are told).

import type { StepEvent } from "./generate";
import type { Delta, ErrorActionMessage, ErrorReport, ReadyMessage, Snapshot } from "./webview";

/** Requests kept for the history. */
export const HISTORY_REQUESTS = 40;
/** Steps kept of a request: the last ones. */
export const HISTORY_STEPS = 2000;

/** Everything the Latency view shows. */
export interface LatencyState {
  worker: WorkerReport;
  /** Ids in `history`, or of the request that runs; `shown` is the one whose figures and steps follow. */
  shown: ShownRequest | null;
  /** Whether `shown` follows the newest request. */
  following: boolean;
  /** Oldest first, at most HISTORY_REQUESTS. */
  history: RequestSummary[];
  benchmark: BenchmarkState;
}

/** The worker process and what it has loaded. */
export interface WorkerReport {
  state: "stopped" | "starting" | "loading" | "ready" | "failed";
  /** In the state "loading", 0 to 1. */
  loadFraction: number | null;
  error: ErrorReport | null;
  /** Names of the models, e.g. "Qwen2.5-Coder 7B · Q8_0"; null where none is loaded. */
  target: string | null;
  draft: string | null;
  /** E.g. "NVIDIA H200 · cuda". */
  device: string | null;
  threads: number | null;
  lanes: number | null;
  contextTokens: number | null;
  /** Resident memory of the worker, and what the pair was estimated to take on its device. */
  residentBytes: number | null;
  deviceBytes: number | null;
  deviceTotalBytes: number | null;
  /** Useful floating-point operations over the device's peak, 0 to 1; null where unknown. */
  utilisation: number | null;
}

/** One step of the batch, lanes folded together. */
export interface StepSample extends Omit<StepEvent, "lanes"> {
  /** Lanes that were live, tokens they gained, and what was drafted and the target kept: sums over the lanes. */
  lanes: number;
  tokens: number;
  drafted: number;
  accepted: number;
}

/**
 * Lanes that are no completions: cancelled before they had what was asked for. Their steps took time all the same, so speeds per
 * step, token and second and acceptance are of every lane.
 */
export interface DroppedLanes {
  lanes: number;
  tokens: number;
}

/** The headline figures of a request, so far; null where there is nothing to say yet. */
export interface LatencyFigures {
  /** Since the request was taken up, prefill included. */
  firstTokenMs: number | null;
  /** Over all tokens of all lanes: a token's latency is its step's time over the tokens its lane gained. */
  p50Ms: number | null;
  p95Ms: number | null;
  /**
   * Of the first lane to finish, the last, and the mean over all, as the BASS paper reports them; of the lanes that were kept.
   * Where none was, the mean is over those that wrote.
   */
  msPerToken: { first: number | null; last: number | null; all: number | null };
  tokensPerSecond: number | null;
  acceptanceRate: number | null;
  tokensPerStep: number | null;
  /** Mean over the steps. */
  draftLength: number | null;
  prefillMs: number | null;
  promptTokens: number | null;
  reusedTokens: number | null;
  /** Of the lanes that were kept. */
  tokens: number;
  dropped: DroppedLanes;
  steps: number;
  /** Sums over the steps. */
  draftMs: number;
  verifyMs: number;
  hostMs: number;
}

/** A line of the history. */
export interface RequestSummary {
  id: string;
  kind: "inline" | "solutions" | "benchmark";
  /** E.g. "geometry.ts:9". */
  label: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  state: "running" | "done" | "cancelled" | "failed";
  /** Lanes that were kept, and their tokens. */
  lanes: number;
  tokens: number;
  dropped: DroppedLanes;
  wallMs: number;
  firstTokenMs: number | null;
  msPerToken: number | null;
  tokensPerSecond: number | null;
  acceptanceRate: number | null;
}

/** A request with its figures and steps. */
export interface ShownRequest {
  id: string;
  figures: LatencyFigures;
  /** Oldest first, at most HISTORY_STEPS. */
  steps: StepSample[];
}

/** Plain decoding against speculation, on the loaded pair. */
export type BenchmarkState =
  | { kind: "none" }
  | { kind: "running"; label: string; fraction: number; runs: BenchmarkRun[] }
  | { kind: "done"; finishedAt: number; /** E.g. "8 lanes × 128 tokens". */ conditions: string; runs: BenchmarkRun[] }
  | { kind: "cancelled" }
  | { kind: "failed"; error: ErrorReport };

/** One way of decoding, measured. The first run is plain decoding: the others are drawn as ratios to it. */
export interface BenchmarkRun {
  /** E.g. "Plain", "Speculative · auto". */
  label: string;
  msPerToken: { first: number; last: number; all: number };
  tokensPerSecond: number;
  acceptanceRate: number | null;
  tokensPerStep: number | null;
  draftLength: number | null;
}

/** What changed in the Latency view's state. */
export interface LatencyChange {
  worker?: Partial<WorkerReport>;
  /** Another request is shown from now on; applied before `figures` and `steps`. */
  shown?: ShownRequest | null;
  following?: boolean;
  /** Of the request shown. */
  figures?: LatencyFigures;
  /** Of the request shown, to be appended. */
  steps?: StepSample[];
  /** New lines, or lines that replace those of the same id. */
  history?: RequestSummary[];
  historyCleared?: true;
  benchmark?: BenchmarkState;
}

/** From the host to the Latency view. */
export type ToLatencyView = Snapshot<LatencyState> | Delta<LatencyChange>;

/** Show this request of the history; null: follow the newest. */
export interface ShowRequestMessage {
  type: "showRequest";
  id: string | null;
}

/** Run or cancel the benchmark, forget the history, or begin Generate N Solutions in the active editor. */
export interface LatencyCommandMessage {
  type: "runBenchmark" | "cancelBenchmark" | "clearHistory" | "generate";
}

/** From the Latency view to the host. */
export type FromLatencyView = ReadyMessage | ShowRequestMessage | LatencyCommandMessage | ErrorActionMessage;
