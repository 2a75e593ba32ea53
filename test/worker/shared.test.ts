// One worker for all windows: real processes and sockets. Who finds whom, whose requests are whose, and what stays when windows go,
// crash, or want something else.

import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { WorkerClient } from "../../extension/worker/client";
import type { GenerateProgressParams, GenerateResult, LoadParams } from "../../protocol/worker";
import { kill } from "../e2e/processes";
import { addons, atEnd, bundle, hostBundle, isAlive, parentScript, pretended, request, until, useWorkerBundle } from "./harness";
import { House, LINGER_MS, sockets } from "./sharedWindows";

useWorkerBundle();

const other: LoadParams = { ...pretended.load, target: "/models/other.gguf" };
const slow: LoadParams = { ...pretended.load, target: "/models/slow.gguf" };
const tokens = ({ steps }: GenerateProgressParams): number => steps.flatMap((step) => step.lanes).flatMap(({ tokens }) => tokens).length;

describe.each(addons)("windows that want the same models ($name addon)", (addon) => {
  it("share one worker, which loads them once", async () => {
    const house = new House(addon);
    const [one, two] = [house.window(), house.window()];
    const hello = await Promise.all([one.hello(), two.hello()]);
    expect(hello[0].pid).toBe(hello[1].pid);
    const loaded = await Promise.all([one.load(addon.load), two.load(addon.load)]);
    expect(loaded[0]).toEqual(loaded[1]);
    expect([one.pid, two.pid]).toEqual([hello[0].pid, hello[0].pid]);
    expect(house.workers()).toEqual([hello[0].pid]);
    expect((await one.status()).windows).toBe(2);
    expect(house.reasons).toEqual([]);
  });

  it("have requests of their own, though these have the same names", async () => {
    const house = new House(addon);
    const windows = [await house.loaded(), await house.loaded()];
    const seen = [0, 0];
    const params = request({ lanes: 3, maxTokens: 40 });
    const results = await Promise.all(windows.map((window, index) =>
      window.generate({ ...params, lanes: params.lanes + index }, {
        onProgress: (progress) => {
          expect(progress.id).toBe(params.id);
          seen[index]! += tokens(progress);
        },
      })));
    expect(results.map(({ sequences }) => sequences.length)).toEqual([3, 4]);
    expect(seen).toEqual([120, 160]);
  });

  it("are told of a request whether others were computed within its time", async () => {
    const house = new House(addon);
    const [one, two] = [await house.loaded(), await house.loaded()];
    let within: Promise<GenerateResult> | undefined;
    const long = await one.generate(request({ lanes: 2, maxTokens: 300 }), {
      onProgress: ({ steps }) => {
        if (steps.length > 0) within ??= two.generate(request({ lanes: 2, maxTokens: 4 }));
      },
    });
    expect(long.totals.alone).toEqual({ prompt: true, steps: false });
    expect((await within)?.totals.alone.steps).toBe(false);
    expect((await two.generate(request({ lanes: 2, maxTokens: 4 }))).totals.alone).toEqual({ prompt: true, steps: true });
  });

  it("end their own requests and lanes, and nobody else's", async () => {
    const house = new House(addon);
    const [one, two] = [await house.loaded(), await house.loaded()];
    const id = "same";
    const abort = new AbortController();
    const cancelled = one.generate(request({ id, lanes: 2 }), { signal: abort.signal, onProgress: () => abort.abort() });
    let told = false;
    const whole = two.generate(request({ id, lanes: 2, maxTokens: 600 }), {
      onProgress: ({ steps }) => {
        if (!told && steps.length > 0) two.cancelLane(id, 1);
        told ||= steps.length > 0;
      },
    });
    expect((await cancelled).sequences.map(({ finishReason }) => finishReason)).toEqual(["cancelled", "cancelled"]);
    expect((await whole).sequences.map(({ finishReason }) => finishReason)).toEqual(["length", "cancelled"]);
  });
});

