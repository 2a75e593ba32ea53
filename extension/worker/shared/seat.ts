// One window's place at a worker that others may use, too: what it asks for, under names of its own, until it goes.

import type {
  GenerateParams, GenerateProgressParams, GenerateResult, HelloResult, InspectParams, InspectResult, LoadParams, LoadProgressParams,
  LoadResult, LogParams, StatusResult, TokenizeResult, UnloadResult,
} from "../../../protocol/worker";
import type { CallOptions, ProgressOptions } from "../client";
import { OctetError, toOctetError } from "../errors";
import type { WorkerExit } from "../process";
import type { PooledWorker } from "./pooledWorker";

/** What the window is told. */
export interface SeatNews {
  onAttached(pid: number | undefined): void;
  onLog(line: LogParams): void;
  /** Last. */
  onExit(exit: WorkerExit): void;
}

/** What a seat asks of the worker host. */
export interface Seating {
  /** Where these models are, or may be loaded; the seat is moved there. */
  place(seat: Seat, params: LoadParams, signal: AbortSignal): Promise<PooledWorker>;
  move(seat: Seat, worker: PooledWorker): void;
  /** The worker has lost a window, or a holder of its models. */
  left(worker: PooledWorker): void;
  /** Resolves with its answer, before it is gone. */
  end(worker: PooledWorker): Promise<void>;
  leave(seat: Seat): void;
}

export class Seat {
  worker!: PooledWorker;
  private readonly generating = new Set<AbortController>();
  private readonly others = new Set<AbortController>();
  private isClosed = false;
  private readonly prefix: string;

  constructor(number: number, readonly gpus: boolean, readonly news: SeatNews, private readonly host: Seating) {
    this.prefix = `${number}:`;
  }

  hello(): Promise<HelloResult> {
    return this.worker.hello();
  }

  inspect(params: InspectParams, { signal }: CallOptions = {}): Promise<InspectResult> {
    return among(this.others, signal, (signal) => this.worker.client.inspect(params, { signal }));
  }

  /** Finds the models loaded where another window has loaded them. What this window had is let go of. */
  load(params: LoadParams, { signal, onProgress }: ProgressOptions<LoadProgressParams> = {}): Promise<LoadResult> {
    return among(this.others, signal, (signal) => this.loadUntil(params, signal, onProgress));
  }

  private async loadUntil(params: LoadParams, signal: AbortSignal, onProgress: ((progress: LoadProgressParams) => void) | undefined): Promise<LoadResult> {
    const before = this.worker;
    try {
      let worker: PooledWorker;
      do worker = await this.host.place(this, params, signal);
      while (!worker.canHold(this, params)); // another window was faster
      const loaded = await worker.hold(this, params, { signal, onProgress });
      if (before !== worker) this.release(before);
      if (this.isClosed) this.release(worker); // the load heard of no end
      return loaded;
    } catch (error) {
      const untouched = toOctetError(error).code === "badParams";
      if (!untouched) this.release(before);
      else if (before !== this.worker && !before.leaving && !this.isClosed) this.host.move(this, before);
      throw error;
    }
  }

  async generate(params: GenerateParams, { signal, onProgress }: ProgressOptions<GenerateProgressParams> = {}): Promise<GenerateResult> {
    const { client } = this.holding();
    const { id } = params;
    const own = onProgress && ((progress: GenerateProgressParams): void => onProgress({ ...progress, id }));
    return among(this.generating, signal, (signal) => client.generate({ ...params, id: this.prefix + id }, { signal, onProgress: own }));
  }

  cancelLane(id: string, lane: number): void {
    this.worker.client.cancelLane(this.prefix + id, lane);
  }

  tokenize(text: string): Promise<TokenizeResult> {
    return this.holding().client.tokenize(text);
  }

  async status(): Promise<StatusResult> {
    const { client, seats } = this.worker;
    return { ...(await client.status()), windows: seats.size };
  }

  /** Lets go of the models, which are freed where nobody else uses them. What this window runs on them ends as cancelled. */
  async unload(): Promise<UnloadResult> {
    this.release(this.worker);
    return { inUse: await this.worker.unload() };
  }

  /** Ends the worker in good order, for all who use it: whoever asks for that wants another one. Resolves when the worker has agreed. */
  async shutdown(): Promise<void> {
    this.worker.endedBy = this;
    await this.host.end(this.worker);
  }

  kill(hung: boolean): void {
    this.worker.endedBy = this;
    if (hung) this.worker.giveUp();
    else this.worker.client.dispose();
  }

  /** The window is gone. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.release(this.worker);
    for (const abort of [...this.others, ...this.generating]) abort.abort();
    this.host.leave(this);
  }

  private holding(): PooledWorker {
    if (this.worker.holders.has(this)) return this.worker;
    throw new OctetError("notLoaded", "no model is loaded", "Load a model first.");
  }

  private release(worker: PooledWorker): void {
    if (!worker.holders.delete(this)) return;
    for (const abort of this.generating) abort.abort();
    this.host.left(worker);
  }
}

/** Does the work with a signal that follows `signal` and is among `aborts` meanwhile. */
async function among<T>(aborts: Set<AbortController>, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const onAbort = (): void => abort.abort();
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  aborts.add(abort);
  try {
    return await work(abort.signal);
  } finally {
    aborts.delete(abort);
    signal?.removeEventListener("abort", onAbort);
  }
}
