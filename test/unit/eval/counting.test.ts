// What octet eval counts while it decodes: budgets shared by requests, acceptance step by step, bits per byte.
import { describe, expect, it } from "vitest";
import type { GenerateParams, GenerateResult, LaneEvent, StepEvent } from "../../../protocol/worker";
import type { WorkerApi } from "../../../extension/cli/workerApi";
import { acceptanceRows, tallySteps, type AcceptanceSample } from "../../../extension/cli/eval/acceptance";
import { attempt, type DecodeSettings } from "../../../extension/cli/eval/attempt";
import { lossRows } from "../../../extension/cli/eval/loss";

const never = new AbortController().signal;
const settings: DecodeSettings = { lanes: 4, maxTokens: 10, budgetMs: 100, draftLength: "bass", temperature: 0.2, topP: 0.95 };
const ask = { prompt: { kind: "text", text: "a" }, stop: ["\n"], seed: 16 } as const;

/** A worker whose requests take the given times; what they were asked is kept. */
function scripted(wallMs: readonly number[]): { worker: WorkerApi; asked: GenerateParams[] } {
  const asked: GenerateParams[] = [];
  const generate = async (params: GenerateParams): Promise<GenerateResult> => {
    const ms = wallMs[asked.length] ?? 0;
    asked.push(params);
    return {
      sequences: Array.from({ length: params.lanes }, (_, lane) => ({
        lane, rank: lane + 1, text: `${asked.length}.${lane}`, tokens: [1, 2], tokenLogprobs: [-1, -1], meanLogprob: -1, finishReason: "stop" as const,
        drafted: 4, accepted: 1, firstTokenMs: 1, msPerToken: 1,
      })),
      totals: {
        promptTokens: 7, reusedTokens: params.freshPrompt ? 0 : 6, prefillMs: 2, decodeMs: ms - 2, wallMs: ms, steps: 2, tokens: 2 * params.lanes,
        drafted: 4 * params.lanes, accepted: params.lanes, acceptanceRate: 0.25, tokensPerStep: 1, tokensPerSecond: 1,
        msPerToken: { first: 1, last: 3, all: 2 }, draftMs: 0, verifyMs: 0, hostMs: 0, alone: { prompt: true, steps: true },
      },
      notices: [],
    };
  };
  return { worker: { generate } as Pick<WorkerApi, "generate"> as WorkerApi, asked };
}

describe("an attempt", () => {
  it("is one request of all lanes for the methods that decode a batch", async () => {
    for (const [method, draftLength] of [["regular", "none"], ["bass", "bass"]] as const) {
      const { worker, asked } = scripted([80]);
      const { candidates, figures } = await attempt(method, worker, settings, ask, never);
      expect(asked).toEqual([{
        id: "eval", prompt: ask.prompt, lanes: 4, maxTokens: 10, stop: ["\n"], stopTokens: [], budgetMs: 100, draftLength, freshPrompt: true,
        sampling: { temperature: 0.2, topP: 0.95, topK: 0, minP: 0, seed: 16 },
      }]);
      expect(candidates.map(({ text }) => text)).toEqual(["1.0", "1.1", "1.2", "1.3"]);
      expect(figures).toEqual({
        tokens: 8, decodeMs: 78, first: 1, last: 3, all: 2, wallMs: 80, prefillMs: 2, promptTokens: 7, reusedTokens: 0, drafted: 16, accepted: 4, steps: 2,
      });
    }
  });

  it("asks for token healing where the settings do, in every request", async () => {
    for (const method of ["regular", "speculative-single", "bass"] as const) {
      for (const heal of [true, false, undefined]) {
        const { worker, asked } = scripted([10, 10, 10, 10]);
        await attempt(method, worker, { ...settings, heal }, ask, never);
        expect(asked.map((params) => params.heal)).toEqual(asked.map(() => (heal ? true : undefined)));
      }
    }
  });

  it("is one lane after another for single-sequence speculation, within one budget, the prompt computed once", async () => {
    const { worker, asked } = scripted([30, 50, 19.5, 9]);
    const { candidates, figures } = await attempt("speculative-single", worker, settings, ask, never);
    expect(asked.map(({ budgetMs, lanes, freshPrompt, draftLength, sampling }) => [budgetMs, lanes, freshPrompt, draftLength, sampling.seed])).toEqual([
      [100, 1, true, "bass", 16], [70, 1, undefined, "bass", 17], [20, 1, undefined, "bass", 18], // 0.5 ms are left: too little to ask for
    ]);
    expect(candidates).toHaveLength(3);
    expect(figures).toMatchObject({ wallMs: 99.5, prefillMs: 6, promptTokens: 7, reusedTokens: 0, tokens: 6, drafted: 12, accepted: 3, steps: 6 });
    // The first lane's tokens took 28 ms; the last one's reader has waited for all three.
    expect(figures.first).toBe(14);
    expect(figures.last).toBe((28 + 48 + 17.5) / 2);
  });

  it("starts no more lanes than the others have", async () => {
    const { worker, asked } = scripted([5, 5, 5, 5, 5, 5]);
    await attempt("speculative-single", worker, settings, ask, never);
    expect(asked).toHaveLength(4);
  });

  it("rejects when it is cancelled: half an attempt is none", async () => {
    const cancelled = new AbortController();
    cancelled.abort();
    await expect(attempt("bass", scripted([1]).worker, settings, ask, cancelled.signal)).rejects.toThrow(/abort/);
  });
});

