// The Latency view's host side: what a view has after any deltas is what a fresh snapshot would give; figures; history.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ViewChannel } from "../../extension/views/channel";
import { Histogram } from "../../extension/latency/histogram";
import { LatencyRecorder } from "../../extension/latency/recorder";
import { loadFraction, modelName, workerReport } from "../../extension/latency/workerReport";
import { OctetError } from "../../extension/worker/errors";
import { HISTORY_REQUESTS, HISTORY_STEPS, type LatencyChange, type LatencyState } from "../../protocol/latencyView";
import type { FinishReason, GenerateResult, LoadResult } from "../../protocol/worker";
import { applyChange } from "../../webview/latency/state";
import { Sequence } from "../../webview/shared/sequence";
import { anyStep, laneEvent, LOADED, result, stepEvent, TestClock } from "./solutionsFakes";

function make() {
  const clock = new TestClock();
  let state: LatencyState | null = null;
  let posted = 0;
  let channel: ViewChannel<LatencyState, LatencyChange> | null = null;
  const recorder = new LatencyRecorder(() => channel?.changed());
  const sequence = new Sequence<LatencyState, LatencyChange>({
    ask: () => channel?.ready(),
    replaced: (snapshot) => (state = snapshot),
    changed: (change) => (state = applyChange(state!, change)),
  });
  channel = new ViewChannel({ source: recorder, clock, post: (message) => { posted++; sequence.receive(structuredClone(message)); } });
  return { clock, recorder, sequence, channel, view: () => state!, posted: () => posted };
}

const start = (recorder: LatencyRecorder, id: string, lanes = 2): void =>
  recorder.request({ type: "started", id, kind: "inline", label: `${id}.ts:1`, lanes, startedAt: 5 });
const step = (recorder: LatencyRecorder, id: string, atMs: number, lanes = [laneEvent(0, "x")]): void =>
  recorder.request({ type: "progress", id, progress: { id, steps: [stepEvent(atMs, lanes)] } });

type Action = { type: "start" | "end" | "fail" | "cancel" | "clear" | "follow" | "hide" | "show" | "wait" | "worker"; id: string }
  | { type: "step"; id: string; lanes: ReturnType<typeof laneEvent>[] }
  | { type: "choose"; id: string };

const id = fc.nat(50).map((at) => `r${at}`);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: id.map((of): Action => ({ type: "start", id: of })) },
  { weight: 12, arbitrary: fc.tuple(id, anyStep(3)).map(([of, lanes]): Action => ({ type: "step", id: of, lanes })) },
  { weight: 8, arbitrary: fc.tuple(id, fc.constantFrom("end", "fail", "cancel", "clear", "follow", "hide", "show", "wait", "worker", "choose")).map(([of, type]) => ({ type, id: of })) },
);

