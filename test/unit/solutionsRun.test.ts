// The run's state and its deltas: what a view has after any deltas is what a fresh snapshot would give it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorReport } from "../../extension/views/errorReport";
import { ViewChannel } from "../../extension/views/channel";
import { ranking } from "../../extension/solutions/ranking";
import { SolutionsRun } from "../../extension/solutions/run";
import { OctetError } from "../../extension/worker/errors";
import { SPARKLINE_POINTS, type SolutionsChange, type SolutionsState } from "../../protocol/solutionsView";
import type { Delta, Snapshot } from "../../protocol/webview";
import { Sequence } from "../../webview/shared/sequence";
import { applyChange, plainText } from "../../webview/solutions/state";
import { anyStep, joined, laneEvent, ORIGIN, result, stepEvent, TestClock } from "./solutionsFakes";

/** A view on the other end of a channel. */
class View {
  state: SolutionsState | null = null;
  readonly messages: { at: number; message: Snapshot<SolutionsState> | Delta<SolutionsChange> }[] = [];
  readonly channel: ViewChannel<SolutionsState, SolutionsChange>;
  private readonly sequence = new Sequence<SolutionsState, SolutionsChange>({
    ask: () => this.channel.ready(),
    replaced: (state) => (this.state = state),
    changed: (change) => (this.state = applyChange(this.state!, change)),
  });

  constructor(source: SolutionsRun, private readonly clock: TestClock) {
    this.channel = new ViewChannel({
      source, clock,
      post: (message) => {
        this.messages.push({ at: clock.now(), message });
        this.sequence.receive(structuredClone(message));
      },
    });
  }

  start(): void {
    this.sequence.start();
  }

  shown(): void {
    this.sequence.shownAgain();
  }

  flush(): void {
    this.clock.advance(16);
  }
}

function make(lanes = 2, budgetMs: number | null = null) {
  const clock = new TestClock();
  let view: View | null = null;
  const run = new SolutionsRun(ORIGIN, () => view?.channel.changed(), clock);
  view = new View(run, clock);
  const ids = run.begin(lanes, budgetMs);
  return { clock, run, view, ids, batch: run.batch(ids) };
}

type Action =
  | { type: "step"; lanes: ReturnType<typeof laneEvent>[] }
  | { type: "wait" | "hide" | "show" | "more" | "fail" | "retry" | "close" | "symbol" | "notice" };

const LANES = 4;
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: anyStep(LANES).map((lanes): Action => ({ type: "step", lanes })) },
  { weight: 6, arbitrary: fc.constant<Action>({ type: "wait" }) },
  { weight: 4, arbitrary: fc.constantFrom<Action>(...(["hide", "show", "more", "fail", "retry", "close", "symbol", "notice"] as const).map((type) => ({ type }))) },
);

