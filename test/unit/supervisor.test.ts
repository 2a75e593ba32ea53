// The supervisor's decisions in good order: starting, loading, idling, stopping.
import { getEventListeners } from "node:events";
import { beforeEach, describe, expect, it } from "vitest";
import { OctetError } from "../../extension/worker/errors";
import { HELLO, settle } from "./supervisorFakes";
import { clock, finishLoad, generation, greet, last, later, params, readyWith, states, supervise, supervisor, workers, written } from "./supervisorFixture";

describe("starting", () => {
  it("starts nothing before it is asked", async () => {
    await settle();
    await supervisor.status();
    supervisor.cancelLane("x", 1);
    expect(workers.length).toBe(0);
    expect(supervisor.state).toEqual({ state: "stopped", reason: null, loaded: null });
  });

  it("starts one worker for many who ask at once", async () => {
    const answers = Promise.all([supervisor.hello(), supervisor.hello(), supervisor.load(params("a"))]);
    await greet();
    await finishLoad();
    expect((await answers)[1]).toBe(HELLO);
    expect(workers.length).toBe(1);
    expect(states).toEqual(["starting", "ready", "loading", "ready"]);
  });

  it("lets one who waits give up without stopping the start", async () => {
    const abort = new AbortController();
    const impatient = later(supervisor.hello({ signal: abort.signal }));
    const patient = later(supervisor.hello());
    await settle();
    abort.abort();
    await expect(impatient).rejects.toMatchObject({ code: "cancelled" });
    await greet();
    expect(await patient).toBe(HELLO);
  });

  it("kills a worker that does not say hello, and counts that as a crash", async () => {
    void later(supervisor.hello());
    await settle();
    await clock.advance(1999);
    expect(last().calls).toEqual(["hello"]);
    await clock.advance(1);
    expect(last().calls).toEqual(["hello", "kill"]);
    expect(supervisor.state.state).toBe("restarting");
  });

  it("gives up at once on a worker that answers with an error", async () => {
    const hello = later(supervisor.hello());
    await settle();
    last().greeting.reject(new OctetError("internal", "the native addon is missing", "Reinstall Octet."));
    await expect(hello).rejects.toMatchObject({ message: "the native addon is missing", advice: "Reinstall Octet." });
    expect(supervisor.state).toMatchObject({ state: "failed", reason: "the native addon is missing" });
    expect(last().calls).toContain("kill");
    expect(clock.pending).toEqual([]);
  });

  it("gives up on a worker that cannot be forked", async () => {
    supervise({ start: () => { throw new Error("spawn EMFILE"); } });
    await expect(supervisor.hello()).rejects.toMatchObject({ message: "spawn EMFILE" });
    expect(supervisor.state.state).toBe("failed");
  });
});

describe("loading", () => {
  it("refuses a second load while the first is under way", async () => {
    const first = later(supervisor.load(params("a")));
    await expect(supervisor.load(params("b"))).rejects.toMatchObject({ code: "busy" });
    await greet();
    await finishLoad();
    expect((await first).target.path).toBe("a");
  });

  it("prefers the user's load to a repeated one", async () => {
    await readyWith("a");
    await last().die();
    await clock.advance(100);
    await greet();
    const load = later(supervisor.load(params("b")));
    await settle();
    expect(last().loads[0]!.signal?.aborted).toBe(true);
    expect(last().calls).toEqual(["hello", "load a", "load b"]);
    await finishLoad();
    expect((await load).target.path).toBe("b");
    expect(supervisor.state.loaded?.target.path).toBe("b");
  });

  it("hands a cancellation on", async () => {
    const abort = new AbortController();
    const load = later(supervisor.load(params("a"), { signal: abort.signal }));
    await greet();
    abort.abort();
    await expect(load).rejects.toMatchObject({ code: "cancelled" });
    await settle();
    expect(supervisor.state).toMatchObject({ state: "ready", loaded: null });
    await expect(supervisor.generate(generation)).rejects.toMatchObject({ code: "notLoaded" });
  });

  it("keeps the old pair where the new one's params were refused, and drops it where the load failed", async () => {
    await readyWith("a");
    const refused = later(supervisor.load(params("b")));
    await settle();
    last().loads[1]!.answer.reject(new OctetError("badParams", "lanes is 99"));
    await expect(refused).rejects.toMatchObject({ code: "badParams" });
    expect(supervisor.state.loaded?.target.path).toBe("a");
    const failed = later(supervisor.load(params("c")));
    await settle();
    last().loads[2]!.answer.reject(new OctetError("modelDamaged", "not a GGUF file"));
    await expect(failed).rejects.toMatchObject({ code: "modelDamaged" });
    expect(supervisor.state).toEqual({ state: "ready", reason: "not a GGUF file", loaded: null });
    await expect(supervisor.generate(generation)).rejects.toMatchObject({ code: "notLoaded" });
  });

  it("forgets the pair when it is unloaded", async () => {
    await readyWith("a");
    await supervisor.unload();
    expect(last().calls).toContain("unload");
    expect(supervisor.state.loaded).toBeNull();
    await expect(supervisor.generate(generation)).rejects.toMatchObject({ code: "notLoaded" });
    await last().die();
    await clock.advance(100);
    await greet();
    expect(last().calls).toEqual(["hello"]);
  });
});

