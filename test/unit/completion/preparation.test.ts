import { describe, expect, it } from "vitest";
import { Preparation, REST_MS, RETRY_MS, type Ahead } from "../../../extension/completion/preparation";
import type { FinishReason, GenerateProgressParams, GenerateResult } from "../../../protocol/worker";
import { Deferred } from "../../../extension/worker/async";
import { FakeClock, settle } from "../supervisorFakes";

const ahead = (prefix: string) => ({ prompt: { kind: "fim", prefix, suffix: "" }, lanes: 8 }) as unknown as Ahead;
/** Names it once. */
const once = (prefix: string) => {
  const left: (Ahead | null)[] = [ahead(prefix)];
  return async () => left.shift() ?? null;
};
const ended = (finishReason: FinishReason) => ({ sequences: [{ finishReason }, { finishReason }] }) as GenerateResult;

/** A worker that prepares until it is told to end, or cancelled. */
function make() {
  const clock = new FakeClock();
  const running: { ahead: Ahead; signal: AbortSignal; answer: Deferred<GenerateResult>; onProgress: (progress: GenerateProgressParams) => void }[] = [];
  const computed: [prefix: string, share: number, whole: boolean][] = [];
  const preparation = new Preparation({
    clock,
    prepare: (asked, { signal, onProgress }) => {
      const answer = new Deferred<GenerateResult>();
      signal.addEventListener("abort", () => answer.resolve(ended("cancelled")));
      running.push({ ahead: asked, signal, answer, onProgress });
      return answer.promise;
    },
    onComputed: (prompt, share, result) => computed.push([(prompt as { prefix: string }).prefix, share, result !== null]),
  });
  const piece = (done: number, total: number) => running.at(-1)!.onProgress({ id: "prepare-1", prefill: { done, total, reused: 0 }, steps: [] });
  return { clock, running, computed, preparation, piece };
}

describe("Preparation", () => {
  it("begins when the user has paused, and tells that the prompt is computed", async () => {
    const { clock, running, computed, preparation } = make();
    preparation.rest(once("a"));
    await clock.advance(REST_MS - 1);
    expect(running).toHaveLength(0);
    await clock.advance(1);
    expect(running.map((one) => one.ahead)).toEqual([ahead("a")]);
    running[0]!.answer.resolve(ended("end"));
    await settle();
    expect(computed).toEqual([["a", 1, true]]);
    expect(clock.pending).toEqual([]);
  });

  it("a key puts it off, and what is asked for is read after the pause", async () => {
    const { clock, running, preparation } = make();
    preparation.rest(once("a"));
    await clock.advance(REST_MS - 1);
    preparation.rest(once("ab"));
    await clock.advance(REST_MS - 1);
    expect(running).toHaveLength(0);
    await clock.advance(1);
    expect(running.map((one) => one.ahead)).toEqual([ahead("ab")]);
  });

  it("is given up when it is stopped, what it computed until then counts, and nothing goes on", async () => {
    const { clock, running, computed, preparation, piece } = make();
    preparation.rest(once("a"));
    await clock.advance(REST_MS);
    piece(100, 400);
    piece(300, 400);
    preparation.stop();
    await settle();
    expect(running[0]!.signal.aborted).toBe(true);
    expect(computed).toEqual([["a", 0.75, false]]);
    await clock.advance(10 * RETRY_MS);
    expect(running).toHaveLength(1);
  });

  it("one at a time: a new one ends the one before", async () => {
    const { clock, running, preparation } = make();
    preparation.rest(once("a"));
    await clock.advance(REST_MS);
    preparation.rest(once("b"));
    await clock.advance(REST_MS);
    expect(running.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    await clock.advance(10 * RETRY_MS);
    expect(running).toHaveLength(2);
  });

  it("one after the other, the first that is worth it first, until nothing is or the same is named again", async () => {
    const { clock, running, computed, preparation } = make();
    const named = ["short", "whole", "whole", "never"];
    preparation.rest(async () => ahead(named.shift() ?? ""));
    await clock.advance(REST_MS);
    expect(running.map((one) => one.ahead)).toEqual([ahead("short")]);
    running[0]!.answer.resolve(ended("end"));
    await settle();
    expect(running.map((one) => one.ahead)).toEqual([ahead("short"), ahead("whole")]);
    running[1]!.answer.resolve(ended("end"));
    await settle();
    await clock.advance(10 * RETRY_MS);
    expect(running).toHaveLength(2);
    expect(named).toEqual(["never"]);
    expect(computed).toEqual([["short", 1, true], ["whole", 1, true]]);
  });

  it("goes on later where something else was asked of the worker, until it is stopped", async () => {
    const { clock, running, computed, preparation, piece } = make();
    preparation.rest(async () => ahead("a"));
    await clock.advance(REST_MS);
    piece(10, 40);
    running[0]!.answer.resolve(ended("cancelled"));
    await settle();
    await clock.advance(RETRY_MS - 1);
    expect(running).toHaveLength(1);
    await clock.advance(1);
    expect(running).toHaveLength(2);
    running[1]!.answer.resolve(ended("cancelled"));
    await settle();
    expect(computed).toEqual([["a", 0.25, false], ["a", 0, false]]);
    preparation.stop();
    await clock.advance(10 * RETRY_MS);
    expect(running).toHaveLength(2);
  });

  it("does nothing where nothing is worth it, and nothing more where it fails", async () => {
    const { clock, running, computed, preparation } = make();
    preparation.rest(async () => null);
    await clock.advance(REST_MS);
    preparation.rest(async () => { throw new Error("the document is gone"); });
    await clock.advance(REST_MS);
    expect(running).toHaveLength(0);
    preparation.rest(once("a"));
    await clock.advance(REST_MS);
    running[0]!.answer.reject(new Error("the worker died"));
    await settle();
    await clock.advance(10 * RETRY_MS);
    expect(running).toHaveLength(1);
    expect(computed).toEqual([]);
  });

  it("a stop while it is found out what to prepare is in time", async () => {
    const { clock, running, preparation } = make();
    const found = new Deferred<Ahead>();
    preparation.rest(() => found.promise);
    await clock.advance(REST_MS);
    preparation.stop();
    found.resolve(ahead("a"));
    await settle();
    expect(running).toHaveLength(0);
  });
});