describe("SolutionsRun", () => {
  it("gives by deltas what a fresh snapshot gives, at any moment", () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { clock, run, view, batch: first } = make(LANES);
      let batch = first;
      let visible = true;
      view.start();
      for (const [at, { type, ...rest }] of actions.entries()) {
        if (type === "step" && "lanes" in rest) run.progress(batch, { id: "", steps: [stepEvent(clock.now() + 5, rest.lanes)] });
        if (type === "wait") clock.advance(7);
        if (type === "hide") [visible] = [false, view.channel.hidden()];
        if (type === "show") [visible] = [true, view.shown()];
        if (type === "more" && !run.running) batch = run.batch(run.begin(LANES, 1000));
        if (type === "fail") run.failed(errorReport(new OctetError("workerDied", "gone")));
        if (type === "retry" && !run.running) batch = run.batch(run.begin(run.removeFailed() || 1, null));
        if (type === "close") run.close([at % LANES], "cancelled");
        if (type === "symbol") run.setOrigin({ symbol: `s${at}` });
        if (type === "notice") run.notice([`n${at % 3}`]);
      }
      if (!visible) view.shown();
      view.flush();
      const fresh = run.snapshot();
      const shown = { ...view.state!, totals: { ...view.state!.totals, elapsedMs: fresh.totals.elapsedMs } };
      expect(joined(shown)).toEqual(joined(fresh));
    }), { numRuns: 300 });
  });

  it("posts one delta in 16 ms at most, with 16 lanes at 200 steps a second, and nothing to a hidden view", () => {
    const { clock, run, view, batch } = make(16);
    view.start();
    for (let step = 1; step <= 200; step++) {
      run.progress(batch, { id: "", steps: [stepEvent(step * 5, Array.from({ length: 16 }, (_, lane) => laneEvent(lane, "x")))] });
      clock.advance(5);
    }
    const times = view.messages.map(({ at }) => at);
    expect(times.length).toBeGreaterThan(40);
    for (const [at, time] of times.entries()) if (at > 0) expect(time - times[at - 1]!).toBeGreaterThanOrEqual(16);
    expect(Math.max(...view.messages.map(({ message }) => JSON.stringify(message).length))).toBeLessThan(8_000);
    view.channel.hidden();
    const { length } = view.messages;
    run.progress(batch, { id: "", steps: [stepEvent(2000, [laneEvent(0, "y")])] });
    clock.advance(100);
    expect(view.messages).toHaveLength(length);
    view.shown();
    expect(view.state?.lanes[0]).toMatchObject({ tokens: 201 });
    expect(view.state?.lanes[0]?.latencies).toHaveLength(SPARKLINE_POINTS);
  });

  it("sums latencies, shares and speeds up as the worker told them", () => {
    const { run, batch } = make();
    run.progress(batch, { id: "", prefill: { done: 3, total: 9, reused: 1 }, steps: [] });
    expect(run.snapshot().phase).toEqual({ kind: "prefill", done: 3, total: 9, reused: 1 });
    run.progress(batch, { id: "", steps: [
      stepEvent(15, [laneEvent(0, "ab", { tokens: [1, 2], logprobs: [-1, -2] }), laneEvent(1, "c")]),
      stepEvent(20, [laneEvent(0, "d", { finishReason: "stop" }), laneEvent(1, "")]),
    ] });
    const { lanes, totals, phase } = run.snapshot();
    expect(phase.kind).toBe("writing");
    expect(lanes[0]).toMatchObject({ state: "stop", tokens: 3, meanLogprob: -3.5 / 3, msPerToken: 10 / 3, latencies: [2.5, 5], rank: 1 });
    expect(lanes[1]).toMatchObject({ state: "writing", tokens: 2, rank: null });
    expect(totals).toMatchObject({ tokens: 5, tokensPerSecond: 500, acceptanceRate: 0.5, tokensPerStep: 1.25, draftLength: 2 });
    run.progress(batch, { id: "", steps: [stepEvent(25, [laneEvent(1, "e")], { draftLength: 0 })] });
    expect(run.snapshot().totals.draftLength).toBe(0);
    run.progress(batch, { id: "", steps: [stepEvent(25, [laneEvent(1, "", { tokens: [], finishReason: "cancelled" })], { draftLength: 9 })] });
    expect(run.snapshot().totals.draftLength).toBe(0);
    run.done();
    expect(run.snapshot().totals.draftLength).toBeCloseTo(4 / 3);
  });

  it("takes the result's word: held back text, other text, figures, notices", () => {
    const { run, batch, view } = make(3);
    view.start();
    run.progress(batch, { id: "", steps: [stepEvent(5, [laneEvent(0, "re"), laneEvent(1, "xx"), laneEvent(2, "")])] });
    view.flush();
    run.ended(batch, { ...result(["return", "other", ""]), notices: ["Cut."] });
    run.done();
    view.flush();
    expect(view.state?.lanes.map(plainText)).toEqual(["return", "other", ""]);
    expect(view.state).toMatchObject({ phase: { kind: "done" }, notices: ["Cut."] });
    expect(view.state?.lanes.map(({ rank }) => rank)).toEqual([1, 2, null]);
  });

  it("tells the view which lanes ended going round in circles", () => {
    const { run, batch, view } = make(2);
    view.start();
    run.ended(batch, result(["return 0;", "0, ".repeat(60)]));
    run.done();
    view.flush();
    expect(view.state?.lanes.map(({ repetitive }) => repetitive)).toEqual([false, true]);
  });

  it("keeps what was written when the run fails, and takes failed lanes away to try again", () => {
    const { run, batch } = make();
    run.progress(batch, { id: "", steps: [stepEvent(5, [laneEvent(0, "done", { finishReason: "end" }), laneEvent(1, "half")])] });
    run.failed(errorReport(new OctetError("workerDied", "the worker stopped", "Try fewer lanes.")));
    expect(run.snapshot()).toMatchObject({
      phase: { kind: "failed", error: { message: "The worker stopped.", advice: "Try fewer lanes.", actions: ["retry", "showLog"] } },
      lanes: [{ state: "end", rank: 1 }, { state: "failed", rank: 2 }],
    });
    run.progress(batch, { id: "", steps: [stepEvent(9, [laneEvent(1, "late")])] });
    expect(plainText(run.snapshot().lanes[1]!)).toBe("half");
    expect(run.removeFailed()).toBe(1);
    expect(run.begin(1, null)).toEqual([2]);
    expect(run.snapshot().lanes.map(({ id }) => id)).toEqual([0, 2]);
  });

  it("comes back after a reload as it was, with what still ran cut off, and takes more", () => {
    const { run, batch } = make();
    run.progress(batch, { id: "", steps: [stepEvent(5, [laneEvent(0, "a"), laneEvent(1, "b", { finishReason: "end" })])] });
    const again = SolutionsRun.restored(structuredClone(run.snapshot()));
    expect(again.snapshot()).toMatchObject({ phase: { kind: "done" }, lanes: [{ state: "cancelled" }, { state: "end", rank: 1 }] });
    expect(again.begin(1, null)).toEqual([2]);
    again.progress(again.batch([2]), { id: "", steps: [stepEvent(5, [laneEvent(0, "c")])] });
    expect(again.snapshot().totals.tokensPerSecond).toBeCloseTo(300);
  });
});

