// What the supervisor does about GPUs' drivers: none for the processor alone, none any more where they crash the worker.
import { beforeEach, describe, expect, it } from "vitest";
import type { OctetError } from "../../extension/worker/errors";
import type { LogParams } from "../../protocol/worker";
import { settle } from "./supervisorFakes";
import { clock, finishLoad, generation, gpusOf, greet, last, later, params, readyWith, supervise, supervisor, workers, written } from "./supervisorFixture";

let told: OctetError[];
let log: LogParams[];
let wants: boolean;
beforeEach(() => {
  wants = true;
  supervise({ wantsGpus: () => wants });
  told = [];
  log = [];
  supervisor.onDriverCrash((error) => void told.push(error));
  supervisor.onLog((line) => void log.push(line));
});

/** The next worker, once it is started, goes away before its hello. */
async function dieAtStart(signal: NodeJS.Signals = "SIGABRT"): Promise<void> {
  await settle();
  await last().die(signal);
  await clock.advance(300);
}

async function fallBack(): Promise<void> {
  void later(supervisor.hello());
  await dieAtStart();
  await dieAtStart();
  await greet();
}

describe("a driver that crashes the worker at its start", () => {
  it("is left alone after the second time, and the user is told once, when that works", async () => {
    const hello = later(supervisor.hello());
    await dieAtStart();
    await dieAtStart();
    expect(gpusOf).toEqual([true, true, false]);
    expect(told).toEqual([]);
    await greet();
    await hello;
    expect(told).toMatchObject([{
      message: "the GPU's driver crashed Octet's worker (signal SIGABRT), so the processor is used",
      advice: "Update the driver; Octet: Restart Worker tries the GPU again.",
    }]);
    expect(log).toContainEqual({ level: "warning", message: told[0]!.message });
    expect(supervisor.driverCrash).toBe(told[0]);
    await clock.advance(60_000);
    await last().die();
    await clock.advance(300);
    await greet();
    expect(gpusOf).toEqual([true, true, false, false]);
    expect(told).toHaveLength(1);
  });

  it("leaves the models to the processor, whatever device was asked for, and every load says why", async () => {
    await fallBack();
    const load = later(supervisor.load({ ...params("a"), device: "Vulkan0" }));
    await settle();
    expect(last().loads[0]!.params.device).toBe("cpu");
    last().loads[0]!.answer.resolve({ notices: ["something else"] } as never);
    expect((await load).notices).toEqual([
      "The GPU's driver crashed Octet's worker (signal SIGABRT), so the processor is used. Update the driver; Octet: Restart Worker tries the GPU again.",
      "something else",
    ]);
  });

  it("is tried again after a reset", async () => {
    await fallBack();
    const stopped = supervisor.stop();
    await last().die();
    await stopped;
    supervisor.reset();
    expect(supervisor.driverCrash).toBeNull();
    void later(supervisor.hello());
    await settle();
    expect(gpusOf.at(-1)).toBe(true);
  });

  it("is not blamed for one death, nor for deaths of workers that had answered and computed on the processor", async () => {
    void later(supervisor.hello());
    await dieAtStart();
    await greet();
    for (let crash = 0; crash < 3; crash++) {
      await last().die();
      await clock.advance(300);
      await greet();
    }
    await last().die();
    expect(gpusOf).toEqual([true, true, true, true, true]);
    expect(told).toEqual([]);
  });

  /** `count` workers die with a pair on the GPU, `everyMs` apart. */
  async function dieComputing(count: number, { everyMs = 60_000, signal = "SIGSEGV" }: { everyMs?: number; signal?: NodeJS.Signals } = {}): Promise<void> {
    for (let crash = 0; crash < count; crash++) {
      await clock.advance(everyMs - 300);
      last().onGpu = true;
      await last().die(signal);
      await clock.advance(300);
      await greet();
      if (last().loads.length > 0) await finishLoad();
    }
  }

  it("is left alone where three workers crash in ten minutes as they compute on it", async () => {
    await readyWith("a");
    await dieComputing(2);
    expect(gpusOf).toEqual([true, true, true]);
    expect(told).toEqual([]);
    await dieComputing(1);
    expect(gpusOf).toEqual([true, true, true, false]);
    expect(told.map(({ message }) => message)).toEqual(["Octet's worker failed 3 times as it computed on the GPU (signal SIGSEGV), so the processor is used"]);
    expect(last().loads[0]!.params.device).toBe("cpu");
    supervisor.reset();
    await dieComputing(1);
    expect(gpusOf.at(-1)).toBe(true);
  });

  it("is not blamed where that took longer, or somebody else ended them", async () => {
    await readyWith("a");
    await dieComputing(6, { everyMs: 5 * 60_000 });
    await dieComputing(6, { signal: "SIGKILL" });
    expect(new Set(gpusOf)).toEqual(new Set([true]));
    expect(told).toEqual([]);
  });

  it("is not blamed where the worker dies without it too", async () => {
    const hello = later(supervisor.hello());
    for (let crash = 0; crash < 5; crash++) await dieAtStart();
    await expect(hello).rejects.toMatchObject({ message: expect.stringMatching(/^the worker crashed 5 times/) as string });
    expect(gpusOf).toEqual([true, true, false, false, false]);
    expect(told).toEqual([]);
    expect(supervisor.state.state).toBe("failed");
  });

  it("that only keeps the worker waiting is left alone too", async () => {
    void later(supervisor.hello());
    await settle();
    await clock.advance(2000 + 100);
    await clock.advance(2000 + 200);
    await greet();
    expect(gpusOf).toEqual([true, true, false]);
    expect(told).toHaveLength(1);
    expect(told[0]!.message).toBe("the GPU's driver hangs and keeps Octet's worker from starting, so the processor is used");
  });

  it("that keeps another worker of a host waiting, which a window with a worker was to get for its models, is left alone too", async () => {
    await readyWith("a");
    for (const hung of [1, 2]) {
      const load = later(supervisor.load(params("b")));
      await settle();
      await last().die("SIGKILL", undefined, { hung });
      await expect(load).rejects.toMatchObject({ code: "workerDied" });
      await clock.advance(300);
      await greet(); // of the worker that others hold
    }
    expect(gpusOf).toEqual([true, true, false]);
    expect(told.map(({ message }) => message)).toEqual(["the GPU's driver hangs and keeps Octet's worker from starting, so the processor is used"]);
  });

  it("is told of where the setting was cpu as the worker came, and no longer is", async () => {
    void later(supervisor.hello());
    await dieAtStart();
    await dieAtStart();
    wants = false;
    await greet();
    expect(told).toEqual([]);
    wants = true;
    await supervisor.hello();
    expect(gpusOf).toEqual([true, true, false]);
    expect(told).toHaveLength(1);
    expect(supervisor.driverCrash).toBe(told[0]);
  });
});

