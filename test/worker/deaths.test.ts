// What happens when a process goes away: the worker is killed, crashes, cannot start, or loses its parent.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import type { LogParams } from "../../protocol/worker";
import {
  addons, atEnd, bundle, isAlive, parentScript, pretended, request, start, startLoaded, supervise, until, useWorkerBundle, type Addon,
} from "./harness";

useWorkerBundle();

const withTarget = (addon: Addon, target: string): Addon => ({ ...addon, load: { ...addon.load, target } });

describe.each(addons)("with the $name addon", (addon) => {
  it("a worker killed while generating rejects the request, is started again and loads its models again", async () => {
    const { supervisor, started, states } = supervise(addon);
    await supervisor.load(addon.load);
    const first = supervisor.pid!;
    await expect(
      supervisor.generate(request(), { onProgress: ({ steps }) => void (steps.length > 0 && process.kill(first, "SIGKILL")) }),
    ).rejects.toMatchObject({ code: "workerDied", message: "the worker stopped (signal SIGKILL)" });
    const result = await supervisor.generate(request({ maxTokens: 4 }));
    expect(result.totals.tokens).toBe(32);
    expect(supervisor.pid).not.toBe(first);
    expect(isAlive(first)).toBe(false);
    expect(started).toHaveLength(2);
    expect(states).toEqual(["starting", "ready", "loading", "ready", "restarting", "starting", "ready", "loading", "ready"]);
    expect(supervisor.state.loaded?.target.path).toBe(addon.load.target);
    await supervisor.dispose();
    expect(started.map(({ pid }) => isAlive(pid!))).toEqual([false, false]);
    expect((await started[1]!.exited).exit).toMatchObject({ code: 0, signal: null });
  });

  it("an idle worker that was killed comes back with its models", async () => {
    const { supervisor } = supervise(addon);
    await supervisor.load(addon.load);
    const first = supervisor.pid!;
    process.kill(first, "SIGKILL");
    expect(await until(() => supervisor.pid !== undefined && supervisor.pid !== first && supervisor.state.loaded !== null)).toBe(true);
    await supervisor.dispose();
  });

  describe.each(["idle", "generating", "loading"] as const)("a parent killed while the worker is %s", (mode) => {
    it("takes the worker with it", async () => {
      const { parent, worker } = await family(addon, mode);
      expect(isAlive(worker)).toBe(true);
      parent.kill("SIGKILL");
      expect(await until(() => !isAlive(worker))).toBe(true);
    });
  });
});

describe("with a load that holds a native thread", () => {
  const hanging = withTarget(pretended, "/models/hangPool.gguf");

  it("a killed parent still takes the worker with it", async () => {
    const { parent, worker } = await family(hanging, "loading");
    await pause(200);
    expect(isAlive(worker)).toBe(true);
    parent.kill("SIGKILL");
    expect(await until(() => !isAlive(worker))).toBe(true);
  });

  it("a stop ends the worker by force", async () => {
    const { supervisor } = supervise(hanging, { shutdownMs: 500 });
    const load = supervisor.load(hanging.load, { onProgress: ({ phase }) => phase === "target" && reached() });
    let reached!: () => void;
    const outcome = expect(load).rejects.toMatchObject({ code: "workerDied" });
    await new Promise<void>((resolve) => (reached = resolve));
    const pid = supervisor.pid!;
    expect(await until(() => holdsThread(pid))).toBe(true); // past the last moment at which the load could be cancelled
    await supervisor.stop();
    expect(isAlive(pid)).toBe(false);
    await outcome;
    expect(supervisor.state.state).toBe("stopped");
  });
});

it("a killed parent takes the worker with it while native code keeps its JavaScript thread", async () => {
  const { parent, worker } = await family(withTarget(pretended, "/models/hangJs.gguf"), "loading");
  await pause(200);
  expect(isAlive(worker)).toBe(true);
  parent.kill("SIGKILL");
  expect(await until(() => !isAlive(worker))).toBe(true);
});

it("a crash while loading names the file and is not tried again", async () => {
  const { supervisor, started } = supervise(pretended);
  await supervisor.load(pretended.load);
  const broken = { ...pretended.load, draft: "/models/crash-draft.gguf" };
  await expect(supervisor.load(broken)).rejects.toMatchObject({
    code: "workerDied",
    message: "the worker stopped while loading /models/crash-draft.gguf (signal SIGKILL)",
    advice: "The file is probably damaged, or memory ran out.",
  });
  await expect(supervisor.generate(request())).rejects.toMatchObject({ code: "notLoaded" });
  expect(await until(() => supervisor.state.state === "ready")).toBe(true);
  expect(started).toHaveLength(2);
  await supervisor.load(pretended.load);
  await supervisor.dispose();
});