describe("acceptance", () => {
  const step = (...lanes: [drafted: number, accepted: number, tokens: number][]): StepEvent => ({
    atMs: 0, stepMs: 0, draftMs: 0, verifyMs: 0, hostMs: 0, draftLength: 4,
    lanes: lanes.map(([drafted, accepted, tokens], lane): LaneEvent => ({ lane, drafted, accepted, tokens: Array<number>(tokens).fill(1), logprobs: [], text: [] })),
  });

  it("looks at no token behind a rejected one", () => {
    expect(tallySteps([step([4, 4, 5], [4, 0, 1]), step([4, 2, 3], [0, 0, 1]), step([0, 0, 0])])).toEqual(
      { drafted: 12, accepted: 6, tested: 4 + 1 + 3, tokens: 10, laneSteps: 4 });
  });
  it("is pooled by language, temperature and batch, languages with most places first", () => {
    const sample = (language: string, temperature: number, accepted: number): AcceptanceSample =>
      ({ place: "p", language, temperature, batch: 8, tally: { drafted: 10, accepted, tested: accepted + 2, tokens: 20, laneSteps: 5 } });
    const rows = acceptanceRows([sample("go", 0, 8), sample("python", 0, 2), sample("python", 0, 6), sample("python", 0.8, 1)]);
    expect(rows.map(({ language, temperature, places, acceptanceRate, perToken, tokensPerStep }) =>
      [language, temperature, places, acceptanceRate?.value, perToken?.value, tokensPerStep])).toEqual([
      ["python", 0, 2, 0.4, 8 / 12, 4], ["python", 0.8, 1, 0.1, 1 / 3, 4], ["go", 0, 1, 0.8, 0.8, 4],
      ["all", 0, 3, 16 / 30, 16 / 22, 4], ["all", 0.8, 1, 0.1, 1 / 3, 4],
    ]);
    expect(acceptanceRows([sample("go", 0, 8)]).map(({ language }) => language)).toEqual(["go"]);
  });
});

describe("loss", () => {
  it("weighs files by their bytes", () => {
    const rows = lossRows([
      { file: "a", language: "go", bytes: 100, tokens: 25, target: 100, draft: 150 },
      { file: "b", language: "go", bytes: 300, tokens: 75, target: 900, draft: 950 },
      { file: "c", language: "c", bytes: 1000, tokens: 400, target: 500, draft: null },
    ]);
    expect(rows).toEqual([
      { language: "c", files: 1, bytes: 1000, bytesPerToken: 2.5, target: 0.5, draft: null },
      { language: "go", files: 2, bytes: 400, bytesPerToken: 4, target: 2.5, draft: 2.75 },
      { language: "all", files: 3, bytes: 1400, bytesPerToken: 2.8, target: 1500 / 1400, draft: null },
    ]);
  });
});
