// One problem put to the models: all lanes at once, or one after another, within one time budget.
import type { DraftLength, FinishReason, GenerateParams, GenerateResult, Prompt } from "../../../protocol/worker";
import { batchSample, combineSequential, type Measured, type Sample } from "../benchMethods";
import type { WorkerApi } from "../workerApi";

export const evalMethods = ["regular", "speculative-single", "bass"] as const;
export type EvalMethod = (typeof evalMethods)[number];

export interface DecodeSettings {
  lanes: number;
  maxTokens: number;
  budgetMs: number;
  /** Of the methods that draft. */
  draftLength: DraftLength;
  temperature: number;
  topP: number;
  /** Requests ask for token healing. Absent where a suite's prompts are given as they stand. */
  heal?: boolean;
}

export interface Ask {
  prompt: Prompt;
  stop: readonly string[];
  seed: number;
}

export interface Candidate {
  text: string;
  finishReason: FinishReason;
  meanLogprob: number | null;
  tokens: number;
}

export interface Attempt {
  /** One a lane; of speculative-single those that were started within the budget. */
  candidates: Candidate[];
  figures: Figures;
}

/** Sums over the attempt's requests, and the milliseconds per token of its lanes. */
export interface Figures extends Pick<Sample, "tokens" | "decodeMs" | "first" | "last" | "all"> {
  wallMs: number;
  prefillMs: number;
  promptTokens: number;
  /** Prompt tokens found in the cache by the first request: 0, or the comparison is not fair. */
  reusedTokens: number;
  drafted: number;
  accepted: number;
  steps: number;
}

/** Below this a request would only be turned away. */
const SHORTEST_BUDGET_MS = 1;

/**
 * The first request of an attempt computes its prompt anew, as the first user of it would; the later ones of
 * speculative-single find it in the cache. The budget runs from the moment a request is taken up, prompt included, and those
 * of speculative-single share it. Its lane i draws from the stream (seed + i, 0), those of a batch from (seed, i).
 */
export async function attempt(
  method: EvalMethod, worker: WorkerApi, settings: DecodeSettings, ask: Ask, signal: AbortSignal,
): Promise<Attempt> {
  if (method !== "speculative-single") {
    const draftLength = method === "regular" ? "none" : settings.draftLength;
    const { lanes, budgetMs } = settings;
    const measured = await request(worker, settings, { ...ask, draftLength, lanes, budgetMs, fresh: true }, signal);
    return summed([measured], batchSample(measured));
  }
  const runs: Measured[] = [];
  for (let left = settings.budgetMs; runs.length < settings.lanes && left >= SHORTEST_BUDGET_MS;) {
    const one = {
      ...ask, draftLength: settings.draftLength, lanes: 1, budgetMs: left, seed: ask.seed + runs.length, fresh: runs.length === 0,
    };
    const measured = await request(worker, settings, one, signal);
    runs.push(measured);
    left -= measured.result.totals.wallMs;
  }
  return summed(runs, combineSequential(runs));
}

interface OneRequest extends Ask {
  draftLength: DraftLength;
  lanes: number;
  budgetMs: number;
  fresh: boolean;
}

async function request(worker: WorkerApi, settings: DecodeSettings, one: OneRequest, signal: AbortSignal): Promise<Measured> {
  const { temperature, topP, maxTokens, heal } = settings;
  const params: GenerateParams = {
    id: "eval",
    prompt: one.prompt,
    lanes: one.lanes,
    maxTokens,
    sampling: { temperature, topP, topK: 0, minP: 0, seed: one.seed },
    stop: [...one.stop],
    stopTokens: [],
    budgetMs: one.budgetMs,
    draftLength: one.draftLength,
    ...(heal ? { heal } : {}),
    ...(one.fresh ? { freshPrompt: true } : {}),
  };
  const draftLengths: number[] = [];
  const result = await worker.generate(params, {
    signal,
    onProgress: ({ steps }) => draftLengths.push(...steps.map((step) => step.draftLength)),
  });
  signal.throwIfAborted();
  return { result, draftLengths };
}

function summed(runs: readonly Measured[], { tokens, decodeMs, first, last, all }: Sample): Attempt {
  const sum = (value: (totals: GenerateResult["totals"]) => number): number =>
    runs.reduce((total, { result }) => total + value(result.totals), 0);
  const [opening] = runs;
  return {
    candidates: runs.flatMap(({ result }) => result.sequences.map(({ text, finishReason, meanLogprob, tokens: written }) =>
      ({ text, finishReason, meanLogprob, tokens: written.length }))),
    figures: {
      tokens, decodeMs, first, last, all,
      wallMs: sum((totals) => totals.wallMs),
      prefillMs: sum((totals) => totals.prefillMs),
      promptTokens: opening?.result.totals.promptTokens ?? 0,
      reusedTokens: opening?.result.totals.reusedTokens ?? 0,
      drafted: sum((totals) => totals.drafted),
      accepted: sum((totals) => totals.accepted),
      steps: sum((totals) => totals.steps),
    },
  };
}
