// The messages between the extension host and its two views, over `postMessage`. Every message is a named type with a
// sentence. Times are in milliseconds.
//
// The host owns the state. A view sends Ready and gets a snapshot with a sequence number n, then deltas n+1, n+2, ... of
// what changed since; it draws what it was told and nothing else. A delta whose number is not the next one is dropped and
// the view sends Ready again; until the new snapshot is there it ignores deltas. The host sends at most one delta in about
// 16 ms, posts nothing to a hidden view, and may send a new snapshot at any time. In a delta a figure is the value now and
// replaces the old one, a list is what is to be appended, and what is absent has not changed.

import type { ErrorCode } from "./messages";
import type { FinishReason, TextSpan } from "./worker";

/** The state as of `sequence`; the next delta is `sequence + 1`. */
export interface Snapshot<State> {
  type: "snapshot";
  sequence: number;
  state: State;
}

/** What changed since the message before. */
export interface Delta<Change> {
  type: "delta";
  sequence: number;
  change: Change;
}

/** First message of a view, and its request for another snapshot: after a gap, or when it is shown again. */
export interface ReadyMessage {
  type: "ready";
  reason: "start" | "gap" | "shown";
}

/** Something went wrong, as the user is to read it. */
export interface ErrorReport {
  code: ErrorCode;
  /** One line. */
  message: string;
  /** What the user can do about it, one sentence; null where the message says it. */
  advice: string | null;
  /** Buttons to offer, most helpful first. */
  actions: ErrorAction[];
}
export type ErrorAction = "retry" | "showLog" | "chooseModel" | "openSettings";

/** The user pressed a button of an error. */
export interface ErrorActionMessage {
  type: "errorAction";
  action: ErrorAction;
}

// ---- The Solutions view ------------------------------------------------------------------------------------------

/** Points of a lane's sparkline; a snapshot holds at most this many latencies a lane. */
export const SPARKLINE_POINTS = 64;

/** Everything the Solutions view shows. */
export interface SolutionsState {
  origin: SolutionsOrigin;
  phase: RunPhase;
  totals: SolutionsTotals;
  /** In the order they were started. */
  lanes: SolutionsLane[];
  /** Sentences for the user, e.g. that `maxTokens` was cut to the context. */
  notices: string[];
}

/** What the solutions continue. */
export interface SolutionsOrigin {
  uri: string;
  /** Name of the file, for the header. */
  file: string;
  /** Enclosing or selected symbol; null where none is known. */
  symbol: string | null;
  /** Line of the insertion point, from 1. */
  line: number;
  /** VS Code's language id; decides the colouring. */
  languageId: string;
  tabSize: number;
  /**
   * The document just before the insertion point: some whole lines (a few dozen are plenty), then the line itself up to
   * the point. Colouring starts from it; only its last line is shown, dimmed.
   */
  leadIn: string;
}

/** Where the run is. `fraction` is 0 to 1, null where unknown. */
export type RunPhase =
  | { kind: "loading"; /** E.g. "Loading the target model". */ label: string; fraction: number | null }
  | { kind: "queued" }
  | { kind: "prefill"; done: number; total: number; reused: number }
  | { kind: "writing" }
  | { kind: "done" }
  /** Lanes that had not ended are "failed" and keep what they wrote. */
  | { kind: "failed"; error: ErrorReport };

/** The row of totals; null where there is nothing to say yet. */
export interface SolutionsTotals {
  /** Decoding time over tokens of a lane, mean over the lanes. */
  msPerToken: number | null;
  /** All lanes together. */
  tokensPerSecond: number | null;
  /** accepted / drafted, 0 to 1. */
  acceptanceRate: number | null;
  /** Mean tokens that a live lane gained in a step. */
  tokensPerStep: number | null;
  /** Of the last step, 0 where it had no draft; once the run is done, the mean over its steps. */
  draftLength: number | null;
  /** Speed over plain decoding's, measured on this machine with this pair; null where it was not measured. */
  ratioToPlain: number | null;
  tokens: number;
  /** Since the run began. The view lets it run on between messages, until the phase is "done" or "failed". */
  elapsedMs: number;
  /** null: no limit. */
  budgetMs: number | null;
}

