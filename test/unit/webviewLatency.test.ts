// The Latency view's state and series, the order of messages, and figures in words: pure functions.

import { describe, expect, it } from "vitest";
import { HISTORY_REQUESTS, HISTORY_STEPS } from "../../protocol/latencyView";
import { MOST_POINTS, bars, drafts, stepTimes } from "../../webview/latency/series";
import { applyChange } from "../../webview/latency/state";
import { bytes, duration, figure, integer, logprob, milliseconds, percent, ratio, ticks } from "../../webview/shared/format";
import { Sequence } from "../../webview/shared/sequence";
import { FIGURES, WORKER, emptyLatency, fullLatency, history, steps } from "../webview/syntheticLatency";

describe("Sequence", () => {
  const record = () => {
    const heard: string[] = [];
    const sequence = new Sequence<string, string>({
      ask: (reason) => heard.push(`ask ${reason}`),
      replaced: (state) => heard.push(`state ${state}`),
      changed: (change) => heard.push(`change ${change}`),
    });
    const delta = (at: number) => sequence.receive({ type: "delta", sequence: at, change: `${at}` });
    return { heard, sequence, delta };
  };

  it("lets consecutive deltas through and drops old ones", () => {
    const { heard, sequence, delta } = record();
    sequence.start();
    delta(1);
    sequence.receive({ type: "snapshot", sequence: 4, state: "s" });
    [4, 5, 5, 6].forEach(delta);
    expect(heard).toEqual(["ask start", "state s", "change 5", "change 6"]);
  });

  it("asks once after a gap and waits for the snapshot", () => {
    const { heard, sequence, delta } = record();
    sequence.receive({ type: "snapshot", sequence: 0, state: "a" });
    [1, 3, 4, 5].forEach(delta);
    sequence.receive({ type: "snapshot", sequence: 5, state: "b" });
    delta(6);
    expect(heard).toEqual(["state a", "change 1", "ask gap", "state b", "change 6"]);
  });

  it("trusts nothing after it was hidden", () => {
    const { heard, sequence, delta } = record();
    sequence.receive({ type: "snapshot", sequence: 0, state: "a" });
    sequence.shownAgain();
    delta(1);
    expect(heard).toEqual(["state a", "ask shown"]);
  });
});

describe("applyChange", () => {
  it("appends steps to the request shown and bounds them", () => {
    const first = applyChange(fullLatency(), { steps: steps(5, 3, 180) });
    expect(first.shown?.steps).toHaveLength(185);
    expect(applyChange(first, { steps: steps(HISTORY_STEPS) }).shown?.steps).toHaveLength(HISTORY_STEPS);
  });

  it("shows another request, then its figures and steps, in one change", () => {
    const { shown } = applyChange(fullLatency(), { shown: { id: "x", figures: FIGURES, steps: [] }, steps: steps(2), figures: { ...FIGURES, tokens: 3 } });
    expect(shown).toMatchObject({ id: "x", figures: { tokens: 3 } });
    expect(shown?.steps).toHaveLength(2);
    expect(applyChange(fullLatency(), { shown: null, steps: steps(2) }).shown).toBeNull();
  });

  it("replaces lines of the history by id, appends others, bounds and clears", () => {
    const [one] = history(1);
    const state = applyChange(fullLatency(), { history: [{ ...one!, tokens: 1 }, { ...one!, id: "new" }] });
    expect(state.history).toHaveLength(10);
    expect(state.history[0]?.tokens).toBe(1);
    expect(applyChange(emptyLatency, { history: history(100) }).history).toHaveLength(HISTORY_REQUESTS);
    expect(applyChange(state, { historyCleared: true, history: [one!] }).history).toEqual([one]);
  });

  it("keeps what it was not told of", () => {
    const before = fullLatency();
    const after = applyChange(before, { worker: { residentBytes: 5 } });
    expect(after.worker).toEqual({ ...WORKER, residentBytes: 5 });
    expect(after.shown).toBe(before.shown);
    expect(after.history).toBe(before.history);
  });
});

describe("series", () => {
  it("stacks the parts of a step up to about its time", () => {
    const samples = steps(50);
    const [x, draft, verify, host] = stepTimes(samples);
    expect(x).toHaveLength(50);
    expect(draft?.[3]).toBeLessThan(verify?.[3] ?? 0);
    expect(host?.[3]).toBeCloseTo(samples[3]?.stepMs ?? 0);
  });

  it("bounds the points of a long run and ends at its end", () => {
    const samples = steps(1999);
    for (const columns of [stepTimes(samples), drafts(samples)]) {
      expect(columns[0].length).toBeLessThanOrEqual(MOST_POINTS);
      expect(columns[0].at(-1)).toBeCloseTo((samples.at(-1)?.atMs ?? 0) / 1000);
    }
  });

  it("leaves a gap where nothing was drafted, and draws nothing of nothing", () => {
    const plain = steps(3).map((step) => ({ ...step, drafted: 0, accepted: 0, draftLength: 0 }));
    expect(drafts(plain)[2]).toEqual([null, null, null]);
    expect(drafts([])).toEqual([[], [], []]);
  });

  it("measures bars against the fastest and ratios against the first", () => {
    const run = { label: "", msPerToken: { first: 1, last: 1, all: 1 }, acceptanceRate: null, tokensPerStep: null, draftLength: null };
    const runs = [100, 250].map((tokensPerSecond) => ({ ...run, tokensPerSecond }));
    expect(bars(runs).map(({ share, ratio: gain }) => [share, gain])).toEqual([[0.4, null], [1, 2.5]]);
    expect(bars([])).toEqual([]);
  });
});

describe("figures in words", () => {
  it("keeps about three digits", () => {
    expect([0, 0.43, 0.994, 1.94, 12.44, 99.96, 4180].map(figure)).toEqual(["0.0", "0.43", "0.99", "1.9", "12.4", "100", "4,180"]);
    expect([figure(null), figure(Infinity), percent(NaN)]).toEqual(["–", "–", "–"]);
  });

  it("tells the ticks of an axis apart, however close they are", () => {
    expect(ticks([0.02, 0.0225, 0.025], 0.0025, " s")).toEqual(["0.02 s", "0.0225 s", "0.025 s"]);
    expect(ticks([0, 0.2, 0.4, 1], 0.2, " s")).toEqual(["0 s", "0.2 s", "0.4 s", "1 s"]);
    expect(ticks([0, 50, 100], 50, " ms")).toEqual(["0 ms", "50 ms", "100 ms"]);
    expect(ticks([0, 0.0000001], 0.0000001, "")).toEqual(["0", "0"]);
  });

  it("reads naturally", () => {
    expect([percent(0.784), logprob(-0.181), logprob(0), ratio(2.41), milliseconds(1.9), integer(4180.4)]).toEqual(["78 %", "\u22120.18", "0.00", "2.4×", "1.9 ms", "4,180"]);
    expect([duration(840), duration(2440), duration(80_000)]).toEqual(["840 ms", "2.4 s", "1 min 20 s"]);
    expect([bytes(612 * 2 ** 20), bytes(9.4 * 2 ** 30), bytes(139 * 2 ** 30)]).toEqual(["612 MB", "9.4 GB", "139 GB"]);
  });
});
