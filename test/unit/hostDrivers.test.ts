// A GPU's driver that lets a worker host's first worker start, and hangs in those after it: windows hold other models in the first, so that
// each attach to it is answered. Real sockets, host and supervisors, pretended workers.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../extension/worker/async";
import { WorkerClient } from "../../extension/worker/client";
import type { StartOptions } from "../../extension/worker/life";
import { laterProcess } from "../../extension/worker/shared/laterProcess";
import { serveWindow } from "../../extension/worker/shared/serve";
import { attach } from "../../extension/worker/shared/socketProcess";
import { WorkerHost } from "../../extension/worker/shared/workerHost";
import { WorkerSupervisor } from "../../extension/worker/supervisor";
import type { LoadParams, LoadResult } from "../../protocol/worker";
import { FakeClient, HELLO } from "./supervisorFakes";
import { loaded, params } from "./supervisorFixture";

const HELLO_MS = 100;

class QuickWorker extends FakeClient {
  override load(params: LoadParams): Promise<LoadResult> {
    return Promise.resolve({ ...loaded(params.target), device: { kind: params.device === "cpu" ? "cpu" : "gpu" }, notices: [] as string[] } as LoadResult);
  }
}

let address: string;
/** Of each worker, whether it may load GPUs' drivers. */
let started: boolean[];
let ends: (() => unknown)[];
beforeEach(async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "octet-hang-"));
  address = path.join(folder, "s.sock");
  started = [];
  const workers: QuickWorker[] = [];
  const host = new WorkerHost({
    start: ({ gpus }) => {
      const worker = new QuickWorker();
      if (!gpus || started.length === 0) worker.greeting.resolve(HELLO);
      worker.shutdownAnswer.resolve();
      started.push(gpus);
      workers.push(worker);
      return worker;
    },
    clock: systemClock, lingerMs: 60_000, shutdownMs: 100, helloMs: HELLO_MS, onEmpty: () => undefined,
  });
  const server = createServer((socket) => serveWindow(socket, host));
  await new Promise<void>((resolve) => server.listen(address, resolve));
  ends = [() => Promise.all(workers.map((worker) => worker.die())), () => new Promise((resolve) => server.close(resolve)), () => rmSync(folder, { recursive: true })];
});
afterEach(async () => {
  for (const end of ends) await end();
});

function window(): { supervisor: WorkerSupervisor; told: string[] } {
  const start = ({ gpus }: StartOptions): WorkerClient => new WorkerClient(laterProcess(attach(connect(address), { gpus }, 5_000).then((worker) => worker!)));
  const supervisor = new WorkerSupervisor({ start, crashLimits: { fastMs: 120_000, most: 5, firstWaitMs: 10, longestWaitMs: 50 } });
  const told: string[] = [];
  supervisor.onDriverCrash(({ message }) => void told.push(message));
  ends.unshift(() => supervisor.dispose());
  return { supervisor, told };
}

/** Loads as often as need be; how often that was in vain. */
async function insist(supervisor: WorkerSupervisor, target: string): Promise<number> {
  for (let inVain = 0; ; inVain++) {
    try {
      await supervisor.load({ ...params(target), device: "auto" });
      return inVain;
    } catch (error) {
      if (supervisor.state.state === "failed") throw error;
    }
  }
}

it("it is waited for twice by a window that wants other models, once by one that does later, and not at all by whoever has models", async () => {
  const [one, two, three] = [window(), window(), window()];
  await Promise.all([insist(one.supervisor, "a"), two.supervisor.hello(), three.supervisor.hello()]);
  expect(await insist(two.supervisor, "b")).toBe(2);
  expect(two.supervisor.state.loaded?.device.kind).toBe("cpu");
  expect(started).toEqual([true, true, true, false]);
  expect(await insist(three.supervisor, "c")).toBe(1);
  expect(started).toEqual([true, true, true, false, true, false]);
  const hangs = "the GPU's driver hangs and keeps Octet's worker from starting, so the processor is used";
  expect([one.told, two.told, three.told]).toEqual([[], [hangs], [hangs]]);
  expect(one.supervisor.state.loaded?.device.kind).toBe("gpu");
});