describe("a window that goes", () => {
  it("leaves the models to the others, and takes its requests along", async () => {
    const house = new House();
    const [one, two] = [await house.loaded(), await house.loaded()];
    const started = new Promise<void>((resolve) => void one.generate(request(), { onProgress: () => resolve() }).catch(() => undefined));
    await started;
    await one.leave();
    expect((await one.exited).exit).toMatchObject({ code: 0, signal: null });
    const result = await two.generate(request({ maxTokens: 8 }));
    expect(result.totals.tokens).toBe(64);
    expect(await idle(two)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 2 * LINGER_MS));
    expect((await two.status()).state).toBe("ready");
  });

  it("as the last takes worker and host along, after a moment in which another finds the models loaded", async () => {
    const house = new House();
    const one = await house.loaded();
    const { pid } = one;
    await one.leave();
    const two = house.window();
    await two.hello();
    const phases: string[] = [];
    await two.load(pretended.load, { onProgress: ({ phase }) => void phases.push(phase) });
    expect([two.pid, phases]).toEqual([pid, []]);
    await two.leave();
    expect(await until(() => house.workers().length + house.hosts().length === 0)).toBe(true);
    expect(sockets(house)).toEqual([]);
  });

  it("is noticed when its process is killed, during a load and a generation too", async () => {
    for (const mode of ["idle", "generating", "loading"]) {
      const house = new House();
      const orders = { bundle: bundle(), host: hostBundle(), mode, load: pretended.load, generate: request() };
      const parent = spawn(process.execPath, [parentScript(), JSON.stringify(orders)], { env: { ...process.env, ...house.environment() } });
      atEnd(() => parent.kill("SIGKILL"));
      const pid = Number(await new Promise<string>((resolve) => parent.stdout.once("data", (text: Buffer) => resolve(String(text)))));
      expect(isAlive(pid)).toBe(true);
      parent.kill("SIGKILL");
      expect(await until(() => !isAlive(pid) && house.hosts().length === 0), mode).toBe(true);
    }
  });
});

describe("windows that want different things", () => {
  it("get workers of their own, and one again when they agree", async () => {
    const house = new House();
    const [one, two] = [await house.loaded(), await house.loaded()];
    const before = one.pid;
    expect((await two.load(other)).target.path).toBe(other.target);
    expect([one.pid, two.pid === before]).toEqual([before, false]);
    expect(house.workers()).toHaveLength(2);
    expect((await one.generate(request({ maxTokens: 2 }))).totals.tokens).toBe(16);
    await two.load(pretended.load);
    expect(two.pid).toBe(before);
    expect(await until(() => house.workers().length === 1)).toBe(true);
    expect((await two.generate(request({ maxTokens: 2 }))).totals.tokens).toBe(16);
  });

  it("change models in the worker they have where nobody else uses it", async () => {
    const house = new House();
    const one = await house.loaded();
    const { pid } = one;
    await one.load(other);
    expect(one.pid).toBe(pid);
    expect(house.workers()).toEqual([pid]);
  });

  it("share no worker where one may load GPUs' drivers and the other not, or their environments differ", async () => {
    const house = new House();
    const windows = [house.window(), house.window({ gpus: false }), house.window({}, { OCTET_FAKE_GPU: "1" })];
    const pids = await Promise.all(windows.map(async (window) => (await window.hello()).pid));
    expect(new Set(pids).size).toBe(3);
    expect(house.hosts()).toHaveLength(2);
  });

  it("are told by an unload how many others go on", async () => {
    const house = new House();
    const [one, two] = [await house.loaded(), await house.loaded()];
    expect(await one.unload()).toBe(1);
    await expect(one.generate(request())).rejects.toMatchObject({ code: "notLoaded" });
    expect((await two.generate(request({ maxTokens: 2 }))).totals.tokens).toBe(16);
    expect(await two.unload()).toBe(0);
    expect((await two.status()).state).toBe("empty");
  });
});

describe("a load that several windows wait for", () => {
  it("goes on when one of them gives up, and ends when all have", async () => {
    const house = new House();
    const windows = [house.window(), house.window()];
    await Promise.all(windows.map((window) => window.hello()));
    const aborts = windows.map(() => new AbortController());
    const heard = [0, 0];
    const loads = windows.map((window, index) => window.load(slow, { signal: aborts[index]!.signal, onProgress: () => void heard[index]!++ }));
    const outcomes = loads.map((load) => load.then(() => "loaded", (error: { code: string }) => error.code));
    expect(await until(() => heard.every((count) => count > 0))).toBe(true);
    aborts[0]!.abort();
    expect(await outcomes[0]).toBe("cancelled");
    expect((await windows[1]!.status()).state).toBe("loading");
    aborts[1]!.abort();
    expect(await outcomes[1]).toBe("cancelled");
    expect((await windows[1]!.status()).state).toBe("empty");
    expect((await windows[0]!.load(pretended.load)).target.path).toBe(pretended.load.target);
    expect(house.workers()).toHaveLength(1);
  });

  it("fails for each of them", async () => {
    const house = new House();
    const windows = [house.window(), house.window()];
    await Promise.all(windows.map((window) => window.hello()));
    const missing = { ...pretended.load, target: "/models/missing.gguf" };
    const codes = await Promise.all(windows.map((window) => window.load(missing).then(() => "", (error: { code: string }) => error.code)));
    expect(codes).toEqual(["modelNotFound", "modelNotFound"]);
    await windows[0]!.load(pretended.load);
  });
});

