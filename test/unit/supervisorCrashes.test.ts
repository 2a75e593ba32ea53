// The supervisor's decisions after a worker's death.
import { describe, expect, it } from "vitest";
import { OctetError } from "../../extension/worker/errors";
import { HELLO, settle } from "./supervisorFakes";
import { clock, finishLoad, generation, greet, last, later, params, readyWith, supervisor, workers, written } from "./supervisorFixture";

describe("after another window has ended the worker", () => {
  it("starts again at once, as often as that happens, and with the models", async () => {
    const lines: string[] = [];
    supervisor.onLog(({ level }) => void lines.push(level));
    await readyWith("a");
    for (let end = 1; end <= 6; end++) {
      await last().die("SIGKILL", "the worker stopped (another window ended it)", { byAnother: true });
      expect(clock.pending).toEqual([0]);
      await clock.advance(0);
      await greet();
      expect(last().calls).toEqual(["hello", "load a"]);
      await finishLoad();
    }
    expect(workers.length).toBe(7);
    expect(new Set(lines)).toEqual(new Set(["info"]));
    await last().die();
    expect(clock.pending).toEqual([100]);
  });
});

describe("after a crash", () => {
  it("waits longer each time, up to a bound, and gives up after the fifth", async () => {
    const hello = later(supervisor.hello());
    await settle();
    for (const wait of [100, 200, 300, 300]) {
      await last().die();
      expect(supervisor.state).toMatchObject({ state: "restarting", reason: "the worker stopped (signal SIGSEGV)" });
      expect(clock.pending).toEqual([wait]);
      const before = workers.length;
      await clock.advance(wait - 1);
      expect(workers.length).toBe(before);
      await clock.advance(1);
      expect(workers.length).toBe(before + 1);
    }
    await last().die();
    await expect(hello).rejects.toMatchObject({ code: "workerDied", message: expect.stringMatching(/5 times.*SIGSEGV/) as string });
    await expect(hello).rejects.toHaveProperty("advice");
    expect(supervisor.state.state).toBe("failed");
    await clock.advance(100_000);
    await expect(supervisor.load(params("a"))).rejects.toMatchObject({ code: "workerDied" });
    await expect(supervisor.generate(generation)).rejects.toMatchObject({ code: expect.any(String) as string });
    expect(workers.length).toBe(5);
  });

  it("starts again after a reset", async () => {
    void later(supervisor.hello());
    await settle();
    for (let crash = 0; crash < 5; crash++) {
      await last().die();
      await clock.advance(300);
    }
    expect(supervisor.state.state).toBe("failed");
    supervisor.reset();
    expect(supervisor.state.state).toBe("stopped");
    const again = later(supervisor.hello());
    await greet();
    expect(await again).toBe(HELLO);
    expect(workers.length).toBe(6);
    await last().die();
    expect(clock.pending).toEqual([100]);
  });

  it("does not wait when it is reset meanwhile", async () => {
    void later(supervisor.hello());
    await settle();
    await last().die();
    supervisor.reset();
    await settle();
    expect(workers.length).toBe(2);
    await greet();
    expect(clock.pending).toEqual([]);
    expect(supervisor.state.state).toBe("ready");
  });

  it("forgives crashes that are far apart", async () => {
    await readyWith("a");
    for (let crash = 0; crash < 20; crash++) {
      await clock.advance(10_000);
      await last().die();
      expect(clock.pending).toEqual([100]);
      await clock.advance(100);
      await greet();
      await finishLoad();
    }
    expect(supervisor.state).toMatchObject({ state: "ready", loaded: { target: { path: "a" } } });
  });

  it("counts a crash in a long load as fast", async () => {
    await readyWith("a");
    await clock.advance(60_000);
    for (let crash = 1; crash < 5; crash++) {
      await last().die();
      expect(supervisor.state.state).toBe("restarting");
      await clock.advance(300);
      await greet();
      await clock.advance(60_000);
      expect(supervisor.state.state).toBe("loading");
    }
    await last().die();
    expect(supervisor.state.state).toBe("failed");
    expect(workers.length).toBe(5);
  });

  it("rejects what was under way, loads again, and keeps what came meanwhile", async () => {
    await readyWith("a");
    const lost = later(supervisor.generate(generation));
    await settle();
    await last().die("SIGKILL");
    await expect(lost).rejects.toMatchObject({ code: "workerDied" });
    const waiting = later(supervisor.generate(generation));
    await clock.advance(100);
    await greet();
    expect(last().calls).toEqual(["hello", "load a"]);
    await finishLoad();
    expect(last().calls).toEqual(["hello", "load a", "generate"]);
    last().generations[0]!.resolve(written);
    expect(await waiting).toBe(written);
  });

  it("does not load again what crashed the worker when it was asked for", async () => {
    await readyWith("good");
    const load = later(supervisor.load(params("bad")));
    await settle();
    await last().die("SIGSEGV", "the worker stopped while loading bad (signal SIGSEGV)");
    await expect(load).rejects.toMatchObject({ message: "the worker stopped while loading bad (signal SIGSEGV)" });
    expect(supervisor.state.reason).toBe("the worker stopped while loading bad (signal SIGSEGV)");
    await clock.advance(100);
    await greet();
    expect(last().calls).toEqual(["hello"]);
    await expect(supervisor.generate(generation)).rejects.toMatchObject({ code: "notLoaded" });
  });

  it("says so where the models cannot be loaded again, and tries once more when asked", async () => {
    await readyWith("a");
    await last().die();
    await clock.advance(100);
    await greet();
    last().loads[0]!.answer.reject(new OctetError("modelNotFound", "no such file: a"));
    await settle();
    expect(supervisor.state).toEqual({ state: "ready", reason: "no such file: a", loaded: null });
    const next = later(supervisor.generate(generation));
    await settle();
    expect(last().calls).toEqual(["hello", "load a", "load a"]);
    last().loads[1]!.answer.reject(new OctetError("modelNotFound", "no such file: a"));
    await expect(next).rejects.toMatchObject({ code: "modelNotFound" });
  });
});