describe("when idle", () => {
  beforeEach(() => supervise({ idleUnloadMs: 60_000 }));

  it("unloads after the last request, not during one, and loads again for the next", async () => {
    await readyWith("a");
    await clock.advance(59_999);
    const running = later(supervisor.generate(generation));
    await settle();
    await clock.advance(600_000);
    expect(last().calls).not.toContain("unload");
    last().generations[0]!.resolve(written);
    await running;
    await clock.advance(59_999);
    expect(last().calls).not.toContain("unload");
    await clock.advance(1);
    expect(last().calls.at(-1)).toBe("unload");
    expect(supervisor.state).toMatchObject({ state: "ready", loaded: null });
    void later(supervisor.generate(generation));
    await settle();
    expect(last().calls.at(-1)).toBe("load a");
  });

  it("is not idle while one of two requests goes on", async () => {
    await readyWith("a");
    const [short, long] = [supervisor.generate(generation), later(supervisor.generate(generation))];
    await settle();
    last().generations[0]!.resolve(written);
    await short;
    await clock.advance(600_000);
    expect(last().calls).not.toContain("unload");
    last().generations[1]!.resolve(written);
    await long;
    await clock.advance(60_000);
    expect(last().calls.at(-1)).toBe("unload");
  });

  it("does not load again after a crash what was unloaded for idleness", async () => {
    await readyWith("a");
    await last().die();
    await clock.advance(100);
    await greet();
    await finishLoad();
    await clock.advance(60_000);
    await last().die();
    await clock.advance(100);
    await greet();
    expect(last().calls).toEqual(["hello"]);
  });
});

describe("stopping", () => {
  it("lets go of the worker when the window closes: others may use it", async () => {
    await readyWith("a");
    void supervisor.dispose();
    expect(last().calls.at(-1)).toBe("leave");
  });

  it("shuts down in good order and starts again when asked", async () => {
    await readyWith("a");
    const first = last();
    const stopped = supervisor.stop();
    expect(supervisor.state.state).toBe("stopped");
    expect(first.calls.at(-1)).toBe("shutdown");
    const next = later(supervisor.generate(generation));
    await settle();
    expect(workers.length).toBe(1); // never two at once
    first.shutdownAnswer.resolve();
    await first.die("SIGTERM");
    await stopped;
    expect(first.calls).not.toContain("kill");
    await greet();
    await finishLoad();
    last().generations[0]!.resolve(written);
    expect(await next).toBe(written);
    expect(workers.length).toBe(2);
  });

  it("kills a worker that does not go", async () => {
    await readyWith("a");
    const stopped = supervisor.stop();
    await clock.advance(2999);
    expect(last().calls).not.toContain("kill");
    await clock.advance(1);
    expect(last().calls.at(-1)).toBe("kill");
    await stopped;
    expect(states.at(-1)).toBe("stopped");
  });

  it("ends a wait for a restart", async () => {
    const hello = later(supervisor.hello());
    await settle();
    await last().die();
    expect(clock.pending).toHaveLength(1);
    await supervisor.stop();
    await expect(hello).rejects.toMatchObject({ code: "workerDied", message: "the worker was stopped" });
    expect(clock.pending).toEqual([]);
    await clock.advance(100_000);
    expect(workers.length).toBe(1);
  });

  it("is not undone by a hello that comes late", async () => {
    void later(supervisor.hello());
    await settle();
    const stopped = supervisor.stop();
    await greet();
    expect(supervisor.state.state).toBe("stopped");
    await last().die("SIGTERM");
    await stopped;
    expect(supervisor.state.state).toBe("stopped");
  });

  it("starts nothing for a stop that overtakes the start", async () => {
    await readyWith("a");
    const first = supervisor.stop();
    void later(supervisor.hello());
    const second = supervisor.stop();
    await last().die("SIGTERM");
    await Promise.all([first, second]);
    await settle();
    expect(workers.length).toBe(1);
    expect(supervisor.state.state).toBe("stopped");
  });
});

it("leaves no listener on a signal that is never aborted", async () => {
  const { signal } = new AbortController();
  const load = supervisor.load(params("a"), { signal });
  const running = supervisor.generate(generation, { signal });
  await greet();
  await finishLoad();
  await load;
  last().generations[0]!.resolve(written);
  await running;
  await supervisor.hello({ signal });
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

it("hands the worker's log on, with a line for each crash", async () => {
  const lines: string[] = [];
  supervisor.onLog(({ message }) => void lines.push(message));
  await readyWith("a");
  last().logEmitter.fire({ level: "info", message: "four threads" });
  await last().die();
  expect(lines).toEqual(["four threads", "the worker stopped (signal SIGSEGV)"]);
});
