// A clock that moves when told to and workers made of promises, for the supervisor's tests.

import { Emitter } from "vscode-jsonrpc/node";
import { Deferred, type Clock, type Disposable } from "../../extension/worker/async";
import type { WorkerDeath } from "../../extension/worker/client";
import { OctetError } from "../../extension/worker/errors";
import type { WorkerExit } from "../../extension/worker/process";
import type { SupervisedClient } from "../../extension/worker/life";
import type { GenerateResult, HelloResult, LoadParams, LoadResult, LogParams, StatusResult } from "../../protocol/worker";

export class FakeClock implements Clock {
  private time = 1000;
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, ms: number): Disposable {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return { dispose: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /** Timers that wait, in milliseconds from now, soonest first. */
  get pending(): number[] {
    return this.timers.map(({ at }) => at - this.time).sort((a, b) => a - b);
  }

  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = next.at;
      this.timers = this.timers.filter((timer) => timer !== next);
      next.callback();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Lets every promise chain that can go on go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const HELLO: HelloResult = {
  protocolVersion: 1, pid: 1, versions: {}, devices: [], gpuBackends: [], defaultThreads: 1,
  machine: { physicalCores: 1, logicalCores: 1, memoryBytes: 1, freeMemoryBytes: 1 },
};

/** What a fake worker is asked stays pending until the test answers. */
export class FakeClient implements SupervisedClient {
  readonly pid = 4711;
  readonly logEmitter = new Emitter<LogParams>();
  readonly onLog = this.logEmitter.event;
  readonly greeting = new Deferred<HelloResult>();
  readonly loads: { params: LoadParams; signal: AbortSignal | undefined; answer: Deferred<LoadResult> }[] = [];
  readonly generations: Deferred<GenerateResult>[] = [];
  readonly calls: string[] = [];
  readonly shutdownAnswer = new Deferred<void>();
  /** Goes on with a load that is cancelled. */
  deaf = false;
  onGpu = false;
  private readonly death = new Deferred<WorkerDeath>();
  readonly exited = this.death.promise;

  /** The process goes away: what is under way rejects, then `exited` resolves. */
  async die(signal: NodeJS.Signals = "SIGSEGV", message = `the worker stopped (signal ${signal})`, more: Partial<WorkerExit> = {}): Promise<void> {
    const error = new OctetError("workerDied", message);
    for (const pending of [this.greeting, ...this.loads.map(({ answer }) => answer), ...this.generations, this.shutdownAnswer]) {
      pending.reject(error);
    }
    this.death.resolve({ exit: { code: null, signal, lastWords: "", ...more }, error, onGpu: this.onGpu });
    await settle();
  }

  hello(): Promise<HelloResult> {
    this.calls.push("hello");
    return this.greeting.promise;
  }
  load(params: LoadParams, { signal }: { signal?: AbortSignal } = {}): Promise<LoadResult> {
    this.calls.push(`load ${params.target}`);
    const answer = new Deferred<LoadResult>();
    signal?.addEventListener("abort", () => this.deaf || answer.reject(new OctetError("cancelled", "the load was cancelled")));
    this.loads.push({ params, signal, answer });
    return answer.promise;
  }
  generate(): Promise<GenerateResult> {
    this.calls.push("generate");
    const answer = new Deferred<GenerateResult>();
    this.generations.push(answer);
    return answer.promise;
  }
  cancelLane(id: string, lane: number): void {
    this.calls.push(`cancelLane ${id} ${lane}`);
  }
  async tokenize(): Promise<{ tokens: number[] }> {
    this.calls.push("tokenize");
    return { tokens: [1] };
  }
  inspect(): Promise<never> {
    return Promise.reject(new OctetError("internal", "not in these tests"));
  }
  async status(): Promise<StatusResult> {
    return { state: "empty", loaded: null, running: 0, queued: 0, lanesInUse: 0, residentBytes: 1, uptimeMs: 1 };
  }
  async unload(): Promise<number> {
    this.calls.push("unload");
    return 0;
  }
  shutdown(): Promise<void> {
    this.calls.push("shutdown");
    return this.shutdownAnswer.promise;
  }
  leave(): Promise<void> {
    this.calls.push("leave");
    return this.shutdownAnswer.promise;
  }
  dispose(): void {
    this.calls.push("kill");
    void this.die("SIGKILL");
  }
}