describe("a shared worker that ends", () => {
  it("is seen by every window, with how and why; all come back to one", async () => {
    const house = new House();
    const supervisors = [house.supervisor(), house.supervisor(), house.supervisor()];
    await Promise.all(supervisors.map((supervisor) => supervisor.load(pretended.load)));
    const { pid } = supervisors[0]!;
    expect(supervisors.map((supervisor) => supervisor.pid)).toEqual([pid, pid, pid]);
    const logged: string[] = [];
    supervisors[0]!.onLog(({ message }) => void logged.push(message));
    kill(pid!);
    expect(await until(() => supervisors.every(({ pid: now, state }) => now !== undefined && now !== pid && state.loaded !== null))).toBe(true);
    expect(new Set(supervisors.map((supervisor) => supervisor.pid)).size).toBe(1);
    expect(logged.join()).toContain("signal SIGKILL");
  });

  it("because one window restarts it comes back for all", async () => {
    const house = new House();
    const [one, two] = [house.supervisor(), house.supervisor()];
    await Promise.all([one.load(pretended.load), two.load(pretended.load)]);
    const { pid } = one;
    const logged: string[] = [];
    two.onLog(({ message }) => void logged.push(message));
    await one.stop();
    expect(isAlive(pid!)).toBe(false);
    expect(await until(() => two.state.loaded !== null && two.pid !== undefined && two.pid !== pid)).toBe(true);
    expect(logged.join()).toContain("another window ended it");
    await one.generate(request({ maxTokens: 2 }));
    expect(one.pid).toBe(two.pid);
  });

  it("since its host was killed comes back, and none stays behind", async () => {
    const house = new House();
    const supervisor = house.supervisor();
    await supervisor.load(pretended.load);
    const { pid } = supervisor;
    kill(house.hosts()[0]!);
    expect(await until(() => supervisor.pid !== undefined && supervisor.pid !== pid && supervisor.state.loaded !== null)).toBe(true);
    expect(isAlive(pid!)).toBe(false);
    expect(house.hosts()).toHaveLength(1);
  });

  it("is killed where it hears nothing, and its windows are told", async () => {
    const house = new House();
    const one = house.window();
    await one.hello();
    const load = one.load({ ...pretended.load, target: "/models/hangJs.gguf" });
    load.catch(() => undefined);
    const { pid } = one;
    await new Promise((resolve) => setTimeout(resolve, 300));
    one.dispose();
    expect((await one.exited).exit).toMatchObject({ signal: "SIGKILL" });
    await expect(load).rejects.toMatchObject({ code: "workerDied" });
    expect(isAlive(pid!)).toBe(false);
  });
});

it("a GPU's driver that hangs is waited for twice in all, by windows that are open, and once by those that come later", async () => {
  const house = new House(pretended, { OCTET_FAKE_HANG: "1" });
  const tries: number[] = [];
  const told: string[] = [];
  const hello = async (): Promise<boolean> => {
    const window = tries.push(0) - 1;
    const supervisor = house.supervisor({
      helloMs: 1500,
      start: (how) => {
        if (how.gpus) tries[window]!++;
        return house.window(how);
      },
    });
    supervisor.onDriverCrash(({ message }) => void told.push(message));
    return (await supervisor.hello()).pid > 0;
  };
  const one = hello();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await Promise.all([one, hello(), hello()]);
  await hello();
  expect(tries).toEqual([2, 2, 2, 1]);
  expect(told).toEqual(Array(4).fill("the GPU's driver hangs and keeps Octet's worker from starting, so the processor is used"));
});

async function idle(window: WorkerClient): Promise<boolean> {
  for (let tries = 0; tries < 500; tries++) {
    if ((await window.status()).running === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}
