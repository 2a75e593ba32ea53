// The runner against a session that answers when told to: batches, budgets, stopping, errors.
import { describe, expect, it } from "vitest";
import { textOf } from "../../extension/solutions/ranking";
import { SolutionsRun } from "../../extension/solutions/run";
import { SolutionsRunner, type SolutionsSettings } from "../../extension/solutions/runner";
import { OctetError } from "../../extension/worker/errors";
import type { LoadResult, Prompt } from "../../protocol/worker";
import { cursorContextOf } from "./completion/golden";
import { FakeSession, laneEvent, LOADED, ORIGIN, result, settled, stepEvent, TestClock } from "./solutionsFakes";

const SETTINGS: SolutionsSettings = { maxTokens: 400, budgetMs: null, temperature: 0.6, topP: 0.95, draftLength: "auto", stopAtBlockEnd: false };
const CONTEXT = cursorContextOf("function f(x) {\n  ‸\n}\n", "typescript", true);
const PROMPT: Prompt = { kind: "fim", prefix: "a", suffix: "b" };

function make(settings: Partial<SolutionsSettings> = {}, loaded: Partial<LoadResult> = {}, prompt: Prompt | null = PROMPT) {
  const clock = new TestClock();
  const session = new FakeSession();
  session.loaded = Promise.resolve({ ...LOADED, ...loaded });
  const run = new SolutionsRun(ORIGIN, undefined, clock);
  let seed = 0;
  const options = { session, settings: () => ({ ...SETTINGS, ...settings }), ratioToPlain: () => 2.5, seed: () => ++seed };
  const runner = () => new SolutionsRunner(run, options);
  const job = { label: "a.ts:3", prompt: async () => prompt && { prompt, context: CONTEXT } };
  return { clock, session, run, runner, job };
}

