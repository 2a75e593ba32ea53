import { describe, expect, it } from "vitest";
import { Debounce, placeScore } from "../../../extension/completion/debounce";
import { LatencyWindow } from "../../../extension/completion/latencyWindow";

const good = { linePrefix: "foo(", lineSuffix: "", endOfFile: true };
const bad = { linePrefix: "foo", lineSuffix: "bar", endOfFile: false };

function clocked() {
  let at = 0;
  const debounce = new Debounce({ now: () => at });
  const typeEvery = (ms: number, times: number) => {
    for (let key = 0; key < times; key++) {
      at += ms;
      debounce.typed();
    }
  };
  return { debounce, typeEvery, pass: (ms: number) => (at += ms) };
}

describe("Debounce", () => {
  it("waits about as long as the user's typing interval", () => {
    const { debounce, typeEvery } = clocked();
    typeEvery(80, 40);
    expect(debounce.typingIntervalMs).toBeCloseTo(80, 0);
    const fast = debounce.waitMs(bad);
    typeEvery(300, 40);
    expect(debounce.waitMs(bad)).toBeGreaterThan(fast * 2);
  });

  it("waits less at a good place and for a slow answer", () => {
    const { debounce, typeEvery } = clocked();
    typeEvery(200, 10);
    const wait = debounce.waitMs(bad);
    expect(debounce.waitMs(good)).toBeLessThan(wait / 2);
    for (let turn = 0; turn < 5; turn++) debounce.answered(150);
    expect(debounce.waitMs(bad)).toBeCloseTo(wait - 150);
    expect(debounce.waitMs(good)).toBe(20);
  });

  it("counts from the last key", () => {
    const { debounce, typeEvery, pass } = clocked();
    typeEvery(200, 10);
    const wait = debounce.waitMs(bad);
    pass(100);
    expect(debounce.waitMs(bad)).toBeCloseTo(wait - 100);
    pass(10_000);
    expect(debounce.waitMs(bad)).toBe(0);
  });

  it("takes a long pause for thought, not for typing", () => {
    const { debounce, typeEvery } = clocked();
    typeEvery(100, 40);
    typeEvery(60_000, 1);
    expect(debounce.typingIntervalMs).toBeCloseTo(100, 0);
  });

  it("never waits longer than its limit", () => {
    const { debounce, typeEvery } = clocked();
    typeEvery(1_400, 40);
    expect(debounce.waitMs(bad)).toBe(600);
  });
});

it("placeScore lies between 0 and 1", () => {
  expect([placeScore(bad), placeScore({ ...good, linePrefix: "foo" }), placeScore(good)]).toEqual([0, 0.5, 1]);
});

describe("LatencyWindow", () => {
  it("gives median and tail of the last values", () => {
    const window = new LatencyWindow(4);
    expect([window.p50, window.p95]).toEqual([null, null]);
    for (const ms of [1_000, 10, 20, 30, 40, NaN, -1]) window.add(ms);
    expect([window.count, window.p50, window.p95]).toEqual([4, 25, 38.5]);
  });
});
