// The figures of octet eval: Pass@First, Pass@All and Pass@Finished, their intervals, and the tables made of them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FinishReason } from "../../../protocol/worker";
import { bootstrap, wilson } from "../../../extension/cli/eval/intervals";
import { bestFinished, metricsOf, type Judged, type JudgedCandidate, type ProblemRecord } from "../../../extension/cli/eval/metrics";
import { cellsOf, columnsOf, compare, comparisonLine, halvesOf, summarise } from "../../../extension/cli/eval/table";

/** A finished candidate is judged, any other is not. */
function candidate(finishReason: FinishReason, meanLogprob: number | null, right = false): JudgedCandidate {
  const finished = finishReason === "end" || finishReason === "stop";
  return { text: "", finishReason, meanLogprob, tokens: 4, right: finished ? right : null };
}

const figures = {
  tokens: 40, decodeMs: 200, first: 4, last: 6, all: 5, wallMs: 250, prefillMs: 50, promptTokens: 9, reusedTokens: 0, drafted: 30, accepted: 12, steps: 9,
};
const judged = (candidates: JudgedCandidate[], changes: Partial<typeof figures> = {}): Judged => ({ candidates, figures: { ...figures, ...changes } });

describe("pass rates", () => {
  it("rank the finished candidates alone, by mean log-probability", () => {
    const metrics = metricsOf([
      judged([candidate("stop", -0.5, false), candidate("end", -0.2, true), candidate("budget", -0.01)]), // the best finished is right
      judged([candidate("stop", -0.1, false), candidate("end", -0.2, true)]), // only the second is
      judged([candidate("length", -0.1), candidate("budget", -0.2), candidate("cancelled", null)]), // none has finished
      judged([candidate("end", -0.3, false)]),
    ]);
    expect(metrics.problems).toBe(4);
    expect(metrics.passFirst?.value).toBe(1 / 4);
    expect(metrics.passAll?.value).toBe(2 / 4);
    expect(metrics.passFinished?.value).toBe(2 / 5);
    expect(metrics.finished?.value).toBe(5 / 4);
  });

  it("count token limit and budget as not finished", () => {
    for (const reason of ["length", "budget", "cancelled"] as const) expect(bestFinished([candidate(reason, -0.1)])).toBeUndefined();
  });

  it("take the earlier lane on a tie, and a candidate without tokens last", () => {
    const [empty, early, late] = [candidate("end", null), candidate("stop", -1), candidate("end", -1)];
    expect(bestFinished([empty, early, late])).toBe(early);
    expect(bestFinished([empty])).toBe(empty);
  });

  it("are null where there is nothing to count", () => {
    const none = metricsOf([]);
    expect([none.passFirst, none.passAll, none.passFinished, none.finished, none.tokensPerSecond, none.acceptanceRate]).toEqual(Array(6).fill(null));
    expect(metricsOf([judged([candidate("budget", -1)])]).passFinished).toBeNull();
  });

  it("pool tokens, times and drafts over problems, and average milliseconds per token", () => {
    const metrics = metricsOf([judged([]), judged([], { tokens: 60, decodeMs: 800, first: 8, drafted: 10, accepted: 10, all: 7, last: 8 })]);
    expect(metrics.tokensPerSecond?.value).toBe(100);
    expect(metrics.acceptanceRate).toBe(22 / 40);
    expect(metrics.msPerToken).toEqual({ first: 6, last: 7, all: 6 });
  });
});

describe("intervals", () => {
  it("are Wilson's for proportions", () => {
    // Values of the published formula, e.g. 10 of 100: 5.5 % to 17.4 %.
    expect(wilson(10, 100)?.low).toBeCloseTo(0.0552, 4);
    expect(wilson(10, 100)?.high).toBeCloseTo(0.1744, 4);
    expect(wilson(0, 10)).toEqual({ low: 0, high: expect.closeTo(0.2775, 4) as number });
    expect(wilson(10, 10)?.high).toBe(1);
    expect(wilson(0, 0)).toBeNull();
  });
  it("hold the proportion and lie within 0 to 1", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (trials, share) => {
      const successes = Math.round(trials * share);
      const { low, high } = wilson(successes, trials) ?? { low: 9, high: -9 };
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(low).toBeLessThanOrEqual(successes / trials + 1e-12);
      expect(high).toBeGreaterThanOrEqual(successes / trials - 1e-12);
    }));
  });
  it("are resampled over problems, the same each time", () => {
    const values = Array.from({ length: 100 }, (_, index) => index);
    const mean = (sample: readonly number[]): number => sample.reduce((sum, value) => sum + value, 0) / sample.length;
    const interval = bootstrap(values, mean);
    expect(interval).toEqual(bootstrap(values, mean));
    // 49.5 ± 1.96 standard errors of 28.9 / 10
    expect(interval?.low).toBeGreaterThan(42.5);
    expect(interval?.low).toBeLessThan(45);
    expect(interval?.high).toBeGreaterThan(54);
    expect(interval?.high).toBeLessThan(56.5);
    expect(bootstrap([], mean)).toBeNull();
  });
});

describe("tables", () => {
  const record = (problem: string, kind: string, language: string, right: boolean): ProblemRecord => ({
    problem,
    groups: { kind, language },
    methods: {
      regular: judged([candidate("end", -1, false)], { decodeMs: 400, all: 10 }),
      bass: judged([candidate("end", -1, right)]),
    },
  });
  const records = [record("1", "single-line", "python", true), record("2", "single-line", "go", true), record("3", "multi-line", "python", false)];

  it("group problems, in order of name and method", () => {
    const rows = summarise(records, ["kind"], ["regular", "speculative-single", "bass"]);
    expect(rows.map(({ groups, method, problems, passFirst }) => [groups.kind, method, problems, passFirst?.value])).toEqual([
      ["multi-line", "regular", 1, 0], ["multi-line", "bass", 1, 0], ["single-line", "regular", 2, 0], ["single-line", "bass", 2, 1],
    ]);
    expect(summarise(records, ["kind", "language"], ["bass"]).map(({ groups }) => Object.values(groups).join(" ")))
      .toEqual(["multi-line python", "single-line go", "single-line python"]);
    expect(summarise(records, [], ["bass"])).toMatchObject([{ groups: {}, problems: 3 }]);
  });

  it("have a cell for every column, and halves that show each column", () => {
    for (const by of [[], ["kind"], ["kind", "language"]]) {
      const [row] = summarise(records, by, ["bass"]);
      expect(row && cellsOf(row)).toHaveLength(columnsOf(by).length);
      expect([...new Set(halvesOf(by).flat())].sort((a, b) => a - b)).toEqual([...columnsOf(by).keys()]);
    }
    const [multi] = summarise(records, ["kind"], ["bass"]);
    expect(multi && cellsOf(multi)).toEqual(
      ["multi-line", "1", "bass", "0 % [0–79]", "0 % [0–79]", "0 % [0–0]", "1.00 [1.00–1.00]", "4.00", "6.00", "5.00", "200", "40 %"]);
  });

  it("compare batched speculation with each other method", () => {
    const lines = compare(summarise(records, ["kind"], ["regular", "bass"])).map(comparisonLine);
    expect(lines).toEqual([
      "multi-line, bass over regular: 2.00× tokens per second, 0.50× ms per token, 1.00× finished lanes, Pass@First +0.0 points, Pass@All +0.0 points",
      "single-line, bass over regular: 2.00× tokens per second, 0.50× ms per token, 1.00× finished lanes, Pass@First +100.0 points, Pass@All +100.0 points",
    ]);
  });
});
