// The benchmark against a session that answers at once: interleaved rounds, medians, progress, cancelling, no draft model.
import { describe, expect, it } from "vitest";
import { Benchmark, pairKey, ratioOf } from "../../extension/latency/benchmark";
import { OctetError } from "../../extension/worker/errors";
import type { BenchmarkState } from "../../protocol/latencyView";
import { FakeSession, LOADED, result, settled, stepEvent, TestClock } from "./solutionsFakes";

function make() {
  const session = new FakeSession();
  const states: BenchmarkState[] = [];
  const clock = new TestClock();
  const benchmark = new Benchmark({ session, onState: (state) => states.push(state), clock, now: () => 77 });
  return { session, states, clock, benchmark };
}

const speeds = { none: [100, 90, 500], bass: [150, 160, 170], auto: [240, 250, 260] };

describe("Benchmark", () => {
  it.each([["a draft model", LOADED.draft], ["drafts that are looked up", null]])("measures each method in turn, and gives the medians, with %s", async (_, draft) => {
    const { session, states, clock, benchmark } = make();
    session.loaded = Promise.resolve({ ...LOADED, draft });
    const done = benchmark.run();
    const seen = { none: 0, bass: 0, auto: 0 };
    for (let at = 0; at < 11; at++) {
      await settled();
      const { request, progress, resolve } = session.requests[at]!;
      const method = request.params.draftLength as keyof typeof speeds;
      clock.advance(at < 2 ? 80 : 1);
      progress({ steps: [stepEvent(5, [], { draftLength: 4 })] });
      resolve(result(["x"], "length", { tokensPerSecond: at < 2 ? 1 : speeds[method][seen[method]++]!, prefillMs: 0 }));
    }
    expect((await done)?.runs.map(({ tokensPerSecond, draftLength }) => [tokensPerSecond, draftLength])).toEqual([[100, null], [160, 4], [250, 4]]);
    expect(session.requests.map(({ request }) => request.params.draftLength)).toEqual(["bass", "none", "none", "bass", "auto", "none", "bass", "auto", "none", "bass", "auto"]);
    expect(session.requests.every(({ request }) => request.kind === "benchmark" && request.params.ignoreEnd && request.params.heal === false)).toBe(true);
    expect(session.requests.at(-1)?.request.params).toMatchObject({ lanes: 8, maxTokens: 128 });
    expect(states.at(-1)).toMatchObject({ kind: "done", finishedAt: 77, conditions: "8 lanes × 128 tokens, temperature 0.6, medians of 3" });
    const fractions = states.flatMap((state) => (state.kind === "running" ? state.fraction : []));
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(ratioOf((await done)!)).toBe(2.5);
  });

  it.each([[[0, 3, 5], 2, "2 of 9 runs were"], [[0, 3], 1, "1 of 9 runs was"]])("says how many runs other requests slowed, by the worker's word (%j)", async (slowed, disturbed, said) => {
    const { session, states, benchmark } = make();
    const done = benchmark.run();
    for (let at = 0; at < 11; at++) {
      await settled();
      session.requests[at]!.resolve(result(["x"], "length", { alone: { prompt: at !== 7, steps: !slowed.includes(at) } })); // 0 is a warm-up
    }
    expect((await done)?.disturbed).toBe(disturbed);
    expect(ratioOf((await done)!)).toBeNull();
    expect(states.at(-1)).toMatchObject({ conditions: expect.stringMatching(new RegExp(`, medians of 3; ${said} slowed by other requests, of this window or another$`)) as string });
  });

  it("asks for less of a slow pair", async () => {
    const { session, clock, benchmark } = make();
    void benchmark.run();
    for (let at = 0; at < 2; at++) {
      await settled();
      clock.advance(8 * 200);
      session.requests[at]!.resolve(result(["x"], "length", { prefillMs: 0 }));
    }
    await settled();
    expect(session.requests[2]!.request.params.maxTokens).toBe(33);
  });

  it("ends at once when cancelled, and can run again", async () => {
    const { session, states, benchmark } = make();
    const done = benchmark.run();
    expect(await benchmark.run()).toBeNull();
    await settled();
    benchmark.cancel();
    expect(session.requests[0]!.signal?.aborted).toBe(true);
    session.requests[0]!.resolve(result(["x"], "cancelled"));
    expect(await done).toBeNull();
    expect(states.at(-1)).toEqual({ kind: "cancelled" });
    expect(benchmark.running).toBe(false);
  });

  it("says what is missing where it cannot run", async () => {
    const { session, states, benchmark } = make();
    session.loaded = Promise.reject(new OctetError("outOfMemory", "x"));
    await benchmark.run();
    expect(states.at(-1)).toMatchObject({ kind: "failed", error: { code: "outOfMemory" } });
  });

  it("keeps ratios by pair and device", () => {
    expect(pairKey(LOADED)).not.toBe(pairKey({ ...LOADED, draft: null }));
  });
});
