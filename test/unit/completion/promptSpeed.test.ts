import { describe, expect, it } from "vitest";
import { PromptSpeed } from "../../../extension/completion/promptSpeed";
import { OctetError } from "../../../extension/worker/errors";
import { result } from "../solutionsFakes";
import type { LoadResult } from "../../../protocol/worker";

const onCpu = (parameters: number, threads = 1, path = "/m/a.gguf") =>
  ({ target: { path, parameters }, draft: null, device: { name: "CPU", kind: "cpu" }, threads }) as LoadResult;
const onGpu = { ...onCpu(7e9), device: { name: "CUDA0", kind: "gpu" } } as LoadResult;
/** Of 40 layers. */
const onBoth = (layersOnDevice: number, fileBytes: number) =>
  ({ ...onGpu, target: { ...onGpu.target, layers: 40, fileBytes }, split: { layersOnDevice, machineMemoryBytes: 1 } }) as LoadResult;

/** Speed, and requests whose prompts took so long. */
function make() {
  const speed = new PromptSpeed();
  let next = 0;
  const started = () => {
    const id = `inline-${next++}`;
    speed.request({ type: "started", id, kind: "inline", label: "", lanes: 8, startedAt: 0 });
    return id;
  };
  const computed = (promptTokens: number, prefillMs: number, { reusedTokens = 0, steps = 5, id = started(), alone = { prompt: true, steps: true } } = {}) =>
    speed.request({ type: "ended", id, result: result(["x"], "end", { promptTokens, reusedTokens, prefillMs, steps, alone }) });
  const piece = (id: string, done: number, reused = 0) =>
    speed.request({ type: "progress", id, progress: { id, steps: [], prefill: { done, total: 2_000, reused } } });
  return { speed, started, computed, piece };
}

describe("PromptSpeed", () => {
  it("before anything is measured, knows a processor by threads and weights, and sets others no limit", () => {
    const { speed } = make();
    expect(speed.longest(onCpu(6.5e6), 1_500)).toBeGreaterThanOrEqual(2_048);
    expect(speed.longest(onCpu(1.5e9, 1), 1_500)).toBe(256);
    expect(speed.longest(onCpu(1.5e9, 8), 8_000)).toBe(362);
    expect(speed.longest(onGpu, 1_500)).toBe(Infinity);
    expect(speed.longest(onBoth(20, 10e9), 1_500)).toBe(1_448); // half a second for 512 tokens
    expect(speed.longest(onBoth(10, 27e9), 1_500)).toBe(362);
  });

  it("what was measured with a split is not known of another", () => {
    const { speed, computed } = make();
    speed.longest(onBoth(20, 10e9), 1_500);
    computed(4_000, 1_000);
    expect(speed.longest(onBoth(20, 10e9), 1_500)).toBe(5_793);
    expect(speed.longest(onBoth(19, 10e9), 1_500)).toBe(1_448);
  });

  it("follows what was measured, of what was computed and not cached", () => {
    const { speed, computed } = make();
    speed.longest(onGpu, 1_500);
    computed(3_000, 1_000, { reusedTokens: 2_000 });
    expect(speed.longest(onGpu, 1_500)).toBe(1_448);
    expect(speed.longest(onGpu, 3_000)).toBe(2_896);
  });

  it("no prompt is asked to be shorter than is of use", () => {
    const { speed, computed } = make();
    speed.longest(onGpu, 1_500);
    computed(500, 60_000);
    expect(speed.longest(onGpu, 1_500)).toBe(256);
  });

  it("learns of requests that ended before their prompt was computed", () => {
    const { speed, started, piece, computed } = make();
    speed.longest(onGpu, 1_500);
    const id = started();
    for (const done of [300, 500, 900]) piece(id, done, 100); // heard of all at once, by a busy editor
    computed(2_000, 4_000, { steps: 0, id, reusedTokens: 100 });
    expect(speed.longest(onGpu, 1_500)).toBe(256); // 200 a second
    expect(speed.longest(onGpu, 6_000)).toBe(1_024);
  });

  it("says nothing of the machine where another request's passes were within a prompt's time, of this window or of another", () => {
    const { speed, started, piece, computed } = make();
    speed.longest(onGpu, 1_500);
    const beside = { alone: { prompt: false, steps: true } };
    computed(500, 10_000, beside);
    const short = started();
    piece(short, 500);
    computed(2_000, 10_000, { id: short, steps: 0, ...beside });
    speed.prepared(result([], "end", { promptTokens: 500, reusedTokens: 0, prefillMs: 10_000, ...beside }));
    expect(speed.tokensPerSecond).toBeNull();
    computed(1_000, 1_000, { alone: { prompt: true, steps: false } }); // beside its steps alone
    expect(speed.tokensPerSecond).toBe(1_000);
    computed(500, 10_000, beside);
    speed.request({ type: "failed", id: started(), error: new OctetError("internal", "broken") });
    computed(1_000, 1_000);
    expect(speed.tokensPerSecond).toBe(1_000);
    speed.prepared(result([], "end", { promptTokens: 2_000, reusedTokens: 0, prefillMs: 1_000 }));
    expect(speed.tokensPerSecond).toBeGreaterThan(1_000);
  });

  it("says what the worker says of requests that overlap: their prompts may have been computed one after the other", () => {
    const { speed, started, computed } = make();
    speed.longest(onGpu, 1_500);
    const [first, second] = [started(), started()];
    computed(1_000, 1_000, { id: first });
    computed(500, 10_000, { id: second, alone: { prompt: false, steps: false } });
    expect(speed.tokensPerSecond).toBe(1_000);
  });

  it("a length stays where the speed moves a little, so that what is cached stays good, and follows where it moves much", () => {
    const { speed, computed } = make();
    const longest = () => speed.longest(onGpu, 1_000);
    longest();
    const measured = (perSecond: number) => {
      for (let i = 0; i < 30; i++) computed(perSecond, 1_000);
      return longest();
    };
    expect(measured(1_100)).toBe(1_024);
    expect([measured(850), measured(1_100), measured(1_900)]).toEqual([1_024, 1_024, 1_024]);
    expect(measured(2_100)).toBe(2_048);
    expect(measured(1_500)).toBe(1_448);
    expect(measured(300)).toBe(256);
  });

  it("a few tokens, requests of before and of another pair say nothing", () => {
    const { speed, computed, started } = make();
    speed.longest(onGpu, 1_500);
    computed(40, 10_000);
    computed(4_000, 10_000, { reusedTokens: 3_990 });
    computed(4_000, 10_000, { id: "unheard-of" });
    expect(speed.longest(onGpu, 1_500)).toBe(Infinity);
    computed(4_000, 1_000);
    expect(speed.longest(onGpu, 1_500)).toBeLessThan(Infinity);
    const old = started();
    const other = { ...onGpu, target: { ...onGpu.target, path: "/m/b.gguf" } };
    expect(speed.longest(other, 1_500)).toBe(Infinity);
    computed(100, 10_000, { id: old });
    expect(speed.longest(other, 1_500)).toBe(Infinity);
  });
});
