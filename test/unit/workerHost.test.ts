// Which worker a window gets, and what becomes of one that windows leave: with pretended workers and a pretended clock.

import { describe, expect, it } from "vitest";
import type { LoadParams } from "../../protocol/worker";
import { OctetError } from "../../extension/worker/errors";
import { HELLO, settle } from "./supervisorFakes";
import { generation, later, params } from "./supervisorFixture";
import { answer, clock, code, empty, gpusOf, HELLO_MS, holding, host, keepSilent, LINGER_MS, open, SHUTDOWN_MS, workers } from "./workerHostFixture";

describe("a hello", () => {
  it("is the worker's first for every window: its free memory is that without the models that others have loaded since", async () => {
    const [one, two] = [open(), open()];
    expect(await one.seat.hello()).toBe(HELLO);
    expect(await two.seat.hello()).toBe(HELLO);
    expect(workers[0]!.calls.filter((call) => call === "hello")).toHaveLength(1);
  });
});

describe("a load", () => {
  it("that two windows begin at the same moment with different models never meets another in one worker", async () => {
    const [one, two] = [open(), open()];
    const loads = [one.seat.load(params("a")), two.seat.load(params("b"))];
    await settle();
    expect(workers.map(({ loads }) => loads.map(({ params }) => params.target))).toEqual([["a"], ["b"]]);
    await Promise.all(workers.map(answer));
    expect((await Promise.all(loads)).map(({ target }) => target.path)).toEqual(["a", "b"]);
  });

  it("waits for the end of one that nobody wants any more, rather than need memory for both", async () => {
    const one = open();
    const abort = new AbortController();
    workers[0]!.deaf = true;
    const first = code(one.seat.load(params("a"), { signal: abort.signal }));
    await settle();
    abort.abort();
    const two = open();
    const second = later(two.seat.load(params("b")));
    const third = code(open().seat.load(params("a")));
    await settle();
    expect(workers).toHaveLength(1);
    expect(workers[0]!.loads).toHaveLength(1);
    workers[0]!.loads[0]!.answer.reject(new OctetError("cancelled", "the load was cancelled"));
    await settle();
    expect(await first).toBe("cancelled");
    expect(workers[0]!.loads.at(-1)!.params.target).toBe("b");
    await Promise.all(workers.map(answer));
    expect((await second).target.path).toBe("b");
    expect(await third).toBe("done");
  });

  it("refused for its parameters leaves a window what it had", async () => {
    const [one, two] = [await holding("a"), await holding("a")];
    expect(workers).toHaveLength(1);
    const refused = code(two.seat.load(params("b")));
    await settle();
    expect(two.attached).toEqual([1, 2]);
    workers[1]!.loads[0]!.answer.reject(new OctetError("badParams", "lanes: 99"));
    expect(await refused).toBe("badParams");
    expect(two.attached).toEqual([1, 2, 1]);
    void later(two.seat.generate(generation));
    void later(one.seat.generate(generation));
    expect(workers[0]!.generations).toHaveLength(2);
  });

  it("that fails leaves a window nothing, and the models it had to the others", async () => {
    const [one, two] = [await holding("a"), await holding("a")];
    const failed = code(two.seat.load(params("b")));
    await settle();
    workers[1]!.loads[0]!.answer.reject(new OctetError("modelDamaged", "cut short"));
    expect(await failed).toBe("modelDamaged");
    expect(await code(two.seat.generate(generation))).toBe("notLoaded");
    await clock.advance(2 * LINGER_MS);
    expect(workers[0]!.calls).not.toContain("unload");
    void later(one.seat.generate(generation));
    expect(workers[0]!.generations).toHaveLength(1);
  });

  it("that fails has dropped what the worker held: the next window loads it anew", async () => {
    const one = await holding("a");
    const failed = code(one.seat.load(params("b")));
    await settle();
    workers[0]!.loads[1]!.answer.reject(new OctetError("modelDamaged", "cut short"));
    expect(await failed).toBe("modelDamaged");
    const again = later(open().seat.load(params("a")));
    await settle();
    expect(workers[0]!.loads.map(({ params }) => params.target)).toEqual(["a", "b", "a"]);
    await answer(workers[0]!);
    await again;
  });

  it("elsewhere lets go of what a window had", async () => {
    const [one, two] = [await holding("a"), await holding("a")];
    const moved = two.seat.load(params("b"));
    await settle();
    await answer(workers[1]!);
    await moved;
    expect(await one.seat.unload()).toEqual({ inUse: 0 });
    expect(workers[0]!.calls.at(-1)).toBe("unload");
  });

  it("waits for the end of a worker that leaves with its models, rather than need memory for both", async () => {
    const one = await holding("a");
    one.seat.close();
    await clock.advance(LINGER_MS);
    expect(workers[0]!.calls.at(-1)).toBe("shutdown");
    const load = code(open().seat.load(params("a")));
    await settle();
    expect(workers[1]!.loads).toHaveLength(0);
    await workers[0]!.die();
    await answer(workers[1]!);
    expect(await load).toBe("done");
  });

  it("goes to a worker that nobody uses any more before another is started", async () => {
    const one = await holding("a");
    one.seat.close();
    const two = open(); // attached to it, for want of another
    await later(Promise.race([two.seat.load(params("b")), settle()]));
    expect(workers).toHaveLength(1);
    expect(workers[0]!.loads.map(({ params }: { params: LoadParams }) => params.target)).toEqual(["a", "b"]);
  });
});

