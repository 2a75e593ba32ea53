// What the live view knows: the steps of a generation folded into one state per lane. No drawing, no clock.
import type {
  FinishReason, GenerateProgressParams, LaneEvent, LoadProgressParams, LoadResult, StepEvent, TextSpan,
} from "../../protocol/worker";
import { isFinished } from "./ranking";

/** Per-token latencies kept for a lane's sparkline. */
const KEPT_LATENCIES = 200;

export interface LaneState {
  lane: number;
  /** Neighbouring spans of one kind are merged. */
  spans: TextSpan[];
  tokens: number;
  logprobSum: number;
  drafted: number;
  accepted: number;
  /** Milliseconds each of the last tokens took: its step's time over the tokens the step gave the lane. */
  latencies: number[];
  /** End of the lane's last step, since the request was taken up. */
  lastMs: number;
  finishReason?: FinishReason;
}

export class LiveState {
  phase: "starting" | "loading" | "prompt" | "decoding" = "starting";
  load: LoadProgressParams | undefined;
  loaded: LoadResult | undefined;
  prefill: { done: number; total: number; reused: number } | undefined;
  /** When the first step began; prefill lies before it. */
  decodeStartMs: number | undefined;
  lastMs = 0;
  draftLength = 0;
  lanes: LaneState[] = [];

  constructor(readonly wanted: { lanes: number; maxTokens: number; budgetMs: number | null }) {}

  onLoad(progress: LoadProgressParams): void {
    this.phase = "loading";
    this.load = progress;
  }

  onLoaded(loaded: LoadResult, lanes: number): void {
    this.phase = "prompt";
    this.loaded = loaded;
    this.lanes = Array.from({ length: lanes }, (_, lane) => ({
      lane, spans: [], tokens: 0, logprobSum: 0, drafted: 0, accepted: 0, latencies: [], lastMs: 0,
    }));
  }

  onProgress({ prefill, steps }: GenerateProgressParams): void {
    if (prefill) this.prefill = prefill;
    for (const step of steps) this.onStep(step);
  }

  private onStep(step: StepEvent): void {
    this.phase = "decoding";
    this.decodeStartMs ??= step.atMs - step.stepMs;
    this.lastMs = step.atMs;
    this.draftLength = step.draftLength;
    for (const event of step.lanes) {
      const lane = this.lanes[event.lane];
      if (lane) advance(lane, event, step);
    }
  }

  get tokens(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.tokens, 0);
  }

  get decodeMs(): number {
    return this.decodeStartMs === undefined ? 0 : this.lastMs - this.decodeStartMs;
  }

  /** Mean over the lanes, each to its own last token. */
  get msPerToken(): number | null {
    const known = this.lanes.map((lane) => this.laneMsPerToken(lane)).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  }

  laneMsPerToken(lane: LaneState): number | null {
    return lane.tokens === 0 || this.decodeStartMs === undefined ? null : (lane.lastMs - this.decodeStartMs) / lane.tokens;
  }

  get acceptance(): number | null {
    const drafted = this.lanes.reduce((sum, lane) => sum + lane.drafted, 0);
    return drafted === 0 ? null : this.lanes.reduce((sum, lane) => sum + lane.accepted, 0) / drafted;
  }

  /** Share of the work that is done, by tokens or by the time budget, whichever is further. */
  get fraction(): number {
    const wanted = this.lanes.length * this.wanted.maxTokens;
    const written = this.lanes.reduce((sum, lane) => sum + (lane.finishReason ? this.wanted.maxTokens : lane.tokens), 0);
    const byTokens = wanted === 0 ? 0 : written / wanted;
    return Math.min(1, Math.max(byTokens, this.wanted.budgetMs === null ? 0 : this.lastMs / this.wanted.budgetMs));
  }

  /** Rank of each finished lane among the finished ones by mean log-probability; later ones may still pass it. */
  ranks(): Map<number, number> {
    const finished = this.lanes.filter((lane) => lane.finishReason !== undefined && isFinished(lane.finishReason));
    const ordered = finished.sort((a, b) => meanLogprob(b) - meanLogprob(a) || a.lane - b.lane);
    return new Map(ordered.map((lane, index) => [lane.lane, index + 1]));
  }
}

export function meanLogprob(lane: LaneState): number {
  return lane.tokens === 0 ? -Infinity : lane.logprobSum / lane.tokens;
}

function advance(lane: LaneState, event: LaneEvent, step: StepEvent): void {
  const count = event.tokens.length;
  lane.tokens += count;
  lane.logprobSum += event.logprobs.reduce((sum, logprob) => sum + logprob, 0);
  lane.drafted += event.drafted;
  lane.accepted += event.accepted;
  if (count > 0) {
    for (let token = 0; token < count; token++) lane.latencies.push(step.stepMs / count);
    lane.latencies = lane.latencies.slice(-KEPT_LATENCIES);
    lane.lastMs = step.atMs;
  }
  for (const span of event.text) append(lane.spans, span);
  if (event.finishReason) lane.finishReason = event.finishReason;
}

function append(spans: TextSpan[], { text, accepted }: TextSpan): void {
  const last = spans.at(-1);
  if (last && last.accepted === accepted) last.text += text;
  else spans.push({ text, accepted });
}
