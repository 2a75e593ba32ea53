// A window that reads nothing, as one that a debugger has stopped: what waits for it in the worker host is bounded. Real sockets,
// pretended workers.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../extension/worker/async";
import { WorkerClient, type ProgressOptions } from "../../extension/worker/client";
import { serveWindow } from "../../extension/worker/shared/serve";
import { attach } from "../../extension/worker/shared/socketProcess";
import { MOST_FOR_LOG, MOST_WAITING } from "../../extension/worker/shared/windowWriter";
import { WorkerHost } from "../../extension/worker/shared/workerHost";
import type { GenerateParams, GenerateProgressParams, GenerateResult, LoadResult } from "../../protocol/worker";
import { FakeClient, HELLO, settle } from "./supervisorFakes";
import { generation, loaded, params, written } from "./supervisorFixture";

const LINE_BYTES = 1_000;
const PIECE_BYTES = 1 << 20;
/** Beside what the host counts: headers, and one message over the bound. */
const SLACK = 2 * PIECE_BYTES;

interface Running {
  id: string;
  isCancelled: boolean;
  tell(bytes: number): void;
  end(): void;
}

class TalkingWorker extends FakeClient {
  readonly running: Running[] = [];

  log(from: number, lines: number): void {
    for (let i = from; i < from + lines; i++) this.logEmitter.fire({ level: "info", message: `${i} `.padEnd(LINE_BYTES, ".") });
  }

  override generate(params?: GenerateParams, { signal, onProgress }: ProgressOptions<GenerateProgressParams> = {}): Promise<GenerateResult> {
    const answer = super.generate();
    const deferred = this.generations.at(-1)!;
    const running: Running = {
      id: params!.id, isCancelled: false, end: () => deferred.resolve(written),
      tell: (bytes) => onProgress?.({ id: params!.id, steps: [], padding: "x".repeat(bytes) } as GenerateProgressParams),
    };
    signal?.addEventListener("abort", () => {
      running.isCancelled = true;
      running.end();
    });
    this.running.push(running);
    return answer;
  }
}

let folder: string;
let server: Server;
let worker: TalkingWorker;
/** The host's ends, in the order in which windows came. */
let served: Socket[];
let windows: Socket[];
beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "octet-frozen-"));
  served = [];
  windows = [];
  const host = new WorkerHost({
    start: () => {
      worker = new TalkingWorker();
      worker.greeting.resolve(HELLO);
      return worker;
    },
    clock: systemClock, lingerMs: 60_000, shutdownMs: 1_000, helloMs: 1_000, onEmpty: () => undefined,
  });
  server = createServer((socket) => {
    served.push(socket);
    serveWindow(socket, host);
  });
  await new Promise<void>((resolve) => server.listen(path.join(folder, "s.sock"), resolve));
});
afterEach(async () => {
  for (const socket of windows) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  await worker.die();
  rmSync(folder, { recursive: true });
});

/** With models loaded, and what it hears of the log. */
async function window(): Promise<{ client: WorkerClient; socket: Socket; heard: string[] }> {
  const socket = connect(path.join(folder, "s.sock"));
  windows.push(socket);
  const client = new WorkerClient((await attach(socket, { gpus: false }, 5_000))!);
  const heard: string[] = [];
  client.onLog(({ message }) => void heard.push(message.split(" .")[0]!.trim()));
  const load = client.load(params("a"));
  await until(() => worker.loads.length > 0);
  worker.loads[0]!.answer.resolve({ ...loaded("a"), device: { kind: "cpu" } } as LoadResult);
  await load;
  return { client, socket, heard };
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!isSo() && performance.now() < end) await settle();
  expect(isSo()).toBe(true);
}

/** Says it in pieces that whoever reads reads meanwhile. */
async function logSlowly(from: number, lines: number): Promise<void> {
  for (let i = from; i < from + lines; i += 100) {
    worker.log(i, 100);
    await settle();
  }
}

describe("a window that does not read", () => {
  it("misses log lines once many wait, and is told how many when it reads again", async () => {
    const [frozen, other] = [await window(), await window()];
    frozen.socket.pause();
    const started = frozen.client.generate(generation);
    await until(() => worker.running.length === 1);
    await logSlowly(0, 5_000);
    expect(served[0]!.writableLength).toBeLessThan(MOST_FOR_LOG + SLACK);
    worker.running[0]!.end();
    frozen.socket.resume();
    expect(await started).toEqual(written);
    await until(() => frozen.heard.some((line) => line.includes("missing")));
    worker.log(5_000, 1);
    await until(() => frozen.heard.at(-1) === "5000");
    const kept = frozen.heard.length - 2;
    expect(kept).toBeLessThan(2_500);
    expect(frozen.heard).toEqual([
      ...Array.from({ length: kept }, (_, i) => String(i)), `log lines are missing here, ${5_000 - kept} of them: this window did not read`, "5000",
    ]);
    await until(() => other.heard.length > 5_000);
    expect(other.heard).toEqual(Array.from({ length: 5_001 }, (_, i) => String(i)));
    frozen.socket.pause();
    await logSlowly(5_001, 4_000);
    frozen.socket.resume();
    await until(() => frozen.heard.at(-1)!.includes("missing"));
    const keptAgain = frozen.heard.filter((line) => Number(line) > 5_000).length;
    expect(frozen.heard.at(-1)).toContain(`, ${4_000 - keptAgain} of them`);
  });

  it("is given up where very much waits: its requests are cancelled, and other windows go on", async () => {
    const [frozen, other] = [await window(), await window()];
    frozen.socket.pause();
    const lost = frozen.client.generate(generation).catch((error: unknown) => error);
    await until(() => worker.running.length === 1);
    const [doomed] = worker.running;
    const going = other.client.generate(generation);
    await until(() => worker.running.length === 2);
    const most = MOST_WAITING / PIECE_BYTES;
    for (let told = 0; told < most - 2; told++) doomed!.tell(PIECE_BYTES);
    await settle();
    expect([doomed!.isCancelled, served[0]!.destroyed]).toEqual([false, false]);
    for (let told = 0; told < 10; told++) doomed!.tell(PIECE_BYTES);
    await until(() => doomed!.isCancelled);
    expect([served[0]!.destroyed, served[0]!.writableLength]).toEqual([true, 0]);
    expect((await other.client.status()).windows).toBe(1);
    expect(worker.running[1]!.isCancelled).toBe(false);
    worker.running[1]!.end();
    expect(await going).toEqual(written);
    frozen.socket.resume();
    expect(await lost).toMatchObject({ code: "workerDied" });
    expect((await frozen.client.exited).exit.lastWords).toContain("gave up this window, which read nothing for long");
  });
});

it("a window that reads misses nothing, however much it is told", async () => {
  const { client, heard } = await window();
  let bytes = 0;
  const done = client.generate(generation, { onProgress: (progress) => void (bytes += JSON.stringify(progress).length) });
  await until(() => worker.running.length === 1);
  const pieces = (2 * MOST_WAITING) / PIECE_BYTES;
  for (let told = 1; told <= pieces; told++) {
    worker.running[0]!.tell(PIECE_BYTES);
    await until(() => bytes > told * PIECE_BYTES);
  }
  await logSlowly(0, 5_000);
  worker.running[0]!.end();
  expect(await done).toEqual(written);
  await until(() => heard.length >= 5_000);
  expect(heard).toEqual(Array.from({ length: 5_000 }, (_, i) => String(i)));
});