/** "failed": the run failed before this lane ended. The rest is the worker's finish reason. */
export type SolutionsLaneState = "waiting" | "writing" | FinishReason | "failed";

/** One solution. */
export interface SolutionsLane {
  /** Unique in the panel's life, whatever lane of whatever request writes it. */
  id: number;
  state: SolutionsLaneState;
  /** 1 is the best; null until the lane has ended, and for one that wrote nothing to see. Lanes of the same text share a rank. */
  rank: number | null;
  /** The best lane of the same text; null for that lane itself, for a text of its own, and until the lane has ended. */
  duplicateOf: number | null;
  text: TextSpan[];
  tokens: number;
  meanLogprob: number | null;
  /** Decoding time over tokens. */
  msPerToken: number | null;
  drafted: number;
  accepted: number;
  /** Per step, oldest first: the step's time over the tokens this lane gained in it. */
  latencies: number[];
  /** Whether it has ended going round in circles: the same thing over and over. */
  repetitive: boolean;
}

/** One lane's news: `text` and `latencies` are to be appended, the rest replaces. */
export type SolutionsLaneChange = Pick<SolutionsLane, "id"> & Partial<Omit<SolutionsLane, "id">>;

/** What changed in the Solutions view's state. */
export interface SolutionsChange {
  phase?: RunPhase;
  totals?: Partial<SolutionsTotals>;
  /** Lanes that are new; applied before `lanes`. */
  added?: SolutionsLane[];
  lanes?: SolutionsLaneChange[];
  /** To be appended. */
  notices?: string[];
}

/** A short answer to something the user did ("Inserted", "The file changed; nothing was inserted"). Not numbered, not kept. */
export interface NoteMessage {
  type: "note";
  /** The lane it is about; null: the whole panel. */
  lane: number | null;
  text: string;
  kind: "info" | "error";
}

/** From the host to the Solutions view. */
export type ToSolutionsView = Snapshot<SolutionsState> | Delta<SolutionsChange> | NoteMessage;

/** Insert a lane's text at the (re-anchored) insertion point, open it as a diff against the file, or copy it. */
export interface UseLaneMessage {
  type: "insert" | "diff" | "copy";
  lane: number;
}

/** End one lane. */
export interface StopLaneMessage {
  type: "stopLane";
  lane: number;
}

/** End every lane; with "more": write further solutions; with "reveal": show the insertion point in the editor. */
export interface SolutionsCommandMessage {
  type: "stopAll" | "more" | "reveal";
}

/** From the Solutions view to the host. */
export type FromSolutionsView = ReadyMessage | UseLaneMessage | StopLaneMessage | SolutionsCommandMessage | ErrorActionMessage;

/**
 * What the Solutions view keeps with `setState` once it has a snapshot, updated at every end of a run: the panel's
 * serializer gets it back after a reload of the window.
 */
export interface SolutionsViewMemory {
  version: 1;
  state: SolutionsState;
}

// ---- The Latency view --------------------------------------------------------------------------------------------

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
export interface StepSample {
  /** End of the step, since the request was taken up. */
  atMs: number;
  stepMs: number;
  draftMs: number;
  verifyMs: number;
  hostMs: number;
  draftLength: number;
  /** Lanes that were live, tokens they gained, and what the draft proposed and the target kept: sums over the lanes. */
  lanes: number;
  tokens: number;
  drafted: number;
  accepted: number;
}

/**
 * Lanes that are no completions: cancelled before they had what was asked for, or astray from the text before the cursor. Their
 * steps took time all the same, so speeds per step, token and second and acceptance are of every lane.
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