describe("ranking", () => {
  const lane = (id: number, text: string, state: "end" | "budget" | "writing", meanLogprob: number) =>
    ({ id, state, meanLogprob, text: [{ text, accepted: true }], rank: null, duplicateOf: null, tokens: 1, msPerToken: 1, drafted: 0, accepted: 0, latencies: [], repetitive: false });

  it("puts finished before unfinished and groups texts that differ in trailing blank", () => {
    const ranked = ranking([
      lane(0, "x", "budget", -0.1), lane(1, "y\n", "end", -0.9), lane(2, "y", "end", -0.5), lane(4, "z", "writing", 0),
    ]);
    expect(ranked).toEqual([
      { id: 2, rank: 1, duplicateOf: null }, { id: 1, rank: 1, duplicateOf: 2 }, { id: 0, rank: 2, duplicateOf: null },
    ]);
  });

  it("gives none to blank solutions, however likely they were, even where they are the first to end", () => {
    const [empty, spaces] = [lane(0, "", "end", 0), lane(1, " \n\t\n", "end", -0.01)];
    const none = [{ id: 0, rank: null, duplicateOf: null }, { id: 1, rank: null, duplicateOf: null }];
    expect(ranking([empty, spaces])).toEqual(none);
    expect(ranking([empty, spaces, lane(2, "x", "budget", -9)])).toEqual([{ id: 2, rank: 1, duplicateOf: null }, ...none]);
  });

  it("puts what goes round in circles after the rest, which the model is surest of", () => {
    const ranked = ranking([
      lane(0, "return a.x * a.y" + " * a.y".repeat(60), "end", -0.1), lane(1, "return 1;", "end", -2), lane(2, "return", "budget", -0.2),
    ]);
    expect(ranked.map(({ id }) => id)).toEqual([1, 2, 0]);
  });
});
