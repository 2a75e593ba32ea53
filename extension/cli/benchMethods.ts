// The methods octet bench compares, and one measured run of each. Times are of decoding, without the prompt's prefill.
import type { DraftLength, GenerateParams, GenerateResult } from "../../protocol/worker";
import { mean, ratio } from "./statistics";
import type { WorkerApi } from "./workerApi";

/** What every run of one bench shares. */
export interface Workload {
  prompt: number[];
  newTokens: number;
  draftLength: DraftLength;
  temperature: number;
  topP: number;
}

/** One run of one method at one batch size. Per-token times are milliseconds over the tokens really written. */
export interface Sample {
  tokens: number;
  decodeMs: number;
  tokensPerSecond: number | null;
  first: number | null;
  last: number | null;
  all: number | null;
  acceptanceRate: number | null;
  tokensPerStep: number | null;
  meanDraftLength: number | null;
}

export interface MethodRun {
  worker: WorkerApi;
  workload: Workload;
  batch: number;
  seed: number;
  signal: AbortSignal;
}

export interface Method {
  name: string;
  run(run: MethodRun): Promise<Sample>;
}

/** In the order they are shown. */
export const methods: readonly Method[] = [
  { name: "regular", run: (run) => together(run, "none") },
  { name: "speculative-single", run: oneAfterAnother },
  { name: "bass", run: (run) => together(run, run.workload.draftLength) },
];
export const methodNames = methods.map((method) => method.name);

export interface Measured {
  result: GenerateResult;
  draftLengths: number[];
}

async function measure({ worker, workload, signal }: MethodRun, lanes: number, seed: number, draftLength: DraftLength): Promise<Measured> {
  const params: GenerateParams = {
    id: "bench",
    prompt: { kind: "tokens", tokens: workload.prompt },
    lanes,
    maxTokens: workload.newTokens,
    sampling: { temperature: workload.temperature, topP: workload.topP, topK: 0, minP: 0, seed },
    stop: [],
    stopTokens: [],
    budgetMs: null,
    draftLength,
    ignoreEnd: true,
  };
  const draftLengths: number[] = [];
  const result = await worker.generate(params, {
    signal,
    onProgress: ({ steps }) => draftLengths.push(...steps.map((step) => step.draftLength)),
  });
  signal.throwIfAborted();
  return { result, draftLengths };
}

/** The whole batch in one request. */
async function together(run: MethodRun, draftLength: DraftLength): Promise<Sample> {
  return batchSample(await measure(run, run.batch, run.seed, draftLength));
}

export function batchSample({ result: { totals }, draftLengths }: Measured): Sample {
  return {
    tokens: totals.tokens,
    decodeMs: totals.decodeMs,
    tokensPerSecond: rate(totals.tokens, totals.decodeMs),
    ...totals.msPerToken,
    acceptanceRate: totals.acceptanceRate,
    tokensPerStep: totals.tokensPerStep,
    meanDraftLength: totals.drafted === 0 ? null : mean(draftLengths),
  };
}

/**
 * Single-sequence speculation, the paper's baseline: the sequences one after another, each at batch 1. A sequence has waited
 * for those before it, so its time runs from the first one's start.
 */
async function oneAfterAnother(run: MethodRun): Promise<Sample> {
  const runs: Measured[] = [];
  for (let lane = 0; lane < run.batch; lane++) runs.push(await measure(run, 1, run.seed + lane, run.workload.draftLength));
  return combineSequential(runs);
}

export function combineSequential(runs: readonly Measured[]): Sample {
  let elapsed = 0;
  const perToken = runs.map(({ result: { totals } }) => {
    elapsed += totals.decodeMs;
    return ratio(elapsed, totals.tokens);
  });
  const sum = (value: (totals: GenerateResult["totals"]) => number): number =>
    runs.reduce((total, { result }) => total + value(result.totals), 0);
  const known = perToken.filter((value) => value !== null);
  const drafted = sum((totals) => totals.drafted);
  const tokens = sum((totals) => totals.tokens);
  return {
    tokens,
    decodeMs: elapsed,
    tokensPerSecond: rate(tokens, elapsed),
    first: perToken[0] ?? null,
    last: perToken.at(-1) ?? null,
    all: mean(known),
    acceptanceRate: ratio(sum((totals) => totals.accepted), drafted),
    tokensPerStep: ratio(tokens, sum((totals) => totals.steps)),
    meanDraftLength: drafted === 0 ? null : mean(runs.flatMap((run) => run.draftLengths)),
  };
}

const rate = (tokens: number, ms: number): number | null => {
  const perMs = ratio(tokens, ms);
  return perMs === null ? null : perMs * 1000;
};
