// Plain decoding against speculation on the pair that is loaded: the same work by each method in turn, several times, and
// the medians of what it took.
import type { BenchmarkRun, BenchmarkState } from "../../protocol/latencyView";
import type { DraftLength, GenerateResult, LoadResult } from "../../protocol/worker";
import { errorReport } from "../views/errorReport";
import { systemClock, type Clock } from "../worker/async";
import { deviceKey } from "../worker/deviceWords";
import { OctetError, toOctetError } from "../worker/errors";
import type { Session } from "../worker/session";
import { BENCHMARK_PROMPT } from "./benchmarkPrompt";

interface Method {
  label: string;
  draftLength: DraftLength;
}

const methods: readonly Method[] = [
  { label: "Plain", draftLength: "none" },
  { label: "Bass", draftLength: "bass" },
  { label: "Auto", draftLength: "auto" },
];

const ROUNDS = 3;
const MOST_LANES = 8;
const MOST_TOKENS = 128;
const FEWEST_TOKENS = 16;
const WARMUP_TOKENS = 8;
/** What all rounds together may take, about. */
const PATIENCE_MS = 60_000;
const TEMPERATURE = 0.6;

export interface BenchmarkOptions {
  session: Pick<Session, "ready" | "generate">;
  onState: (state: BenchmarkState) => void;
  clock?: Clock;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** What was measured. */
interface Measured {
  loaded: LoadResult;
  runs: BenchmarkRun[];
  /** Samples within whose steps other requests were computed, of this window or of another that shares the worker. */
  disturbed: number;
}

interface Sample {
  result: GenerateResult;
  draftLength: number | null;
}

export class Benchmark {
  private abort: AbortController | null = null;
  private readonly clock: Clock;

  constructor(private readonly options: BenchmarkOptions) {
    this.clock = options.clock ?? systemClock;
  }

  get running(): boolean {
    return this.abort !== null;
  }

  /** Never rejects: the state says what came of it. Null where it was not finished. */
  async run(): Promise<Measured | null> {
    if (this.abort) return null;
    const { signal } = (this.abort = new AbortController());
    try {
      const done = await this.measure(signal);
      this.options.onState({ kind: "done", finishedAt: (this.options.now ?? Date.now)(), conditions: done.conditions, runs: done.runs });
      return done;
    } catch (thrown) {
      const error = toOctetError(thrown);
      const cancelled = signal.aborted || error.code === "cancelled";
      this.options.onState(cancelled ? { kind: "cancelled" } : { kind: "failed", error: errorReport(error) });
      return null;
    } finally {
      this.abort = null;
    }
  }

  cancel(): void {
    this.abort?.abort();
  }

  private async measure(signal: AbortSignal): Promise<Measured & { conditions: string }> {
    const { session, onState } = this.options;
    onState({ kind: "running", label: "Loading the models", fraction: 0, runs: [] });
    const loaded = await session.ready({ signal });
    const lanes = Math.min(MOST_LANES, loaded.lanes);
    onState({ kind: "running", label: "Warming up", fraction: 0, runs: [] });
    const newTokens = await this.tokensWithinPatience(lanes, signal);
    const samples = methods.map((): Sample[] => []);
    const steps = ROUNDS * methods.length;
    for (let step = 0; step < steps; step++) {
      const [round, at] = [Math.floor(step / methods.length), step % methods.length];
      const method = methods[at]!;
      onState({ kind: "running", label: `${method.label}, round ${round + 1} of ${ROUNDS}`, fraction: step / steps, runs: medians(samples) });
      samples[at]!.push(await this.sample(method, lanes, newTokens, round, signal));
    }
    const disturbed = samples.flat().filter(({ result }) => !result.totals.alone.steps).length;
    const slowed = disturbed === 0 ? "" : `; ${disturbed} of ${steps} runs ${disturbed === 1 ? "was" : "were"} slowed by other requests, of this window or another`;
    return { loaded, runs: medians(samples), disturbed, conditions: `${lanes} lanes × ${newTokens} tokens, temperature ${TEMPERATURE}, medians of ${ROUNDS}${slowed}` };
  }

  /** Two short runs fill caches and clocks; the second says how long runs may be. */
  private async tokensWithinPatience(lanes: number, signal: AbortSignal): Promise<number> {
    let perToken = 0;
    for (const method of [methods[1]!, methods[0]!]) {
      const startedAt = this.clock.now();
      const { result } = await this.sample(method, lanes, WARMUP_TOKENS, 0, signal);
      perToken = (this.clock.now() - startedAt - result.totals.prefillMs) / WARMUP_TOKENS;
    }
    const affordable = Math.floor(PATIENCE_MS / (ROUNDS * methods.length) / Math.max(perToken, 1e-3));
    return Math.max(FEWEST_TOKENS, Math.min(MOST_TOKENS, affordable));
  }

  private async sample({ label, draftLength }: Method, lanes: number, maxTokens: number, round: number, signal: AbortSignal): Promise<Sample> {
    const lengths: number[] = [];
    const params = {
      prompt: { kind: "text" as const, text: BENCHMARK_PROMPT },
      lanes, maxTokens, draftLength, heal: false, ignoreEnd: true, stop: [], stopTokens: [], budgetMs: null,
      sampling: { temperature: TEMPERATURE, topK: 0, topP: 0.95, minP: 0, seed: round },
    };
    const onProgress = ({ steps }: { steps: { draftLength: number }[] }): void => void lengths.push(...steps.map((step) => step.draftLength));
    const result = await this.options.session.generate({ kind: "benchmark", label, params }, { signal, onProgress }).result;
    if (signal.aborted) throw new OctetError("cancelled", "the benchmark was cancelled");
    const mean = lengths.length > 0 ? lengths.reduce((sum, length) => sum + length, 0) / lengths.length : null;
    return { result, draftLength: draftLength === "none" ? null : mean };
  }
}

/** Of the methods that have a sample, in their order. */
function medians(samples: readonly Sample[][]): BenchmarkRun[] {
  return samples.flatMap((ofMethod, at) => {
    if (ofMethod.length === 0) return [];
    const middle = (value: (sample: Sample) => number | null): number | null => median(ofMethod.flatMap((sample) => value(sample) ?? []));
    const speed = (which: "first" | "last" | "all"): number => middle(({ result }) => result.totals.msPerToken[which]) ?? 0;
    return {
      label: methods[at]!.label,
      msPerToken: { first: speed("first"), last: speed("last"), all: speed("all") },
      tokensPerSecond: middle(({ result }) => result.totals.tokensPerSecond) ?? 0,
      acceptanceRate: middle(({ result }) => result.totals.acceptanceRate),
      tokensPerStep: middle(({ result }) => result.totals.tokensPerStep),
      draftLength: middle(({ draftLength }) => draftLength),
    };
  });
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** Speed of the automatic policy over plain decoding's; null where a run of either is missing, or one was slowed by others. */
export function ratioOf({ runs, disturbed }: Pick<Measured, "runs" | "disturbed">): number | null {
  if (disturbed > 0) return null;
  const [plain, auto] = [runs[0], runs.at(-1)];
  return plain && auto && auto !== plain && plain.tokensPerSecond > 0 ? auto.tokensPerSecond / plain.tokensPerSecond : null;
}

/** Names what a measured ratio is good for: this pair on this device, or split between it and the processor. */
export const pairKey = (loaded: Pick<LoadResult, "target" | "draft" | "device" | "runtime" | "split">): string => {
  const { target, draft, runtime } = loaded;
  return [target.path, target.fileBytes, draft?.path, draft?.fileBytes, deviceKey(loaded), runtime].join("|");
};
