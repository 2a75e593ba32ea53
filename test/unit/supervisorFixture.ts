// For the tests of the supervisor: before each, a new one whose clock and workers do what the test says. What tests read here is that of
// the test that runs.

import { beforeEach } from "vitest";
import type { SupervisorOptions, WorkerState } from "../../extension/worker/supervised";
import { WorkerSupervisor } from "../../extension/worker/supervisor";
import type { GenerateParams, GenerateResult, LoadParams, LoadResult } from "../../protocol/worker";
import { FakeClient, FakeClock, HELLO, settle } from "./supervisorFakes";

export const params = (target: string): LoadParams =>
  ({ target, draft: null, device: "cpu", threads: 0, lanes: 8, contextTokens: 0, kvType: "f16" });
export const loaded = (target: string): LoadResult => ({ target: { path: target } }) as LoadResult;
export const generation = { id: "g" } as GenerateParams;
export const written = { totals: { tokens: 8 } } as GenerateResult;

export let clock: FakeClock;
export let workers: FakeClient[];
export let states: WorkerState[];
/** Of each worker, whether it may load GPUs' drivers. */
export let gpusOf: boolean[];
export let supervisor: WorkerSupervisor;
export const last = (): FakeClient => workers.at(-1)!;

export function supervise(options: Partial<SupervisorOptions> = {}): void {
  clock = new FakeClock();
  workers = [];
  states = [];
  gpusOf = [];
  supervisor = new WorkerSupervisor({
    start: ({ gpus }) => {
      gpusOf.push(gpus);
      workers.push(new FakeClient());
      return last();
    },
    clock,
    crashLimits: { fastMs: 10_000, most: 5, firstWaitMs: 100, longestWaitMs: 300 },
    helloMs: 2000,
    shutdownMs: 3000,
    ...options,
  });
  supervisor.onState(({ state }) => void states.push(state));
}

/** A promise whose rejection the test looks at later. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

export async function greet(): Promise<void> {
  await settle();
  last().greeting.resolve(HELLO);
  await settle();
}

export async function finishLoad(): Promise<void> {
  const { params, answer } = last().loads.at(-1)!;
  answer.resolve(loaded(params.target));
  await settle();
}

export async function readyWith(target: string): Promise<void> {
  const load = later(supervisor.load(params(target)));
  await greet();
  await finishLoad();
  await load;
}

beforeEach(() => supervise());
