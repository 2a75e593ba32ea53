import { describe, expect, it } from "vitest";
import type { FinishReason, GenerateParams, GenerateProgressParams, GenerateResult, LaneEvent } from "../../../protocol/worker";
import { Completer, type Ask, type RequestReport } from "../../../extension/completion/completer";
import { requestKey } from "../../../extension/completion/requestKey";
import type { Generator } from "../../../extension/completion/runningRequest";
import { requestShape } from "../../../extension/completion/requestShape";
import { atCursor } from "../../../extension/completion/context";
import { Deferred, type Clock } from "../../../extension/worker/async";
import { contextOf } from "./golden";

/** Time that passes when it is told to. */
class ManualClock implements Clock {
  private time = 0;
  private timers: { at: number; callback: () => void }[] = [];
  now(): number {
    return this.time;
  }
  setTimeout(callback: () => void, ms: number) {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return { dispose: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  }
  async pass(ms: number): Promise<void> {
    await settle();
    this.time += ms;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { callback } of due) callback();
    await settle();
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A worker whose lanes write what the test says. */
class FakeGenerator implements Generator {
  readonly requests: { params: GenerateParams; signal: AbortSignal; read: (done: number, total: number) => void; write: (lane: number, text: string, end?: FinishReason) => void; fail: (error: Error) => void }[] = [];
  readonly cancelledLanes: number[] = [];
  alive = 0;
  mostAlive = 0;

  async generate(params: GenerateParams, { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: GenerateProgressParams) => void }): Promise<GenerateResult> {
    this.mostAlive = Math.max(this.mostAlive, ++this.alive);
    const lanes = Array.from({ length: params.lanes }, (_, lane) => ({ lane, text: "", finishReason: null as FinishReason | null }));
    const over = new Deferred<void>();
    const write = (number: number, text: string, end?: FinishReason) => {
      const lane = lanes[number];
      if (!lane) throw new Error("no such lane");
      lane.text += text;
      lane.finishReason = end ?? null;
      const event: LaneEvent = { lane: number, tokens: [1], logprobs: [-number - 1], drafted: 0, accepted: 0, text: [{ text, accepted: false }], ...(end && { finishReason: end }) };
      onProgress({ id: params.id, steps: [{ atMs: 0, stepMs: 0, draftMs: 0, verifyMs: 0, hostMs: 0, draftLength: 0, lanes: [event] }] });
      if (lanes.every(({ finishReason }) => finishReason !== null)) over.resolve();
    };
    const read = (done: number, total: number) => onProgress({ id: params.id, prefill: { done, total, reused: 0 }, steps: [] });
    this.requests.push({ params, signal, read, write, fail: (error) => over.reject(error) });
    signal.addEventListener("abort", () => over.resolve());
    await over.promise.finally(() => (this.alive -= 1));
    const sequences = lanes.map(({ lane, text, finishReason }) => ({
      lane, rank: 1, text, tokens: [], tokenLogprobs: [], meanLogprob: -lane - 1, finishReason: finishReason ?? ("cancelled" as const), drafted: 0, accepted: 0, firstTokenMs: null, msPerToken: null,
    }));
    return { sequences, notices: [], totals: {} as GenerateResult["totals"] };
  }

  completeLane(_id: string, lane: number): void {
    this.cancelledLanes.push(lane);
  }

  last() {
    const request = this.requests.at(-1);
    if (!request) throw new Error("nothing was asked for");
    return request;
  }
}

function setUp() {
  const clock = new ManualClock();
  const generator = new FakeGenerator();
  const reports: RequestReport[] = [];
  const completer = new Completer(generator, { clock, onReport: (report) => reports.push(report) });
  const ask = (code: string, options: Partial<Ask> = {}): Ask => {
    const context = contextOf(code, "typescript");
    const shape = requestShape({ ...context, kind: "automatic" });
    return {
      key: requestKey(context, "m"), context: atCursor(context, shape.multiline), prompt: { kind: "text", text: context.prefix }, shape, lanes: 2,
      sampling: { temperature: 0.5, topK: 0, topP: 1, minP: 0, seed: 1 }, draftLength: "auto", budgetMs: null, waitMs: 0, all: false, ...options,
    };
  };
  const offer = (code: string, options: Partial<Ask> = {}) => {
    const abort = new AbortController();
    return { hit: completer.offer(ask(code, options), abort.signal), abort: () => abort.abort() };
  };
  return { clock, generator, completer, reports, ask, offer };
}

const texts = async (hit: ReturnType<Completer["offer"]>) => (await hit)?.candidates.map(({ text }) => text);

describe("Completer", () => {
  it("offers the first lane that is done, then all of the same batch", async () => {
    const { generator, offer, reports } = setUp();
    const first = offer("x = ‸");
    await settle();
    generator.last().write(1, "second;", "stop");
    expect(await texts(first.hit)).toEqual(["second;"]);
    const all = offer("x = ‸", { all: true });
    await settle();
    generator.last().write(0, "first;", "stop");
    expect(await texts(all.hit)).toEqual(["first;", "second;"]);
    expect(generator.requests).toHaveLength(1);
    expect(reports).toMatchObject([{ firstCandidateMs: 0, prompt: { text: "x = " } }]);
  });

  it("reports how much of its prompt a request computed that ended before it wrote", async () => {
    const { generator, offer, completer, reports } = setUp();
    for (const pieces of [[], [100, 300]]) {
      offer("x = ‸");
      await settle();
      for (const done of pieces) generator.last().read(done, 400);
      completer.cancel();
      await settle();
    }
    expect(reports.map(({ computed }) => computed)).toEqual([0, 0.75]);
  });

  it("waits for enough lanes where it is told to", async () => {
    const { generator, offer } = setUp();
    const { hit } = offer("x = ‸", { lanes: 3, enough: 2 });
    await settle();
    generator.last().write(2, "c;", "stop");
    await settle();
    generator.last().write(1, "better;", "stop");
    expect(await texts(hit)).toEqual(["better;", "c;"]);
  });

  it("keeps first what it offered first while that is typed, though better lanes have ended since", async () => {
    const { generator, offer } = setUp();
    const first = offer("x = ‸");
    await settle();
    generator.last().write(1, "value + 1;", "stop");
    expect(await texts(first.hit)).toEqual(["value + 1;"]);
    generator.last().write(0, "value;", "stop");
    await settle();
    expect(await texts(offer("x = v‸").hit)).toEqual(["alue + 1;", "alue;"]);
    expect(await texts(offer("x = va‸").hit)).toEqual(["lue + 1;", "lue;"]);
    expect(await texts(offer("x = v‸", { all: true }).hit)).toEqual(["alue;", "alue + 1;"]);
    expect(await texts(offer("x = va‸").hit)).toEqual(["lue;", "lue + 1;"]);
  });

  it("asks only after the debounce, and not at all for a call that was cancelled in it", async () => {
    const { clock, generator, offer } = setUp();
    const first = offer("x = ‸", { waitMs: 100 });
    await clock.pass(50);
    first.abort();
    expect(await first.hit).toBeNull();
    const second = offer("x = y‸", { waitMs: 100 });
    await clock.pass(99);
    expect(generator.requests).toHaveLength(0);
    await clock.pass(1);
    expect(generator.last().params.prompt).toEqual({ kind: "text", text: "x = y" });
    second.abort();
  });

  it("goes on with the request that runs while typing matches it", async () => {
    const { generator, offer } = setUp();
    const first = offer("x = ‸");
    await settle();
    generator.last().write(0, "val");
    first.abort();
    const second = offer("x = v‸", { waitMs: 500 });
    await settle();
    generator.last().write(0, "ue;", "stop");
    expect([await first.hit, await texts(second.hit)]).toEqual([null, ["alue;"]]);
    expect(generator.requests).toHaveLength(1);
  });

  it("cancels the request that runs as soon as typing departs from it, before the debounce", async () => {
    const { generator, offer } = setUp();
    const first = offer("x = ‸");
    await settle();
    generator.last().write(0, "val");
    first.abort();
    offer("x = q‸", { waitMs: 500 });
    await settle();
    expect([generator.alive, generator.requests.length]).toEqual([0, 1]);
  });

  it("asks anew when the lanes turn out not to match", async () => {
    const { generator, offer } = setUp();
    offer("x = ‸").abort();
    const first = offer("x = ‸");
    await settle();
    generator.last().write(0, "v");
    const second = offer("x = va‸");
    await settle();
    generator.last().write(0, "x");
    await settle();
    expect(generator.requests).toHaveLength(2);
    generator.last().write(1, "lue;", "stop");
    expect([await first.hit, await texts(second.hit)]).toEqual([null, ["lue;"]]);
  });

  it("frees the lanes of a request that nobody waits for any more", async () => {
    const { clock, generator, offer, completer } = setUp();
    const first = offer("x = ‸");
    await settle();
    first.abort();
    await clock.pass(100);
    expect(generator.alive).toBe(1);
    await clock.pass(60);
    expect(generator.alive).toBe(0);
    await completer.idle();
  });

  it("never has two generations alive while a hundred characters are typed fast", async () => {
    const { clock, generator, offer } = setUp();
    const typed = "the quick brown fox jumps over the lazy dog ".repeat(3).slice(0, 100);
    for (let length = 1; length <= typed.length; length++) {
      const { abort } = offer(`${typed.slice(0, length)}‸`);
      await clock.pass(20);
      if (length % 7 === 0 && generator.alive > 0) generator.last().write(0, "zzz");
      abort();
    }
    await clock.pass(200);
    expect([generator.mostAlive, generator.alive]).toEqual([1, 0]);
  });

  it("cancels at a place where nothing is completed", async () => {
    const { generator, offer, completer } = setUp();
    const { hit } = offer("x = ‸");
    await settle();
    completer.at(null);
    expect(await hit).toBeNull();
    expect([generator.alive, generator.requests.length]).toEqual([0, 1]);
  });

  it("stops lanes that have gone past their block and offers them", async () => {
    const { generator, offer } = setUp();
    const { hit } = offer("function f() {\n  ‸\n}\n");
    await settle();
    generator.last().write(1, "return 1;\n}\nfunction g() {\n");
    expect(generator.cancelledLanes).toEqual([1]);
    expect(await texts(hit)).toEqual(["return 1;"]);
  });

  it("asks for several lines explicitly although a single line is under way", async () => {
    const { generator, offer, ask } = setUp();
    const single = offer("x = ‸");
    await settle();
    generator.last().write(0, "one;", "stop");
    await single.hit;
    const shape = requestShape({ kind: "explicit", languageId: "typescript", linePrefix: "x = ", lineSuffix: "" });
    const { hit } = offer("x = ‸", { all: true, shape, context: { ...ask("x = ‸").context, multiline: true } });
    await settle();
    expect([generator.requests.length, generator.alive]).toEqual([2, 1]);
    generator.last().write(0, "{\n  a: 1,\n};", "stop");
    generator.last().write(1, "[];", "stop");
    expect(await texts(hit)).toEqual(["{\n  a: 1,\n};", "[];"]);
  });

  it("does not ask again where nothing came of it", async () => {
    const { generator, offer } = setUp();
    const { hit } = offer("x = ‸");
    await settle();
    generator.last().write(0, "", "end");
    generator.last().write(1, " ", "end");
    expect(await texts(hit)).toEqual([]);
    expect(await texts(offer("x = ‸").hit)).toEqual([]);
    expect(generator.requests).toHaveLength(1);
  });

  it("fails as the worker fails, once", async () => {
    const { generator, offer } = setUp();
    const { hit } = offer("x = ‸");
    await settle();
    generator.last().fail(new Error("out of memory"));
    await expect(hit).rejects.toThrow("out of memory");
    expect(generator.requests).toHaveLength(1);
  });
});
