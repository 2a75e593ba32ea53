// The command line among other processes: signals, pipes that close, two at once, and nothing left behind.
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { GenerateResult } from "../../protocol/worker";
import { childrenOf, example, folder, hostileAddon, isAlive, root, run, start, startMarked, until, useBuiltCli, withoutProgress, type Outcome, type Running } from "./harness";

useBuiltCli();

const endless = ["generate", example, "--max-tokens", "1800", "-n", "4", "--context", "2048"];

async function workerOf({ child }: Running): Promise<number> {
  await until("the worker", () => childrenOf(child.pid ?? 0).length > 0);
  return childrenOf(child.pid ?? 0)[0] ?? 0;
}

function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return []; // closed meanwhile
    }
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s", (signal) => {
  it("ends with what was written and exit code 130, and no process is left", async () => {
    const running = startMarked([...endless, "--json"]);
    const worker = await workerOf(running);
    await running.reached("step");
    running.child.kill(signal);
    const { code, stdout, stderr } = await running.done;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    const { sequences } = JSON.parse(stdout) as GenerateResult;
    expect(sequences.some((sequence) => sequence.finishReason === "cancelled" && sequence.tokens.length > 0)).toBe(true);
    expect(isAlive(worker)).toBe(false);
  });
});

describe("a cancellation", () => {
  it("at any moment of the start leaves no process and says nothing", async () => {
    for (const delay of [0, 30, 60, 90, 130, 180, 240, 320]) {
      const running = start(endless);
      await pause(delay);
      const children = childrenOf(running.child.pid ?? 0);
      running.child.kill("SIGINT");
      const { code, signal, stderr } = await running.done;
      expect([code === 130, signal === "SIGINT"], `after ${delay} ms: ${code} ${signal} ${stderr}`).toContain(true);
      expect(stderr).toBe("");
      expect(children.filter(isAlive)).toEqual([]);
    }
  });
  it("while standard input is awaited ends at once", async () => {
    let outcome: Outcome | undefined;
    // Where Node.js itself had not yet started, the signal ended it before any code of ours could hear of it.
    for (let wait = 700; wait < 30_000 && outcome?.code !== 130; wait *= 3) {
      const running = start(["generate", "-"]);
      await pause(wait);
      running.child.kill("SIGINT");
      outcome = await running.done;
      expect([outcome.code === 130, outcome.signal === "SIGINT"]).toContain(true);
    }
    expect(outcome).toMatchObject({ code: 130, stdout: "", stderr: "" });
  });
  it.skipIf(process.platform !== "linux")("while a pipe without a writer is awaited ends at once", async () => {
    const pipe = path.join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const args of [[pipe], [example, "--suffix-file", pipe]]) {
      const running = start(["generate", ...args]);
      await until("the pipe's reader", () => openFiles(running.child.pid ?? 0).includes(pipe));
      running.child.kill("SIGINT");
      expect(await running.done).toMatchObject({ code: 130, stdout: "", stderr: "" });
    }
  });
  it.each(["OCTET_HOSTILE_LOAD_MS", "OCTET_HOSTILE_STEP_MS"])("ends soon where a driver goes on and nothing is written yet (%s)", async (slow) => {
    const running = startMarked(["generate", example, "-n", "1"], { OCTET_ADDON: hostileAddon, [slow]: "100000" });
    const worker = await workerOf(running);
    if (slow === "OCTET_HOSTILE_STEP_MS") await running.reached("generate");
    else await pause(1500);
    const before = performance.now();
    running.child.kill("SIGINT");
    expect(await running.done).toMatchObject({ code: 130, stdout: "", stderr: "" });
    expect(performance.now() - before).toBeLessThan(8000); // the deadline of whatever writes is 10 s
    expect(isAlive(worker)).toBe(false);
  });
  it("asked for twice kills at once, whatever the worker does", async () => {
    const running = startMarked(["generate", example, "-n", "1"], { OCTET_ADDON: hostileAddon, OCTET_HOSTILE_STEP_MS: "100000" });
    const worker = await workerOf(running);
    await running.reached("generate");
    running.child.kill("SIGINT");
    await pause(400);
    expect(running.child.exitCode).toBeNull();
    running.child.kill("SIGINT");
    expect((await running.done).code).toBe(130);
    await until("the worker's end", () => !isAlive(worker));
  });
});

it("a worker that does not answer is killed some time after the cancellation", async () => {
  const running = startMarked(["generate", example, "-n", "1"], { OCTET_ADDON: hostileAddon, OCTET_HOSTILE_STEP_MS: "100" });
  const worker = await workerOf(running);
  await running.reached("generate");
  process.kill(worker, "SIGSTOP");
  running.child.kill("SIGINT");
  expect((await running.done).code).toBe(130);
  expect(isAlive(worker)).toBe(false);
});

it("a worker that is killed is one line and exit code 1", async () => {
  const running = startMarked(endless);
  const worker = await workerOf(running);
  await running.reached("step");
  process.kill(worker, "SIGKILL");
  const { code, stdout, stderr } = await running.done;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^octet: the worker stopped[^\n]*\n$/);
});

it("a killed command line takes its worker along", async () => {
  const running = start(endless);
  const worker = await workerOf(running);
  await pause(500);
  running.child.kill("SIGKILL");
  await running.done;
  await until("the worker's end", () => !isAlive(worker));
});

it("a reader that leaves ends it quietly", async () => {
  const cli = path.join(root, "dist", "cli.js");
  const args = "-n 8 --max-tokens 100";
  const shell = spawn("bash", ["-c", `set -o pipefail; '${process.execPath}' '${cli}' generate '${example}' ${args} | head -n 1; echo "codes \${PIPESTATUS[*]}"`]);
  let output = "";
  let errors = "";
  shell.stdout.on("data", (text: Buffer) => (output += text.toString()));
  shell.stderr.on("data", (text: Buffer) => (errors += text.toString()));
  await new Promise((resolve) => shell.on("close", resolve));
  expect(withoutProgress(errors)).toBe("");
  expect(output).toMatch(/^ 1 {2}.*\ncodes 0 0\n$/);
  const gone = start(endless);
  gone.child.stdout.destroy();
  gone.child.kill("SIGINT");
  expect((await gone.done).stderr).toBe("");
});

it.skipIf(process.platform !== "linux")("output that cannot be written is a failure, not a quiet end", async () => {
  const cli = path.join(root, "dist", "cli.js");
  const shell = spawn("bash", ["-c", `'${process.execPath}' '${cli}' generate '${example}' -n 2 --max-tokens 4 > /dev/full`]);
  let errors = "";
  shell.stderr.on("data", (text: Buffer) => (errors += text.toString()));
  expect(await new Promise((resolve) => shell.on("close", resolve))).toBe(1);
  expect(withoutProgress(errors)).toMatch(/^octet: Standard output cannot be written: .*\n$/);
});

it("two at once do not disturb each other", async () => {
  const args = ["generate", example, "-n", "4", "--max-tokens", "40", "--draft-length", "fixed:2", "--kv", "f32", "--temperature", "0", "--json"];
  const [one, two] = await Promise.all([run(args), run(args)]);
  expect([one.code, two.code]).toEqual([0, 0]);
  const texts = [one, two].map(({ stdout }) => (JSON.parse(stdout) as GenerateResult).sequences.map((sequence) => sequence.text));
  expect(texts[0]).toEqual(texts[1]);
});