describe("a worker for the processor alone", () => {
  it("is started without drivers, and nothing is said", async () => {
    wants = false;
    void later(supervisor.hello());
    await dieAtStart();
    await dieAtStart();
    await greet();
    expect(gpusOf).toEqual([false, false, false]);
    expect(told).toEqual([]);
    expect(supervisor.driverCrash).toBeNull();
  });

  it.each([[true, false], [false, true]])("takes the other's place, or makes way, for the next load where the setting changes (%s to %s)", async (before, after) => {
    wants = before;
    await readyWith("a");
    const first = last();
    wants = after;
    const generating = later(supervisor.generate(generation));
    await settle();
    first.generations[0]!.resolve(written);
    expect(await generating).toBe(written); // what is loaded serves until then
    const load = later(supervisor.load(params("a")));
    await settle();
    expect(first.calls.at(-1)).toBe("leave");
    expect(workers).toHaveLength(1);
    first.shutdownAnswer.resolve();
    await first.die();
    await greet();
    await finishLoad();
    await load;
    expect(gpusOf).toEqual([before, after]);
    expect(supervisor.state).toMatchObject({ state: "ready", loaded: { target: { path: "a" } } });
  });
});

describe("a driver that crashes the worker while models load", () => {
  it("is out of the way once the setting says cpu, though the worker was given up", async () => {
    for (let crash = 0; crash < 5; crash++) {
      const load = later(supervisor.load(params("a")));
      await greet();
      await last().die();
      await clock.advance(300);
      await expect(load).rejects.toMatchObject({ code: "workerDied" });
    }
    expect(supervisor.state.state).toBe("failed");
    await expect(supervisor.load(params("a"))).rejects.toMatchObject({ message: expect.stringMatching(/^the worker crashed 5 times/) as string });
    expect(workers).toHaveLength(5);
    wants = false;
    const load = supervisor.load(params("a"));
    await greet();
    await finishLoad();
    await load;
    expect(gpusOf).toEqual([true, true, true, true, true, false]);
    expect(supervisor.state.state).toBe("ready");
  });
});

describe("a load that goes on in the driver after it was cancelled", () => {
  it("is ended with its worker, and the next finds another", async () => {
    await readyWith("a");
    last().deaf = true;
    const cancel = new AbortController();
    const stuck = later(supervisor.load(params("b"), { signal: cancel.signal }));
    await settle();
    cancel.abort();
    await clock.advance(4999);
    expect(last().calls.at(-1)).toBe("load b");
    await clock.advance(1);
    expect(last().calls.at(-1)).toBe("shutdown");
    await clock.advance(3000);
    expect(last().calls.at(-1)).toBe("kill");
    await expect(stuck).rejects.toMatchObject({ code: "cancelled" });
    const next = supervisor.load(params("c"));
    await greet();
    await finishLoad();
    await next;
    expect(workers).toHaveLength(2);
    expect(supervisor.state).toMatchObject({ state: "ready", loaded: { target: { path: "c" } } });
    expect(clock.pending).toEqual([]);
  });

  it("is left alone where it ends, or was not cancelled", async () => {
    await readyWith("a");
    last().deaf = true;
    const cancel = new AbortController();
    const slow = supervisor.load(params("b"), { signal: cancel.signal });
    await settle();
    await clock.advance(60_000);
    cancel.abort();
    await clock.advance(4000);
    await finishLoad();
    await slow;
    await clock.advance(60_000);
    expect(last().calls).not.toContain("shutdown");
    expect(workers).toHaveLength(1);
  });
});

describe("a worker that is still starting", () => {
  it.each([[true, false], [false, true]])("makes way where the setting changes, and whoever waits gets the other (%s to %s)", async (before, after) => {
    wants = before;
    const waiting = supervisor.hello();
    await settle();
    wants = after;
    const load = later(supervisor.load(params("a")));
    await settle();
    expect(workers).toHaveLength(1);
    expect(last().calls.at(-1)).toBe("leave");
    await clock.advance(3000);
    expect(workers[0]!.calls.at(-1), "a driver that hangs hears of no shutdown").toBe("kill");
    await greet();
    await finishLoad();
    await Promise.all([load, waiting]);
    expect(gpusOf).toEqual([before, after]);
    expect(supervisor.state).toMatchObject({ state: "ready", loaded: { target: { path: "a" } } });
    expect(told).toEqual([]);
  });
});
