// A worker's life with one client: hello, load, generate, cancel, unload, shutdown. The same for every addon there is.

import { getEventListeners, setMaxListeners } from "node:events";
import type { ChildProcess } from "node:child_process";
import { describe, expect, it } from "vitest";
import { forkWorker, type WorkerProcess } from "../../extension/worker/process";
import { WorkerClient } from "../../extension/worker/client";
import {
  PROTOCOL_VERSION, type GenerateProgressParams, type LoadProgressParams, type StepEvent,
} from "../../protocol/worker";
import { addons, atEnd, bundle, isAlive, request, shared, start, startLoaded, until, useWorkerBundle } from "./harness";

useWorkerBundle();

describe.each([...addons, shared])("a worker with the $name addon", (addon) => {
  it("says hello", async () => {
    const hello = await start(addon).hello();
    expect(hello.protocolVersion).toBe(PROTOCOL_VERSION);
    expect(isAlive(hello.pid)).toBe(true);
    expect(hello.devices.map((device) => device.kind)).toContain("cpu");
    expect(hello.machine.logicalCores).toBeGreaterThan(0);
    expect(hello.machine.memoryBytes).toBeGreaterThan(0);
    expect(hello.defaultThreads).toBeGreaterThan(0);
    expect(hello.versions).toMatchObject({ node: process.versions.node, octet: expect.any(String) as string });
  });

  it("loads with progress that goes forward", async () => {
    const client = start(addon);
    const progress: LoadProgressParams[] = [];
    const loaded = await client.load(addon.load, { onProgress: (step) => void progress.push(step) });
    expect(loaded.target.path).toBe(addon.load.target);
    expect(loaded.draft?.path).toBe(addon.load.draft);
    expect(loaded.lanes).toBe(8);
    const order = ["checking", "target", "draft", "warmup"];
    const places = progress.map(({ phase, fraction }) => order.indexOf(phase) + Math.min(fraction, 0.999));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(new Set(progress.map(({ phase }) => phase))).toContain("target");
    expect(await client.status()).toMatchObject({ state: "ready", loaded: { lanes: 8 }, running: 0 });
  });

  it("streams eight lanes whose events add up to the result", async () => {
    const client = await startLoaded(addon);
    const params = request({ maxTokens: 24 });
    const progress: GenerateProgressParams[] = [];
    const result = await client.generate(params, { onProgress: (message) => void progress.push(message) });
    expect(progress.every(({ id }) => id === params.id)).toBe(true);
    expect(progress.some(({ prefill }) => prefill && prefill.done === prefill.total)).toBe(true);
    const steps = progress.flatMap((message) => message.steps);
    expect(steps.map(({ atMs }) => atMs)).toEqual(steps.map(({ atMs }) => atMs).sort((a, b) => a - b));
    expect(steps).toHaveLength(result.totals.steps);
    expect(result.sequences.map(({ lane }) => lane)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(result.sequences.map(({ rank }) => rank).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const sequence of result.sequences) {
      const events = lane(steps, sequence.lane);
      expect(events.flatMap(({ tokens }) => tokens)).toEqual(sequence.tokens);
      expect(events.flatMap(({ logprobs }) => logprobs)).toEqual(sequence.tokenLogprobs);
      expect(events.flatMap(({ text }) => text).map(({ text }) => text).join("")).toBe(sequence.text);
      expect(events.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(sequence.accepted);
      expect(events.map(({ finishReason }) => finishReason).filter(Boolean)).toEqual(["length"]);
      expect(events.at(-1)?.finishReason).toBe("length");
      expect(sequence.tokens).toHaveLength(24);
    }
  });

  it("sends progress in batches, not for every step", async () => {
    const client = await startLoaded(addon, { OCTET_FAKE_STEP_MS: "1" });
    const arrivals: number[] = [];
    const result = await client.generate(request({ maxTokens: 200 }), { onProgress: () => void arrivals.push(performance.now()) });
    const allowed = 3 + result.totals.wallMs / 9;
    expect(arrivals.length).toBeLessThan(allowed);
    expect(arrivals.length).toBeGreaterThan(3);
  });

  it("cancels within a few steps and resolves with what was written", async () => {
    const client = await startLoaded(addon, { OCTET_FAKE_STEP_MS: "20" });
    const cancel = new AbortController();
    let seen = 0;
    const result = await client.generate(request(), {
      signal: cancel.signal,
      onProgress: ({ steps }) => {
        if (!cancel.signal.aborted) seen += steps.length;
        if (seen >= 3) cancel.abort();
      },
    });
    expect(result.sequences.map(({ finishReason }) => finishReason)).toEqual(Array(8).fill("cancelled"));
    expect(result.sequences.every(({ tokens }) => tokens.length > 0 && tokens.length < 1000)).toBe(true);
    expect(result.totals.steps - seen).toBeLessThanOrEqual(addon.cancelSteps);
    expect(getEventListeners(cancel.signal, "abort")).toHaveLength(0);
    expect(await client.status()).toMatchObject({ running: 0, lanesInUse: 0 });
  });

  it("resolves a request that was cancelled in the same breath, and does not send one cancelled before", async () => {
    const client = await startLoaded(addon);
    const cancel = new AbortController();
    const running = client.generate(request(), { signal: cancel.signal });
    cancel.abort();
    const result = await running;
    expect(result.sequences.every(({ finishReason }) => finishReason === "cancelled")).toBe(true);
    await expect(client.generate(request(), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  });

  it("leaves no listener on a signal that is never aborted", async () => {
    const client = start(addon);
    const { signal } = new AbortController();
    await client.load(addon.load, { signal });
    for (let i = 0; i < 3; i++) await client.generate(request({ maxTokens: 2 }), { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("survives a storm of 200 cancelled requests with nothing left", async () => {
    const process = forkWorker(bundle(), { OCTET_ADDON: addon.file });
    const client = new WorkerClient(process);
    atEnd(() => (client.dispose(), client.exited));
    await client.load(addon.load);
    await client.generate(request({ maxTokens: 2 }));
    const before = [(await client.hello()).versions["listeners"], listeners(process)];
    const together = new AbortController();
    setMaxListeners(0, together.signal);
    const settled = await Promise.allSettled(
      Array.from({ length: 200 }, async (_, i) => {
        await pause((i % 40) * 5);
        const own = new AbortController();
        const signal = i % 4 === 0 ? together.signal : own.signal;
        if (i % 4 === 1) setTimeout(() => own.abort(), i % 60);
        const running = client.generate(request({ lanes: 1 + (i % 8) }), { signal });
        if (i % 4 === 2) own.abort();
        if (i % 4 === 3) setImmediate(() => own.abort());
        setTimeout(() => together.abort(), 300);
        await running.catch((error: { code: string }) => expect(error.code).toBe("cancelled"));
        expect(getEventListeners(own.signal, "abort")).toHaveLength(0);
      }),
    );
    expect(settled.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(await client.status()).toMatchObject({ running: 0, queued: 0, lanesInUse: 0 });
    expect(getEventListeners(together.signal, "abort")).toHaveLength(0);
    expect([(await client.hello()).versions["listeners"], listeners(process)]).toEqual(before);
    const after = await client.generate(request({ maxTokens: 8 }));
    expect(after.totals.tokens).toBe(64);
  });

  it("ends one lane and lets the others go on", async () => {
    const client = await startLoaded(addon);
    const params = request({ maxTokens: 600 });
    client.cancelLane("no such request", 3);
    let told = false;
    const result = await client.generate(params, {
      onProgress: ({ steps }) => {
        if (!told && steps.length > 0) client.cancelLane(params.id, 3);
        told ||= steps.length > 0;
      },
    });
    expect(result.sequences.map(({ finishReason }) => finishReason)).toEqual(
      [..."00010000"].map((cancelled) => (cancelled === "1" ? "cancelled" : "length")));
    expect(result.sequences[3]?.tokens.length).toBeLessThan(600);
    expect(result.sequences[4]?.tokens).toHaveLength(600);
  });

  it("serves two requests at once, and refuses a second of the same id", async () => {
    const client = await startLoaded(addon);
    const events = new Map<string, number>();
    const count = ({ id, steps }: GenerateProgressParams): void =>
      void events.set(id, (events.get(id) ?? 0) + steps.flatMap((step) => step.lanes).flatMap(({ tokens }) => tokens).length);
    const [first, second] = [request({ lanes: 3, maxTokens: 30 }), request({ lanes: 4, maxTokens: 20 })];
    const both = Promise.all([client.generate(first, { onProgress: count }), client.generate(second, { onProgress: count })]);
    await expect(client.generate(first)).rejects.toMatchObject({ code: "busy" });
    const [a, b] = await both;
    expect([a.sequences.length, a.totals.tokens]).toEqual([3, 90]);
    expect([b.sequences.length, b.totals.tokens]).toEqual([4, 80]);
    expect(Object.fromEntries(events)).toEqual({ [first.id]: 90, [second.id]: 80 });
  });

  it("begins a request that fits into the spare lanes while another has all its own", async () => {
    const client = start(addon);
    const { lanes, spareLanes } = await client.load({ ...addon.load, lanes: 3, spareLanes: 4 });
    expect([lanes, spareLanes]).toEqual([3, 4]);
    const cancel = new AbortController();
    const long = client.generate(request({ lanes: 3 }), { signal: cancel.signal });
    const short = await client.generate(request({ lanes: 4, maxTokens: 5 }));
    expect(short.totals.tokens).toBe(20);
    expect(await client.status()).toMatchObject({ running: 1, lanesInUse: 3 });
    cancel.abort();
    expect((await long).sequences.map(({ finishReason }) => finishReason)).toEqual(Array(3).fill("cancelled"));
  });

  it("works beside a second worker with a second client", async () => {
    const [one, two] = await Promise.all([startLoaded(addon), startLoaded(addon)]);
    expect(one.pid).not.toBe(two.pid);
    const params = request({ maxTokens: 16, sampling: { ...request().sampling, temperature: 0 }, lanes: 1 });
    const [a, b] = await Promise.all([one.generate(params), two.generate(params)]);
    expect(a.sequences[0]?.tokens).toEqual(b.sequences[0]?.tokens);
    await one.shutdown();
    await one.exited;
    expect((await two.generate(params)).sequences[0]?.tokens).toEqual(b.sequences[0]?.tokens);
  });

  it("ends what runs as cancelled when it unloads, and can load again", async () => {
    const client = await startLoaded(addon);
    const started = new Promise<void>((resolve) => {
      void client.generate(request(), { onProgress: () => resolve() }).then((result) => ended.push(...result.sequences));
    });
    const ended: { finishReason: string }[] = [];
    await started;
    await client.unload();
    await until(() => ended.length > 0);
    expect(ended.map(({ finishReason }) => finishReason)).toEqual(Array(8).fill("cancelled"));
    expect(await client.status()).toMatchObject({ state: "empty", loaded: null, running: 0, lanesInUse: 0 });
    await expect(client.generate(request())).rejects.toMatchObject({ code: "notLoaded" });
    await expect(client.tokenize("x")).rejects.toMatchObject({ code: "notLoaded" });
    await client.unload();
    await client.load(addon.load);
    expect((await client.tokenize("hello")).tokens.length).toBeGreaterThan(0);
  });

  it("replaces what was loaded", async () => {
    const client = await startLoaded(addon);
    const loaded = await client.load({ ...addon.load, draft: null, lanes: 2 });
    expect(loaded).toMatchObject({ draft: null, lanes: 2 });
    expect((await client.status()).loaded).toMatchObject({ draft: null, lanes: 2 });
  });

  it("passes on an error of the addon with its code", async () => {
    const client = start(addon);
    const missing = { ...addon.load, target: "/no/such/missing.gguf" };
    await expect(client.load(missing)).rejects.toMatchObject({ code: "modelNotFound", message: expect.stringContaining("missing.gguf") as string });
    await expect(client.inspect({ path: "/no/such/missing.gguf" })).rejects.toMatchObject({ code: "modelNotFound" });
    expect((await client.inspect({ path: addon.load.target })).model.path).toBe(addon.load.target);
    expect(await client.status()).toMatchObject({ state: "empty", loaded: null });
  });

  it("exits with code 0 after a shutdown, also while generating, and has written nothing", async () => {
    const client = await startLoaded(addon);
    const started = new Promise<void>((resolve) => {
      client.generate(request(), { onProgress: () => resolve() }).catch(() => undefined);
    });
    await started;
    await client.shutdown();
    const { exit, error } = await client.exited;
    expect(exit).toMatchObject({ code: 0, signal: null, lastWords: "" });
    expect(isAlive(client.pid!)).toBe(false);
    await expect(client.status()).rejects.toMatchObject({ code: "workerDied", message: error.message });
  });

  it("ignores the Ctrl-C that a terminal sends to it too", async () => {
    const client = await startLoaded(addon);
    let interrupted = false;
    const result = await client.generate(request({ maxTokens: 40 }), {
      onProgress: () => void (interrupted ||= process.kill(client.pid!, "SIGINT")),
    });
    expect(interrupted).toBe(true);
    expect(result.totals.tokens).toBe(320);
  });
});

function lane(steps: StepEvent[], wanted: number): StepEvent["lanes"] {
  return steps.flatMap((step) => step.lanes).filter((event) => event.lane === wanted);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Listeners on the child process object of this side. */
function listeners({ reader }: WorkerProcess): number {
  const child = (reader as unknown as { process: ChildProcess }).process;
  return child.eventNames().reduce((count, name) => count + child.listenerCount(name), 0);
}
