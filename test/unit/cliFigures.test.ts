// Figures, medians, ratios and tables.
import { describe, expect, it } from "vitest";
import { combineSequential, type Sample } from "../../extension/cli/benchMethods";
import { cells, columns, rotated, summarize, type Run } from "../../extension/cli/benchTable";
import { describeLoaded } from "../../extension/cli/doctorChecks";
import { formatBytes, formatDevice, formatDuration, formatFigure, formatLogprob, formatMs, formatParameters, formatPercent } from "../../extension/cli/format";
import { median, quantile, ratio, spread } from "../../extension/cli/statistics";
import { hangingLines, markdownTable, textTable } from "../../extension/cli/table";
import type { GenerateResult, LoadResult } from "../../protocol/worker";

describe("statistics", () => {
  it("medians odd, even and empty", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNull();
  });
  it("interpolates quantiles", () => expect(quantile([0, 10], 0.95)).toBeCloseTo(9.5));
  it("spreads over what is known", () => {
    expect(spread([null, 3, 1, 2, Number.NaN])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([null])).toBeNull();
  });
  it("has no ratio to nothing", () => {
    expect(ratio(1, 0)).toBeNull();
    expect(ratio(null, 1)).toBeNull();
    expect(ratio(3, 2)).toBe(1.5);
  });
});

describe("figures", () => {
  it.each([[0.123, "0.12"], [1.94, "1.94"], [12.34, "12.3"], [1950, "1,950"], [99.9, "100"], [null, "–"]])("%s is %s", (value, text) => expect(formatFigure(value)).toBe(text));
  it.each([[0.994, "0.99"], [0.999, "1.0"], [9.94, "9.9"], [9.96, "10"]])("%s ms is %s", (value, text) => expect(formatMs(value)).toBe(text));
  it.each([[999.4, "999 ms"], [999.6, "1.0 s"], [61_000, "1 min 1 s"]])("%s lasts %s", (value, text) => expect(formatDuration(value)).toBe(text));
  it.each([[-0.184, "−0.18"], [-0.001, "0.00"], [null, "–"]])("log p %s is %s", (value, text) => expect(formatLogprob(value)).toBe(text));
  it("says sizes", () => {
    expect(formatBytes(6.9e6)).toBe("6.9 MB");
    expect(formatBytes(999)).toBe("999 B");
    expect(formatParameters(6.5e6)).toBe("6.5M");
    expect(formatParameters(7.6e9)).toBe("7.6B");
    expect(formatPercent(0.777)).toBe("78 %");
  });
  it("says where a pair is", () => {
    const on = (kind: "cpu" | "gpu", split?: LoadResult["split"]) =>
      ({ device: { name: "D", kind }, target: { layers: 28 }, threads: 6, ...(split ? { split } : {}), lanes: 8, contextTokens: 4096, memory: { total: 5e9, available: 6e9 }, draft: null, notices: [] }) as unknown as LoadResult;
    const split = on("gpu", { layersOnDevice: 19, machineMemoryBytes: 2.1e9 });
    expect([on("cpu"), on("gpu"), split].map(formatDevice)).toEqual(["D, 6 threads", "D", "D (19 of 28 layers) and 6 threads"]);
    const inUse = (loaded: LoadResult) => describeLoaded(loaded, "auto", { hello: { devices: [] }, driverCrash: null } as never)[0]?.text;
    expect(inUse(split)).toBe("D (it holds some of the models), 19 of 28 layers there, 6 threads, 8 lanes of 4,096 tokens, 5.0 GB of 6.0 GB available, 2.1 GB in the machine's memory, without draft model");
    expect(inUse(on("gpu"))).toBe("D (the fastest device that the models fit), 8 lanes of 4,096 tokens, 5.0 GB of 6.0 GB available, without draft model");
  });
});

describe("tables", () => {
  const spec = [{ header: "name", align: "left" as const }, { header: "n", align: "right" as const }];
  it("aligns by cells, not characters", () => {
    expect(textTable(spec, [["漢", "1"], ["abcd", "10"]])).toEqual(["name   n", "漢     1", "abcd  10"]);
  });
  it("wraps a text beside its label at words", () => {
    expect(hangingLines("label ", "one two three", 13)).toEqual(["label one two", "      three"]);
    expect(hangingLines("label ", "overlong", 8)).toEqual(["label overlong"]);
  });
  it("writes Markdown", () => {
    expect(markdownTable(spec, [["a|b", "1"]])).toEqual(["| name | n |", "|---|---:|", "| a\\|b | 1 |"]);
  });
});

describe("bench", () => {
  const sample = (tokensPerSecond: number): Sample => ({
    tokens: 64, decodeMs: 10, tokensPerSecond, first: 1, last: 2, all: 1.5, acceptanceRate: null, tokensPerStep: 1, meanDraftLength: null,
  });
  const run = (repeat: number, method: string, speed: number): Run => ({ repeat, batch: 8, method, sample: sample(speed) });

  it("takes the ratio within each repeat, then the median: drift between repeats cancels", () => {
    const runs = [run(1, "regular", 100), run(1, "bass", 200), run(2, "regular", 10), run(2, "bass", 30), run(3, "regular", 50), run(3, "bass", 50)];
    const rows = summarize(runs, [8], ["regular", "bass"]);
    expect(rows.map((row) => row.ratioToRegular)).toEqual([{ median: 1, min: 1, max: 1 }, { median: 2, min: 1, max: 3 }]);
    expect(rows[1]?.tokensPerSecond).toEqual({ median: 50, min: 30, max: 200 });
  });
  it("has no ratio where regular was not run, and no row without runs", () => {
    const rows = summarize([run(1, "bass", 5)], [1, 8], ["regular", "bass"]);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.ratioToRegular).toBeNull();
    expect(cells(rows[0] ?? expect.fail())).toHaveLength(columns.length);
  });
  it("gives every method every place", () => {
    expect([0, 1, 2, 3].map((by) => rotated(["a", "b", "c"], by).join(""))).toEqual(["abc", "bca", "cab", "abc"]);
  });
  it("lets a sequence wait for those before it", () => {
    const totals = (decodeMs: number): GenerateResult["totals"] => ({ ...emptyTotals, decodeMs, tokens: 10, steps: 5, drafted: 10, accepted: 5 });
    const combined = combineSequential([10, 30].map((ms) => ({
      result: { sequences: [], notices: [], totals: totals(ms) }, draftLengths: [2, 2],
    })));
    expect(combined).toEqual({
      tokens: 20, decodeMs: 40, tokensPerSecond: 500, first: 1, last: 4, all: 2.5, acceptanceRate: 0.5, tokensPerStep: 2, meanDraftLength: 2,
    });
  });
});

const emptyTotals: GenerateResult["totals"] = {
  promptTokens: 1, reusedTokens: 0, prefillMs: 0, decodeMs: 0, wallMs: 0, steps: 0, tokens: 0, drafted: 0, accepted: 0, acceptanceRate: null,
  tokensPerStep: null, tokensPerSecond: null, msPerToken: { first: null, last: null, all: null }, draftMs: 0, verifyMs: 0, hostMs: 0,
  alone: { prompt: true, steps: true },
};