describe("LatencyRecorder", () => {
  it("counts no step in which no lane gained a token", () => {
    const { recorder, sequence, view } = make();
    sequence.start();
    start(recorder, "r1");
    step(recorder, "r1", 5, [laneEvent(0, "x"), laneEvent(1, "y")]);
    step(recorder, "r1", 6, [laneEvent(0, "", { tokens: [], drafted: 0, accepted: 0, finishReason: "cancelled" })]);
    recorder.show("r1");
    sequence.shownAgain();
    expect(view().shown).toMatchObject({ steps: [{ atMs: 5, tokens: 2 }], figures: { steps: 1, draftLength: 2, tokensPerStep: 1 } });
  });

  it("is shown right after any hiding, showing and choosing", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 150 }), (actions) => {
      const { clock, recorder, sequence, channel, view } = make();
      const started = new Set<string>();
      sequence.start();
      for (const act of actions) {
        if (act.type === "start" && !started.has(act.id)) {
          started.add(act.id);
          start(recorder, act.id);
          step(recorder, act.id, 5);
        }
        if (act.type === "step") step(recorder, act.id, clock.now() + 5, act.lanes);
        if (act.type === "end") recorder.request({ type: "ended", id: act.id, result: result(["a"]) });
        if (act.type === "fail" || act.type === "cancel") {
          recorder.request({ type: "failed", id: act.id, error: new OctetError(act.type === "fail" ? "internal" : "cancelled", "x") });
        }
        if (act.type === "clear") recorder.clear();
        if (act.type === "follow") recorder.show(null);
        if (act.type === "choose") recorder.show(act.id);
        if (act.type === "worker") recorder.setWorker({ residentBytes: clock.now() });
        if (act.type === "hide") channel.hidden();
        if (act.type === "show") sequence.shownAgain();
        if (act.type === "wait") clock.advance(9);
      }
      sequence.shownAgain();
      recorder.setWorker({ threads: 3 });
      clock.advance(16);
      expect(view()).toEqual(recorder.snapshot());
      expect(view().history.length).toBeLessThanOrEqual(HISTORY_REQUESTS);
    }), { numRuns: 200 });
  });

  it("gives by deltas what a fresh snapshot gives, at any moment", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const { clock, recorder, sequence, view } = make();
      sequence.start();
      const started = new Set<string>();
      for (const act of actions) {
        if (act.type === "start" && !started.has(act.id)) {
          started.add(act.id);
          start(recorder, act.id);
        }
        if (act.type === "step") step(recorder, act.id, clock.now() + 5, act.lanes);
        if (act.type === "end") recorder.request({ type: "ended", id: act.id, result: result(["a"]) });
        if (act.type === "clear") recorder.clear();
        if (act.type === "choose") recorder.show(act.id);
        if (act.type === "follow") recorder.show(null);
        if (act.type === "wait") clock.advance(9);
      }
      clock.advance(16);
      expect(view()).toEqual(recorder.snapshot());
    }), { numRuns: 200 });
  });

  it("lists no request that was typed over before its first step, and every one that failed", () => {
    const { recorder } = make();
    start(recorder, "typedOver");
    recorder.request({ type: "failed", id: "typedOver", error: new OctetError("cancelled", "x") });
    start(recorder, "broken");
    recorder.request({ type: "failed", id: "broken", error: new OctetError("modelNotFound", "x") });
    start(recorder, "fine");
    step(recorder, "fine", 9);
    expect(recorder.snapshot().history.map((line) => [line.id, line.state])).toEqual([["broken", "failed"], ["fine", "running"]]);
    expect(recorder.snapshot().shown?.id).toBe("fine");
  });

  it("sums a request up while it runs, and takes the totals at its end", () => {
    const { recorder } = make();
    start(recorder, "a");
    step(recorder, "a", 20, [laneEvent(0, "x", { tokens: [1, 2, 3, 4, 5], finishReason: "end" }), laneEvent(1, "y")]);
    step(recorder, "a", 30, [laneEvent(1, "y")]);
    const { figures } = recorder.snapshot().shown!;
    expect(figures).toMatchObject({
      firstTokenMs: 20, p50Ms: 1, p95Ms: 5, prefillMs: 15, tokens: 7, steps: 2, tokensPerStep: 7 / 3, draftLength: 2, acceptanceRate: 0.5,
      tokensPerSecond: 7 / 0.015, msPerToken: { first: 1, last: null, all: (1 + 7.5) / 2 }, draftMs: 2, verifyMs: 6, hostMs: 2,
    });
    recorder.request({ type: "ended", id: "a", result: result(["x", "y"], "end") });
    expect(recorder.snapshot().shown?.figures).toMatchObject({ firstTokenMs: 20, p50Ms: 1, tokens: 4, msPerToken: { first: 1.5, last: 1.5, all: 1.5 }, promptTokens: 40 });
    expect(recorder.snapshot().history[0]).toMatchObject({ state: "done", lanes: 2, tokens: 4, wallMs: 107, msPerToken: 1.5 });
  });

  describe("of lanes that are no completions", () => {
    const ends = (...lanes: [finishReason: FinishReason, tokens: number, msPerToken: number][]): GenerateResult => ({
      ...result([]),
      sequences: lanes.map(([finishReason, tokens, msPerToken], lane) => (
        { ...result(["x"]).sequences[0]!, lane, finishReason, tokens: Array<number>(tokens).fill(1), msPerToken })),
    });
    const complete = (recorder: LatencyRecorder, lane: number): void => recorder.request({ type: "laneComplete", id: "a", lane });
    const run = (result: GenerateResult, ...completed: number[]) => {
      const { recorder } = make();
      start(recorder, "a", result.sequences.length);
      step(recorder, "a", 20, result.sequences.map(({ lane }) => laneEvent(lane, "x")));
      for (const lane of completed) complete(recorder, lane);
      recorder.request({ type: "ended", id: "a", result });
      const { shown, history } = recorder.snapshot();
      return { figures: shown!.figures, line: history[0]! };
    };

    it("counts the tokens apart, and leaves the speeds of all steps as they are", () => {
      const { figures, line } = run(ends(["cancelled", 2, 9], ["end", 10, 2], ["budget", 8, 4], ["cancelled", 1, 5]));
      expect(figures).toMatchObject({ tokens: 18, dropped: { lanes: 2, tokens: 3 }, msPerToken: { first: 2, last: 4, all: 3 }, tokensPerSecond: 800, acceptanceRate: 0.5, p50Ms: 5 });
      expect(line).toMatchObject({ state: "done", lanes: 2, tokens: 18, dropped: { lanes: 2, tokens: 3 }, msPerToken: 3 });
    });

    it("keeps a lane that was cancelled because it had all that was asked for", () => {
      const { figures, line } = run(ends(["cancelled", 4, 2], ["cancelled", 6, 3]), 0, 1);
      expect(figures).toMatchObject({ tokens: 10, dropped: { lanes: 0, tokens: 0 }, msPerToken: { first: 2, last: 3, all: 2.5 } });
      expect(line).toMatchObject({ state: "done", lanes: 2, tokens: 10 });
    });

    it("says cancelled where none is left, and how fast they wrote all the same", () => {
      const { figures, line } = run(ends(["cancelled", 4, 2], ["cancelled", 6, 3]));
      expect(figures).toMatchObject({ tokens: 0, dropped: { lanes: 2, tokens: 10 }, msPerToken: { first: null, last: null, all: 2.5 }, tokensPerSecond: 800 });
      expect(line).toMatchObject({ state: "cancelled", lanes: 0, tokens: 0 });
    });

    it("knows them while the request runs", () => {
      const { recorder } = make();
      start(recorder, "a", 4);
      complete(recorder, 3);
      const cancelled = { finishReason: "cancelled" } as const;
      step(recorder, "a", 20, [laneEvent(0, "x"), laneEvent(1, "y"), laneEvent(2, "z", cancelled), laneEvent(3, "", { ...cancelled, tokens: [] })]);
      expect(recorder.snapshot().shown!.figures).toMatchObject({ tokens: 2, dropped: { lanes: 1, tokens: 1 } });
      step(recorder, "a", 30, [laneEvent(0, "x"), laneEvent(1, "", { ...cancelled, tokens: [] })]);
      expect(recorder.snapshot().shown!.figures).toMatchObject({ tokens: 2, dropped: { lanes: 2, tokens: 2 }, msPerToken: { first: null } });
      complete(recorder, 1);
      expect(recorder.snapshot().history[0]).toMatchObject({ state: "running", lanes: 3, tokens: 3, dropped: { lanes: 1, tokens: 1 } });
    });
  });

  it("follows the newest until another is chosen; bounds steps; says cancelled where all lanes were", () => {
    const { recorder } = make();
    for (const name of ["a", "b"]) {
      start(recorder, name);
      step(recorder, name, 5);
    }
    recorder.show("a");
    start(recorder, "c");
    step(recorder, "c", 5);
    expect(recorder.snapshot()).toMatchObject({ shown: { id: "a" }, following: false });
    recorder.show(null);
    expect(recorder.snapshot()).toMatchObject({ shown: { id: "c" }, following: true });
    recorder.request({ type: "progress", id: "c", progress: { id: "c", steps: Array.from({ length: HISTORY_STEPS + 10 }, (_, at) => stepEvent(10 + at, [laneEvent(0, "")])) } });
    expect(recorder.snapshot().shown?.steps).toHaveLength(HISTORY_STEPS);
    recorder.request({ type: "ended", id: "c", result: result(["x"], "cancelled") });
    expect(recorder.snapshot().history.at(-1)?.state).toBe("cancelled");
    recorder.clear();
    expect(recorder.snapshot().history.map((line) => line.id)).toEqual(["a", "b"]);
  });

  it("posts one delta in 16 ms at most while 16 lanes take 200 steps a second", () => {
    const { clock, recorder, sequence, posted } = make();
    sequence.start();
    start(recorder, "a", 16);
    for (let at = 0; at < 200; at++) {
      step(recorder, "a", at * 5, Array.from({ length: 16 }, (_, lane) => laneEvent(lane, "x")));
      clock.advance(5);
    }
    expect(posted()).toBeLessThanOrEqual(1000 / 16 + 2);
  });
});