describe("SolutionsRunner", () => {
  it("asks for all lanes in one request, several lines, by the model's prompt and the settings", async () => {
    const { session, run, runner, job } = make({ budgetMs: 5000 });
    const written = runner().write(job, 3);
    await settled();
    expect(session.requests[0]?.request).toEqual({
      kind: "solutions", label: "a.ts:3",
      params: {
        prompt: PROMPT, lanes: 3, maxTokens: 256, sampling: { temperature: 0.6, topP: 0.95, topK: 0, minP: 0, seed: 1 },
        stop: ["\n\n\n"], stopTokens: [], budgetMs: 5000, draftLength: "auto",
      },
    });
    session.requests[0]!.resolve(result(["a", "b", "a"]));
    await written;
    expect(run.snapshot()).toMatchObject({ phase: { kind: "done" }, totals: { ratioToPlain: 2.5 }, lanes: [{ rank: 1 }, { rank: 2 }, { rank: 1, duplicateOf: 0 }] });
  });

  it("tells how far a load is", async () => {
    const { session, run, runner, job } = make();
    session.loaded = new Promise(() => undefined);
    void runner().write(job, 2);
    session.loads.fire({ phase: "target", fraction: 0.5 });
    expect(run.snapshot().phase).toEqual({ kind: "loading", label: "Loading the target model", fraction: 0.5 });
  });

  it("writes more than there are lanes in turn, with other seeds, within one budget", async () => {
    const { clock, session, run, runner, job } = make({ budgetMs: 1000 }, { lanes: 2 });
    const written = runner().write(job, 5);
    await settled();
    clock.advance(600);
    session.requests[0]!.resolve(result(["a", "b"]));
    await settled();
    expect(session.requests[1]!.request.params).toMatchObject({ lanes: 2, budgetMs: 400, sampling: { seed: 2 } });
    clock.advance(400);
    session.requests[1]!.resolve(result(["c", "d"], "budget"));
    await written;
    expect(session.requests).toHaveLength(2);
    expect(run.snapshot().lanes.map(({ state }) => state)).toEqual(["end", "end", "budget", "budget", "budget"]);
    expect(run.snapshot().notices[0]).toMatch(/2 at a time/);
  });

  it("says how many are written at a time, where that is one, too", async () => {
    const { session, run, runner, job } = make({}, { lanes: 1 });
    void runner().write(job, 2);
    await settled();
    expect(session.requests[0]!.request.params.lanes).toBe(1);
    expect(run.snapshot().notices).toEqual(["The models have 1 lane: solutions are written 1 at a time."]);
  });

  it("more: other lanes after those that are there, with another seed", async () => {
    const { session, run, runner, job } = make();
    for (const at of [0, 1]) {
      const written = runner().write(job, 2);
      await settled();
      session.requests[at]!.resolve(result([`a${at}`, `b${at}`]));
      await written;
    }
    expect(run.snapshot().lanes.map(({ id, rank }) => [id, rank])).toEqual([[0, 1], [1, 3], [2, 2], [3, 4]]);
    expect(session.requests.map(({ request }) => request.params.sampling.seed)).toEqual([1, 2]);
  });

  it("counts on from the seed of the settings: no two requests of a panel write the same", async () => {
    const { session, run, runner, job } = make({ seed: 40 }, { lanes: 2 });
    const written = runner().write(job, 3);
    await settled();
    session.requests[0]!.resolve(result(["a", "b"]));
    await settled();
    session.requests[1]!.resolve(result(["c"]));
    await written;
    void runner().write(job, 1);
    await settled();
    expect(session.requests.map(({ request }) => request.params.sampling.seed)).toEqual([40, 42, 43]);
    expect(run.lanes).toHaveLength(4);
  });

  it("asked for anew in a panel: lanes of other ids, and the seed of the settings again", async () => {
    const { session, run, job } = make();
    for (const at of [0, 1]) {
      const now = at === 0 ? run : run.renewed(ORIGIN);
      const written = new SolutionsRunner(now, { session, settings: () => ({ ...SETTINGS, seed: 40 }) }).write(job, 2);
      await settled();
      session.requests[at]!.resolve(result(["a", "b"]));
      await written;
      expect(now.lanes.map(({ id }) => id)).toEqual(at === 0 ? [0, 1] : [2, 3]);
      run.begin(0, null);
    }
    expect(session.requests.map(({ request }) => request.params.sampling.seed)).toEqual([40, 40]);
  });

  it("stops a lane in the worker once it has gone past its block, and shows what belongs to it", async () => {
    const { session, run, runner, job } = make({ stopAtBlockEnd: true });
    const written = runner().write(job, 2);
    await settled();
    const { progress, completedLanes, resolve } = session.requests[0]!;
    progress({ steps: [stepEvent(5, [laneEvent(0, "return x;\n"), laneEvent(1, "if (x) {")])] });
    expect(run.lanes.map(textOf)).toEqual(["return x;", "if (x) {"]);
    progress({ steps: [stepEvent(10, [laneEvent(0, "}"), laneEvent(1, "\n    f();\n  }")])] });
    expect(completedLanes).toEqual([]);
    progress({ steps: [stepEvent(15, [laneEvent(0, "\n\nfunction g() {"), laneEvent(1, "\n  return 1;")])] });
    expect(completedLanes).toEqual([0]);
    expect(run.lane(0)).toMatchObject({ state: "stop", rank: 1, tokens: 3 });
    progress({ steps: [stepEvent(20, [laneEvent(0, "turn", { finishReason: "cancelled" }), laneEvent(1, "\n}\n", { finishReason: "end" })])] });
    resolve({ ...result(["return x;\n}\n\nfunction g() {\n  return", "if (x) {\n    f();\n  }\n  return 1;\n}\n"]) });
    await written;
    expect(completedLanes).toEqual([0]);
    expect(run.lanes.map(textOf)).toEqual(["return x;", "if (x) {\n    f();\n  }\n  return 1;"]);
    expect(run.lanes.map(({ state }) => state)).toEqual(["stop", "stop"]);
  });

  it("stops one lane in the worker, a lane that waits by itself, and all by the signal", async () => {
    const { session, run, runner, job } = make({}, { lanes: 2 });
    const one = runner();
    const written = one.write(job, 4);
    await settled();
    one.stopLane(1);
    one.stopLane(2);
    expect(session.requests[0]!.cancelledLanes).toEqual([1]);
    expect(run.lane(2)?.state).toBe("cancelled");
    session.requests[0]!.resolve(result(["a", "b"]));
    await settled();
    expect(session.requests[1]!.request.params.lanes).toBe(1);
    session.requests[1]!.progress({ steps: [stepEvent(5, [laneEvent(0, "last")])] });
    expect(run.lane(3)?.tokens).toBe(1);
    one.stopAll();
    expect(session.requests[1]!.signal?.aborted).toBe(true);
    session.requests[1]!.resolve(result(["last"], "cancelled"));
    await written;
    expect(run.snapshot()).toMatchObject({ phase: { kind: "done" } });
    expect(run.lane(3)?.state).toBe("cancelled");
  });

  it("says so where lanes are stopped because the models change, and asks for no more of them", async () => {
    const { session, run, runner, job } = make({}, { lanes: 2 });
    const written = runner().write(job, 3);
    await settled();
    const ended = result(["whole", "hal"]);
    ended.sequences[1]!.finishReason = "cancelled";
    session.requests[0]!.resolve(ended);
    await written;
    expect(session.requests).toHaveLength(1);
    expect(run.snapshot().lanes.map(({ state }) => state)).toEqual(["end", "cancelled", "cancelled"]);
    expect(run.snapshot().notices.at(-1)).toMatch(/models were changed or unloaded/);
  });

  it("says nothing of lanes that the user stopped", async () => {
    const { session, run, runner, job } = make();
    const writing = runner();
    const written = writing.write(job, 2);
    await settled();
    writing.stopLane(1);
    const ended = result(["whole", "hal"]);
    ended.sequences[1]!.finishReason = "cancelled";
    session.requests[0]!.resolve(ended);
    await written;
    expect(run.snapshot().lanes.map(({ state }) => state)).toEqual(["end", "cancelled"]);
    expect(run.snapshot().notices).toEqual([]);
  });

  it("ends as cancelled, not failed, when stopped during a load", async () => {
    const { session, run, runner, job } = make();
    session.loaded = new Promise(() => undefined);
    const one = runner();
    const written = one.write(job, 2);
    one.stopLane(0);
    one.stopLane(1);
    await written;
    expect(run.snapshot()).toMatchObject({ phase: { kind: "done" }, lanes: [{ state: "cancelled" }, { state: "cancelled" }] });
    expect(session.requests).toHaveLength(0);
  });

  it("fails with what helps: a missing model, a worker that died midway, nothing to continue", async () => {
    const missing = make();
    missing.session.loaded = Promise.reject(new OctetError("modelNotFound", "no such file: /x.gguf"));
    await missing.runner().write(missing.job, 2);
    expect(missing.run.snapshot().phase).toMatchObject({ kind: "failed", error: { code: "modelNotFound", actions: ["chooseModel", "openSettings"] } });

    const died = make();
    const written = died.runner().write(died.job, 1);
    await settled();
    died.session.requests[0]!.progress({ steps: [stepEvent(5, [laneEvent(0, "half")])] });
    died.session.requests[0]!.reject(new OctetError("workerDied", "the worker stopped"));
    await written;
    expect(died.run.snapshot()).toMatchObject({ phase: { kind: "failed" }, lanes: [{ state: "failed", tokens: 1 }] });

    const empty = make({}, {}, null);
    await empty.runner().write(empty.job, 1);
    expect(empty.run.snapshot().phase).toMatchObject({ kind: "failed", error: { code: "emptyPrompt" } });
  });
});