describe("what nobody uses", () => {
  it("is ended after a moment, by force where it does not leave", async () => {
    const one = await holding("a");
    one.seat.close();
    await clock.advance(LINGER_MS - 1);
    expect(workers[0]!.calls).not.toContain("shutdown");
    await clock.advance(1);
    expect(workers[0]!.calls.at(-1)).toBe("shutdown");
    await clock.advance(SHUTDOWN_MS);
    expect(workers[0]!.calls.at(-1)).toBe("kill");
    expect([host.isEmpty, empty]).toEqual([true, 1]);
  });

  it("waits anew after each window that leaves", async () => {
    const one = await holding("a");
    one.seat.close();
    await clock.advance(LINGER_MS / 2);
    const two = await holding("a");
    two.seat.close();
    await clock.advance(LINGER_MS / 2);
    expect(workers[0]!.calls).not.toContain("shutdown");
    await clock.advance(LINGER_MS / 2);
    expect(workers[0]!.calls).toContain("shutdown");
  });

  it("is unloaded where windows are attached that let go of it, and kept where one holds it", async () => {
    const [one, two] = [await holding("a"), await holding("a")];
    expect(await one.seat.unload()).toEqual({ inUse: 1 });
    two.seat.close();
    await clock.advance(LINGER_MS);
    expect(workers[0]!.calls.filter((call) => call === "unload")).toHaveLength(1);
    expect(workers[0]!.calls).not.toContain("shutdown");
    const again = one.seat.load(params("a"));
    await settle();
    await answer(workers[0]!);
    await again;
    await clock.advance(5 * LINGER_MS);
    expect(workers[0]!.calls.filter((call) => call === "unload")).toHaveLength(1);
  });
});

describe("a window", () => {
  it("that is closed ends what it runs, and its load unless another waits for it", async () => {
    const [one, two] = [open(), open()];
    const loads = [code(one.seat.load(params("a"))), code(two.seat.load(params("a")))];
    await settle();
    expect(workers[0]!.loads).toHaveLength(1);
    one.seat.close();
    expect(await loads[0]).toBe("cancelled");
    expect(workers[0]!.loads[0]!.signal?.aborted).toBe(false);
    two.seat.close();
    expect(workers[0]!.loads[0]!.signal?.aborted).toBe(true);
  });

  it("that is told of no hello from the worker for its load is told of that worker's end", async () => {
    await holding("a");
    const two = open();
    keepSilent();
    const load = code(two.seat.load(params("b")));
    await clock.advance(HELLO_MS - 1);
    expect(two.exit).toBe(null);
    await clock.advance(1);
    expect(two.exit?.signal).toBe("SIGKILL");
    expect(await load).toBe("workerDied");
  });

  it("is told of a worker that hung before its hello as the one that killed it is, and of how many did in a row", async () => {
    keepSilent();
    for (const hung of [1, 2]) {
      const windows = [open(), open()];
      windows[0]!.seat.kill(true);
      await settle();
      expect(windows.map(({ exit }) => exit)).toEqual(Array(2).fill({ code: null, signal: "SIGKILL", lastWords: "", hung }));
    }
    const cpu = open(false);
    cpu.seat.kill(true);
    await settle();
    expect(cpu.exit).toEqual({ code: null, signal: "SIGKILL", lastWords: "" });
    const [one, two] = [open(), open()];
    const hello = one.seat.hello();
    workers.at(-1)!.greeting.resolve(HELLO);
    await hello;
    one.seat.kill(true); // it was too busy to hear it
    await settle();
    expect([one.exit?.hung, two.exit?.byAnother]).toEqual([undefined, true]);
    const again = open();
    again.seat.kill(true);
    await settle();
    expect(again.exit?.hung).toBe(1);
  });

  it("hears the log of its own worker, and how it ended", async () => {
    const [one, two] = [open(true), open(false)];
    expect(gpusOf).toEqual([true, false]);
    workers[0]!.logEmitter.fire({ level: "info", message: "of one" });
    workers[1]!.logEmitter.fire({ level: "info", message: "of two" });
    expect([one.logs, two.logs].map((lines) => lines.map(({ message }) => message))).toEqual([["of one"], ["of two"]]);
    await workers[0]!.die("SIGSEGV");
    expect([one.exit?.signal, two.exit]).toEqual(["SIGSEGV", null]);
    expect(open().attached).toEqual([3]);
  });

  it("that comes while the worker is being ended gets another", async () => {
    const [one, two] = [await holding("a"), await holding("a")];
    workers[0]!.deaf = true;
    await one.seat.shutdown();
    expect(open().attached).toEqual([2]);
    await clock.advance(SHUTDOWN_MS);
    expect([one.exit?.byAnother, two.exit?.byAnother]).toEqual([undefined, true]);
  });
});