describe("Histogram", () => {
  it("is within a hundredth of the exact quantile", () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0.01, max: 1e4, noNaN: true }), { minLength: 1 }), fc.constantFrom(0.5, 0.95), (values, q) => {
      const histogram = new Histogram();
      for (const value of values) histogram.add(value);
      const exact = [...values].sort((a, b) => a - b)[Math.max(1, Math.ceil(q * values.length)) - 1]!;
      expect(Math.abs(histogram.quantile(q)! / exact - 1)).toBeLessThanOrEqual(0.0101);
    }));
    expect(new Histogram().quantile(0.5)).toBeNull();
  });
});

describe("workerReport", () => {
  const model = { name: "Qwen", path: "/m/qwen.gguf", quantization: "Q8_0" };
  const loaded = { ...LOADED, target: model, draft: null, device: { name: "CPU", description: "", memoryBytes: 8 }, threads: 2, memory: { total: 5 } } as LoadResult;

  it("says what is loaded, and what is wrong", () => {
    expect(workerReport({ state: "ready", reason: null, loaded })).toMatchObject({ state: "ready", target: "Qwen · Q8_0", draft: null, device: "CPU · llama", lanes: 8, deviceBytes: 5, error: null });
    const split = { ...loaded, target: { ...model, layers: 28 }, device: { name: "Vulkan0", description: "RTX", memoryBytes: 8 }, split: { layersOnDevice: 19, machineMemoryBytes: 1 } } as LoadResult;
    expect(workerReport({ state: "ready", reason: null, loaded: split })).toMatchObject({ device: "RTX (19 of 28 layers) and CPU · llama", threads: 2 });
    expect(workerReport({ state: "restarting", reason: "x", loaded: null })).toMatchObject({ state: "starting", target: null, residentBytes: null });
    expect(workerReport({ state: "failed", reason: "It stopped.", loaded: null })).toMatchObject({ state: "failed", error: { message: "It stopped.", actions: ["retry", "showLog"] } });
    expect(modelName({ ...model, name: " " })).toBe("qwen · Q8_0");
    expect(loadFraction({ phase: "target", fraction: 0.5 })).toBeCloseTo(0.41);
  });
});