it("five fast crashes are enough: it gives up with advice, until it is asked again", async () => {
  const { supervisor, started, states } = supervise(pretended, {}, { OCTET_FAKE_CRASH: "1" });
  const log: LogParams[] = [];
  supervisor.onLog((line) => void log.push(line));
  await expect(supervisor.load(pretended.load)).rejects.toMatchObject({
    code: "workerDied",
    message: "the worker crashed 5 times in a row; the last time, the worker stopped (signal SIGKILL)",
    advice: expect.stringMatching(/\.$/) as string,
  });
  expect(started).toHaveLength(5);
  expect(states.filter((state) => state === "restarting")).toHaveLength(4);
  expect(supervisor.state.state).toBe("failed");
  expect(log.filter(({ level }) => level === "error").length).toBeGreaterThanOrEqual(5);
  await expect(supervisor.hello()).rejects.toMatchObject({ code: "workerDied" });
  expect(started).toHaveLength(5);
  supervisor.reset();
  expect(supervisor.state.state).toBe("stopped");
  await expect(supervisor.hello()).rejects.toMatchObject({ code: "workerDied" });
  expect(started).toHaveLength(10);
  await supervisor.dispose();
});

it("a worker without its addon says so, and is not tried again", async () => {
  const lines: LogParams[] = [];
  const { supervisor, started } = supervise(pretended, {}, { OCTET_ADDON: "/no/such/octet.node" });
  supervisor.onLog((line) => void lines.push(line));
  await expect(supervisor.load(pretended.load)).rejects.toMatchObject({
    code: "internal", message: "the native addon is missing: /no/such/octet.node", advice: expect.stringContaining("Reinstall") as string,
  });
  expect(supervisor.state).toMatchObject({ state: "failed", reason: "the native addon is missing: /no/such/octet.node" });
  expect(lines).toContainEqual({ level: "error", message: "the native addon is missing: /no/such/octet.node" });
  expect(started).toHaveLength(1);
  expect(await until(() => !isAlive(started[0]!.pid!))).toBe(true);
  await supervisor.dispose();
});

it("an addon that cannot be loaded or initialised is a clear error", async () => {
  await expect(start(pretended, { OCTET_ADDON: bundle() }).hello()).rejects.toMatchObject({ code: "internal" });
  await expect(start(pretended, { OCTET_FAKE_INIT: "1" }).hello())
    .rejects.toMatchObject({ code: "internal", message: "no llama.cpp backend was found", advice: "Reinstall Octet." });
});

it("a bundle that is missing ends in the same way as a crash", async () => {
  const { supervisor, started } = supervise(pretended, {}, {}, "/no/such/worker.js");
  await expect(supervisor.hello()).rejects.toMatchObject({ code: "workerDied", message: expect.stringContaining("exit code 1") as string });
  expect((await started[0]!.exited).exit.lastWords).toContain("/no/such/worker.js");
  await supervisor.dispose();
});

it("a fault that nobody caught is logged, with exit code 70", async () => {
  const client = await startLoaded(pretended);
  const lines: LogParams[] = [];
  client.onLog((line) => void lines.push(line));
  await expect(client.generate(request({ prompt: { kind: "text", text: "uncaught" } })))
    .rejects.toMatchObject({ code: "workerDied", message: "the worker stopped (exit code 70)" });
  expect(lines).toContainEqual({ level: "error", message: expect.stringContaining("a fault nobody caught") as string });
});

it("an idle worker frees its models and loads them again when asked", async () => {
  const { supervisor, started } = supervise(pretended, { idleUnloadMs: 150 });
  await supervisor.load(pretended.load);
  await supervisor.generate(request({ maxTokens: 4 }));
  expect(supervisor.state.loaded).not.toBeNull();
  expect(await until(() => supervisor.state.loaded === null)).toBe(true);
  expect(supervisor.state).toMatchObject({ state: "ready", reason: "unloaded after a time without requests" });
  expect(await supervisor.status()).toMatchObject({ state: "empty" });
  expect((await supervisor.generate(request({ maxTokens: 4 }))).totals.tokens).toBe(32);
  expect(started).toHaveLength(1);
  await supervisor.dispose();
});

/** A parent process with a worker in the given state. */
async function family(addon: Addon, mode: "idle" | "generating" | "loading"): Promise<{ parent: { kill(signal: "SIGKILL"): void }; worker: number }> {
  const orders = JSON.stringify({ bundle: bundle(), mode, load: addon.load, generate: request({ maxTokens: 2000 }) });
  const parent = spawn(process.execPath, [parentScript(), orders], {
    env: { ...process.env, OCTET_ADDON: addon.file },
    stdio: ["ignore", "pipe", "inherit"],
  });
  atEnd(() => parent.kill("SIGKILL"));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(parent.stdout).once("line", resolve).once("close", () => reject(new Error("the parent said nothing")));
  });
  atEnd(() => isAlive(Number(line)) && process.kill(Number(line), "SIGKILL"));
  return { parent: { kill: (signal) => void parent.kill(signal) }, worker: Number(line) };
}

/** The pretended addon reads from a pipe of this name, to which nobody writes. */
function holdsThread(pid: number): boolean {
  return readdirSync(tmpdir()).some((name) => name.startsWith(`octet-fake-${pid}-`));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
