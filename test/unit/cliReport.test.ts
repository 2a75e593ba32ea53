// What octet generate prints below the completions.
import { describe, expect, it } from "vitest";
import { reportLines } from "../../extension/cli/report";
import { makeTheme } from "../../extension/cli/terminal";
import type { FinishReason, GenerateResult, Totals } from "../../protocol/worker";
import { LOADED, result } from "./solutionsFakes";

describe("the line of milliseconds per token", () => {
  const ended = (msPerToken: Totals["msPerToken"], ...reasons: FinishReason[]): GenerateResult => {
    const whole = result(reasons.map(String), "end", { msPerToken });
    return { ...whole, sequences: whole.sequences.map((sequence, lane) => ({ ...sequence, finishReason: reasons[lane]! })) };
  };
  const loaded = { ...LOADED, target: { ...LOADED.target, name: "model", quantization: "Q8_0" }, draft: null, notices: [] };
  const line = (of: GenerateResult): string | undefined => {
    const lines = reportLines({ result: of, loaded, notices: [], seed: 1, spans: new Map() }, makeTheme(0, false), 120);
    return lines.find((text) => text.startsWith("per token"))?.slice("per token".length).trim();
  };

  it("is of the first lane to finish and of the last", () => {
    expect(line(ended({ first: 1, last: 2, all: 1.5 }, "end", "length"))).toBe("1.5 ms on average; 1.0 ms the first lane to finish, 2.0 ms the last");
  });
  it("says how many stopped lanes it leaves out", () => {
    expect(line(ended({ first: 1, last: 2, all: 1.5 }, "end", "cancelled", "stop", "cancelled"))).toBe(
      "1.5 ms on average; 1.0 ms the first lane to finish, 2.0 ms the last; 2 stopped lanes left out");
  });
  it("names no first lane where all were stopped", () => {
    expect(line(ended({ first: null, last: null, all: 1.5 }, "cancelled", "cancelled"))).toBe("1.5 ms on average; no lane finished");
  });
  it("says that nothing was written", () => {
    expect(line(ended({ first: null, last: null, all: null }, "cancelled"))).toBe("nothing was written");
  });
});
