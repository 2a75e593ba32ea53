// For the tests of the worker host's workers: before each, a house whose clock and workers do what the test says.

import { beforeEach } from "vitest";
import { WorkerHost } from "../../extension/worker/shared/workerHost";
import type { Seat } from "../../extension/worker/shared/seat";
import type { LogParams } from "../../protocol/worker";
import type { WorkerExit } from "../../extension/worker/process";
import type { OctetError } from "../../extension/worker/errors";
import { FakeClient, FakeClock, HELLO, settle } from "./supervisorFakes";
import { loaded, params } from "./supervisorFixture";

export const LINGER_MS = 1000;
export const SHUTDOWN_MS = 300;
export const HELLO_MS = 5000;

export interface Window {
  seat: Seat;
  attached: (number | undefined)[];
  logs: LogParams[];
  exit: WorkerExit | null;
}

export let clock: FakeClock;
export let workers: FakeClient[];
export let gpusOf: boolean[];
export let empty: number;
let greets: boolean;
/** Workers started from now on say no hello by themselves. */
export const keepSilent = (): void => void (greets = false);
export let host: WorkerHost;

beforeEach(() => {
  clock = new FakeClock();
  workers = [];
  gpusOf = [];
  empty = 0;
  greets = true;
  host = new WorkerHost({
    start: ({ gpus }) => {
      gpusOf.push(gpus);
      const worker = Object.assign(new FakeClient(), { pid: workers.length + 1 });
      if (greets) worker.greeting.resolve(HELLO);
      worker.shutdownAnswer.resolve();
      workers.push(worker);
      return worker;
    },
    clock, lingerMs: LINGER_MS, shutdownMs: SHUTDOWN_MS, helloMs: HELLO_MS,
    onEmpty: () => void empty++,
  });
});

export function open(gpus = true): Window {
  const window: Window = { seat: undefined as unknown as Seat, attached: [], logs: [], exit: null };
  window.seat = host.seat(gpus, {
    onAttached: (pid) => void window.attached.push(pid),
    onLog: (line) => void window.logs.push(line),
    onExit: (exit) => void (window.exit = exit),
  });
  return window;
}

export async function answer(worker: FakeClient): Promise<void> {
  const { params, answer } = worker.loads.at(-1)!;
  answer.resolve(loaded(params.target));
  await settle();
}

export async function holding(target: string): Promise<Window> {
  const window = open();
  const load = window.seat.load(params(target));
  await settle();
  const worker = workers[window.attached.at(-1)! - 1]!;
  if (worker.loads.length > 0 && !worker.calls.includes("answered")) await answer(worker);
  await load;
  return window;
}

export const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => "done", (error: OctetError) => error.code);
