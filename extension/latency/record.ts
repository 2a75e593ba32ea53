// One request as the Latency view shows it: its line in the history, its figures and its steps, from the worker's events.
import { HISTORY_STEPS, type LatencyFigures, type RequestSummary, type StepSample } from "../../protocol/latencyView";
import type { GenerateProgressParams, GenerateResult, StepEvent } from "../../protocol/worker";
import { Histogram } from "./histogram";
import { LaneSums } from "./laneSums";

export interface RecordStart {
  id: string;
  kind: RequestSummary["kind"];
  label: string;
  lanes: number;
  startedAt: number;
}

export class RequestRecord {
  readonly steps: StepSample[] = [];
  private state: RequestSummary["state"] = "running";
  private readonly latencies = new Histogram();
  private readonly lanes = new LaneSums();
  private decodeStartMs: number | null = null;
  private lastMs = 0;
  private firstTokenMs: number | null = null;
  private laneSteps = 0;
  private draftLengths = 0;
  private drafted = 0;
  private accepted = 0;
  private sums = { steps: 0, tokens: 0, draftMs: 0, verifyMs: 0, hostMs: 0 };
  private prefill: GenerateProgressParams["prefill"];
  private result: GenerateResult | null = null;

  constructor(private readonly start: RecordStart) {}

  get id(): string {
    return this.start.id;
  }

  /** Returns the new samples. A step in which no lane gained a token only tells of lanes that ended: it is none. */
  progress({ prefill, steps }: GenerateProgressParams): StepSample[] {
    if (prefill) this.prefill = prefill;
    const samples = steps.map((step) => this.step(step)).filter(({ tokens }) => tokens > 0);
    this.steps.push(...samples);
    if (this.steps.length > HISTORY_STEPS) this.steps.splice(0, this.steps.length - HISTORY_STEPS);
    return samples;
  }

  ended(result: GenerateResult): void {
    this.result = result;
    this.lanes.ended(result);
    this.state = result.sequences.length > 0 && this.lanes.dropped.lanes === result.sequences.length ? "cancelled" : "done";
  }

  /** The lane has all that was asked for, though the worker says that it was cancelled. */
  completeLane(lane: number): void {
    this.lanes.complete(lane);
  }

  failed(cancelled: boolean): void {
    this.state = cancelled ? "cancelled" : "failed";
  }

  get summary(): RequestSummary {
    const { id, kind, label, startedAt, lanes } = this.start;
    const { msPerToken, tokensPerSecond, acceptanceRate, firstTokenMs, tokens, dropped } = this.figures(false);
    return {
      id, kind, label, startedAt, state: this.state, lanes: (this.result?.sequences.length ?? lanes) - dropped.lanes, tokens, dropped,
      wallMs: this.result?.totals.wallMs ?? this.lastMs, firstTokenMs, msPerToken: msPerToken.all, tokensPerSecond, acceptanceRate,
    };
  }

  /** Quantiles cost a little: they may be left out. */
  figures(quantiles = true): LatencyFigures {
    const totals = this.result?.totals;
    const { steps, tokens, draftMs, verifyMs, hostMs } = this.sums;
    const decodeMs = this.lastMs - (this.decodeStartMs ?? 0);
    return {
      firstTokenMs: this.firstTokenMs,
      p50Ms: quantiles ? this.latencies.quantile(0.5) : null,
      p95Ms: quantiles ? this.latencies.quantile(0.95) : null,
      msPerToken: this.lanes.msPerToken,
      tokensPerSecond: totals?.tokensPerSecond ?? (decodeMs > 0 && tokens > 0 ? (tokens / decodeMs) * 1000 : null),
      acceptanceRate: this.drafted > 0 ? this.accepted / this.drafted : null,
      tokensPerStep: totals?.tokensPerStep ?? (this.laneSteps > 0 ? tokens / this.laneSteps : null),
      draftLength: steps > 0 ? this.draftLengths / steps : null,
      prefillMs: totals?.prefillMs ?? this.decodeStartMs,
      promptTokens: totals?.promptTokens ?? this.prefill?.total ?? null,
      reusedTokens: totals?.reusedTokens ?? this.prefill?.reused ?? null,
      tokens: this.lanes.tokens,
      dropped: this.lanes.dropped,
      steps: totals?.steps ?? steps,
      draftMs, verifyMs, hostMs,
    };
  }

  private step(step: StepEvent): StepSample {
    const { atMs, stepMs, draftMs, verifyMs, hostMs, draftLength } = step;
    this.decodeStartMs ??= atMs - stepMs;
    this.lastMs = atMs;
    const sample: StepSample = { atMs, stepMs, draftMs, verifyMs, hostMs, draftLength, lanes: step.lanes.length, tokens: 0, drafted: 0, accepted: 0 };
    for (const { lane, tokens: { length: gained }, drafted, accepted, finishReason } of step.lanes) {
      sample.tokens += gained;
      sample.drafted += drafted;
      sample.accepted += accepted;
      if (gained > 0) this.latencies.add(stepMs / gained, gained);
      this.lanes.step(lane, gained, atMs - this.decodeStartMs, finishReason);
    }
    if (sample.tokens === 0) return sample;
    this.firstTokenMs ??= atMs;
    this.laneSteps += sample.lanes;
    this.draftLengths += draftLength;
    this.drafted += sample.drafted;
    this.accepted += sample.accepted;
    this.sums.steps += 1;
    this.sums.tokens += sample.tokens;
    for (const part of ["draftMs", "verifyMs", "hostMs"] as const) this.sums[part] += step[part];
    return sample;
  }
}
