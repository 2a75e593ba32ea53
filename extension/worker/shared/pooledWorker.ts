// A worker that serves several windows: who is attached to it, whose models it holds, and the one load that all who want those
// models wait for.

import type { HelloResult, LoadParams, LoadProgressParams, LoadResult } from "../../../protocol/worker";
import { Deferred, type Disposable } from "../async";
import type { ProgressOptions } from "../client";
import { cancelled, toOctetError } from "../errors";
import type { SupervisedClient } from "../life";
import type { Seat } from "./seat";

interface Load {
  key: string;
  promise: Promise<LoadResult>;
  abort: AbortController;
  underWay: boolean;
  /** Who waits for it and has not given up. */
  waiting: number;
  listeners: Set<(progress: LoadProgressParams) => void>;
}

export class PooledWorker {
  /** Windows whose messages come here. */
  readonly seats = new Set<Seat>();
  /** Of these, those whose models are loaded. */
  readonly holders = new Set<Seat>();
  /** On its way out: nobody is attached to it any more. */
  leaving = false;
  /** Who asked for its end: the others are told. */
  endedBy: Seat | null = null;
  /** It was given up before its hello. */
  hung = false;
  /** Until it, or its models, are given up. */
  lingering: Disposable | null = null;
  private load: Load | null = null;
  private greeting: Promise<HelloResult> | null = null;

  private hasGreeted = false;

  constructor(readonly client: SupervisedClient, readonly gpus: boolean, private readonly onHello: () => void) {}

  /** As the worker said it first: its free memory is that without any models of its own, which make way for others. */
  hello(): Promise<HelloResult> {
    return (this.greeting ??= this.greet());
  }

  /** Kills it, since its hello did not come in time. */
  giveUp(): void {
    this.hung = !this.hasGreeted;
    this.client.dispose();
  }

  private async greet(): Promise<HelloResult> {
    const hello = await this.client.hello();
    this.hasGreeted = true;
    this.onHello();
    return hello;
  }

  /** These models are loaded, or on their way and still wanted. */
  has(params: LoadParams): boolean {
    return this.load?.key === keyOf(params) && !(this.load.underWay && this.load.abort.signal.aborted);
  }

  canHold(seat: Seat, params: LoadParams): boolean {
    return this.has(params) || this.isFreeFor(seat);
  }

  /** May load others for this window: nobody else uses, or waits for, what it has. */
  isFreeFor(seat: Seat): boolean {
    return !this.load?.underWay && [...this.holders].every((holder) => holder === seat);
  }

  /** Resolves when a load that nobody wants any more has ended; null: there is none. */
  get cancelling(): Promise<unknown> | null {
    return this.load?.underWay && this.load.abort.signal.aborted ? this.load.promise.catch(() => undefined) : null;
  }

  /** Models are there, or on their way, for nobody. */
  get isIdle(): boolean {
    return this.load !== null && !this.load.underWay && this.holders.size === 0;
  }

  /** Where {@link canHold}. Joins the load of these models, or begins it, which drops what was loaded. It ends early when all who wait have given up. */
  async hold(seat: Seat, params: LoadParams, { signal, onProgress }: ProgressOptions<LoadProgressParams>): Promise<LoadResult> {
    const load = this.has(params) ? this.load! : this.begin(params);
    if (onProgress) load.listeners.add(onProgress);
    load.waiting++;
    const gone = new Deferred<never>();
    let isWaiting = true;
    const stopWaiting = (): void => {
      if (isWaiting) load.waiting--;
      isWaiting = false;
    };
    const onAbort = (): void => {
      stopWaiting();
      if (load.waiting === 0) load.abort.abort(); // and waits for its end
      else gone.reject(cancelled("the load"));
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const loaded = await Promise.race([load.promise, gone.promise]);
      this.holders.add(seat);
      return loaded;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      stopWaiting();
      if (onProgress) load.listeners.delete(onProgress);
    }
  }

  /** Frees the models if nobody holds, or waits for, them. Resolves with how many do. */
  async unload(): Promise<number> {
    const inUse = this.holders.size + (this.load?.underWay ? this.load.waiting : 0);
    if (inUse > 0) return inUse;
    this.load = null;
    await this.client.unload();
    return 0;
  }

  private begin(params: LoadParams): Load {
    const before = this.load;
    const abort = new AbortController();
    const listeners: Load["listeners"] = new Set();
    const onProgress = (progress: LoadProgressParams): void => listeners.forEach((listener) => listener(progress));
    const load: Load = { key: keyOf(params), abort, underWay: true, waiting: 0, listeners, promise: this.client.load(params, { signal: abort.signal, onProgress }) };
    this.load = load;
    load.promise.then(
      () => (load.underWay = false),
      (error: unknown) => {
        load.underWay = false;
        const untouched = toOctetError(error).code === "badParams"; // refused before what was loaded was dropped
        if (this.load === load) this.load = untouched ? before : null;
      },
    );
    return load;
  }
}

const keyOf = (params: LoadParams): string => JSON.stringify(params);
