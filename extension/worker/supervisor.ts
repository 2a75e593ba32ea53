// What the extension and the command line ask for completions: a worker that is there when needed, with the models last
// asked for, loaded again after a crash or after an idle time.

import path from "node:path";
import { Emitter, type Event } from "vscode-jsonrpc/node";
import type {
  GenerateParams, GenerateProgressParams, GenerateResult, HelloResult, InspectParams, InspectResult, LoadParams,
  LoadProgressParams, LoadResult, LogParams, StatusResult, TokenizeResult,
} from "../../protocol/worker";
import { abortable, afterAbort, systemClock, type Clock, type Disposable } from "./async";
import { HELLO_MS, type CallOptions, type ProgressOptions } from "./client";
import { CRASH_LIMITS } from "./crashes";
import { withNotice } from "./driverCrashes";
import { cancelled, OctetError, toOctetError } from "./errors";
import { isGpu } from "./gpus/wanted";
import { WorkerLife, type LifeState, type SupervisedClient } from "./life";
import type { SupervisorOptions, SupervisorState, WorkerState } from "./supervised";

/** A cancelled load that has not ended so long after hangs: a driver that compiles, or waits for its device, hears of no cancellation. */
const CANCELLED_MS = 5_000;

interface Loading {
  byUser: boolean;
  abort: AbortController;
  promise: Promise<LoadResult>;
}

export class WorkerSupervisor {
  readonly onState: Event<SupervisorState>;
  readonly onLog: Event<LogParams>;
  /** GPUs are left alone from now until a `reset`, since a driver crashes the worker; the models go to the processor. */
  readonly onDriverCrash: Event<OctetError>;

  private readonly stateEmitter = new Emitter<SupervisorState>();
  private readonly logEmitter = new Emitter<LogParams>();
  private readonly driverEmitter = new Emitter<OctetError>();
  private readonly clock: Clock;
  private readonly idleUnloadMs: () => number;
  private readonly life: WorkerLife;
  private current: SupervisorState = { state: "stopped", reason: null, loaded: null };
  /** The last pair that was loaded and not unloaded by the user. */
  private wanted: LoadParams | null = null;
  private loading: Loading | null = null;
  /** After a crash that took loaded models with it, until they are back. */
  private lost = false;
  private underWay = 0;
  private idle: Disposable | null = null;

  constructor(options: SupervisorOptions) {
    this.onState = this.stateEmitter.event;
    this.onLog = this.logEmitter.event;
    this.onDriverCrash = this.driverEmitter.event;
    this.clock = options.clock ?? systemClock;
    const { idleUnloadMs = 0 } = options;
    this.idleUnloadMs = typeof idleUnloadMs === "number" ? () => idleUnloadMs : idleUnloadMs;
    this.life = new WorkerLife({
      start: options.start,
      wantsGpus: options.wantsGpus ?? (() => true),
      clock: this.clock,
      crashLimits: options.crashLimits ?? CRASH_LIMITS,
      helloMs: options.helloMs ?? HELLO_MS,
      shutdownMs: options.shutdownMs ?? 3_000,
      onState: (state, reason) => this.onLife(state, reason),
      onLog: (line) => void this.logEmitter.fire(line),
      onDriverCrash: (error) => void this.driverEmitter.fire(error),
    });
  }

  get state(): SupervisorState {
    return this.current;
  }

  get pid(): number | undefined {
    return this.life.running?.pid;
  }

  /** Why GPUs are left alone, though they are wanted; null: they are not. */
  get driverCrash(): OctetError | null {
    return this.life.driverCrash;
  }

  /** What the worker said of itself; starts one where there is none. */
  async hello({ signal }: CallOptions = {}): Promise<HelloResult> {
    return (await this.life.connect(signal)).hello;
  }

  /** Drops what is loaded, then loads this pair, which is loaded again when needed until the next `load` or `unload`. */
  load(params: LoadParams, options: ProgressOptions<LoadProgressParams> = {}): Promise<LoadResult> {
    const before = this.loading;
    if (before?.byUser) return Promise.reject(new OctetError("busy", "another load is under way", "Wait for it, or cancel it."));
    before?.abort.abort();
    return this.startLoad(params, true, options, before?.promise);
  }

  /** Waits for a worker and its models where they are on their way. Rejects "notLoaded" where no pair was ever loaded. */
  generate(params: GenerateParams, options: ProgressOptions<GenerateProgressParams> = {}): Promise<GenerateResult> {
    return this.use(async (client) => {
      try {
        return await client.generate(params, options);
      } catch (error) {
        this.renewAfter(client, toOctetError(error));
        throw error;
      }
    }, options.signal);
  }

  tokenize(text: string): Promise<TokenizeResult> {
    return this.use((client) => client.tokenize(text));
  }

  cancelLane(id: string, lane: number): void {
    this.life.running?.cancelLane(id, lane);
  }

  async inspect(params: InspectParams, options: CallOptions = {}): Promise<InspectResult> {
    return (await this.life.connect(options.signal)).client.inspect(params, options);
  }

  /** Null where no worker runs: asking does not start one. */
  async status(): Promise<StatusResult | null> {
    return (await this.life.running?.status()) ?? null;
  }

  /** Frees the models and forgets them. What runs on them ends as cancelled. Resolves with how many other windows go on using them. */
  async unload(): Promise<number> {
    this.wanted = null;
    this.loading?.abort.abort();
    await this.loading?.promise.catch(() => undefined);
    this.wanted = null;
    return this.unloadBecause(null);
  }

  /** Forgives past crashes: after "failed" the next request starts a worker again; a restart that waits happens now. */
  reset(): void {
    this.life.reset();
  }

  /** Shuts the worker down, by force where it does not answer, for all windows that use it. A later request starts another. */
  async stop(): Promise<void> {
    await this.life.stop("the worker was stopped");
  }

  /** As {@link stop}, but a worker that other windows use goes on for them. */
  async leave(): Promise<void> {
    await this.life.stop("the worker was let go of", "leave");
  }

  /** Leaves, and is silent from now on. */
  async dispose(): Promise<void> {
    await this.leave();
    this.stateEmitter.dispose();
    this.logEmitter.dispose();
    this.driverEmitter.dispose();
  }

  private onLife(state: LifeState, reason: string | null): void {
    if (state === "restarting") this.lost ||= this.current.loaded !== null;
    if (state === "stopped" || state === "failed") this.lost = false;
    this.stopIdleTimer();
    this.become(state === "running" ? "ready" : state, reason, null);
    if (state === "running" && this.lost && this.wanted && !this.loading) {
      this.startLoad(this.wanted, false).catch(() => undefined);
    }
  }

  private async use<T>(work: (client: SupervisedClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.underWay++;
    this.stopIdleTimer();
    try {
      await this.ensureLoaded(signal);
      const client = this.life.running;
      if (!client) throw new OctetError("workerDied", "the worker stopped");
      return await work(client);
    } finally {
      this.underWay--;
      this.startIdleTimer();
    }
  }

  /** A pass that fails on a GPU fails ever after. */
  private renewAfter(client: SupervisedClient, error: OctetError): void {
    const device = this.current.loaded?.device;
    if (error.code === "internal" && device && isGpu(device)) this.life.renew(client, error);
  }

  private async ensureLoaded(signal: AbortSignal | undefined): Promise<void> {
    if (this.current.loaded) return;
    if (!this.loading && !this.wanted) throw new OctetError("notLoaded", "no model is loaded", "Load a model first.");
    const load = this.loading?.promise ?? this.startLoad(this.wanted!, false);
    await abortable(load, signal, "the request");
  }

  private startLoad(
    params: LoadParams, byUser: boolean, options: ProgressOptions<LoadProgressParams> = {}, after?: Promise<unknown>,
  ): Promise<LoadResult> {
    const abort = new AbortController();
    const onAbort = (): void => abort.abort();
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const run = async (): Promise<LoadResult> => {
      try {
        await after?.catch(() => undefined);
        return await this.performLoad(params, byUser, { signal: abort.signal, onProgress: options.onProgress });
      } finally {
        options.signal?.removeEventListener("abort", onAbort);
        if (this.loading === loading) this.loading = null;
        this.startIdleTimer();
      }
    };
    const loading: Loading = { byUser, abort, promise: Promise.resolve().then(run) };
    loading.promise.catch(() => undefined);
    this.loading = loading;
    return loading.promise;
  }

  private async performLoad(
    params: LoadParams, byUser: boolean, options: ProgressOptions<LoadProgressParams>,
  ): Promise<LoadResult> {
    const { client } = await this.life.connect(options.signal);
    const before = { wanted: this.wanted, loaded: this.current.loaded };
    if (byUser) this.wanted = null;
    this.life.settle(false);
    this.become("loading", `loading ${path.basename(params.target)}`, null);
    const watch = afterAbort(options.signal, CANCELLED_MS, this.clock, () => this.stopDeaf(client));
    try {
      const loaded = await this.loadWhereAllowed(client, params, options);
      this.wanted = params;
      this.lost = false;
      if (this.life.running === client) this.become("ready", null, loaded);
      return loaded;
    } catch (thrown) {
      const error = this.life.running !== client && options.signal?.aborted ? cancelled("the load") : toOctetError(thrown);
      const untouched = error.code === "badParams"; // refused before what was loaded was dropped
      if (byUser && untouched) this.wanted = before.wanted;
      if (this.life.running === client) this.become("ready", error.message, untouched ? before.loaded : null);
      throw error;
    } finally {
      watch.dispose();
      if (this.life.running === client) this.life.settle(true);
    }
  }

  /** The next request then starts another. */
  private stopDeaf(client: SupervisedClient): void {
    if (this.life.running !== client) return;
    this.logEmitter.fire({ level: "warning", message: "a cancelled load does not end: the worker is stopped" });
    void this.stop();
  }

  private async loadWhereAllowed(client: SupervisedClient, params: LoadParams, options: ProgressOptions<LoadProgressParams>): Promise<LoadResult> {
    const crash = this.driverCrash;
    return crash ? withNotice(await client.load({ ...params, device: "cpu" }, options), crash) : client.load(params, options);
  }

  private startIdleTimer(): void {
    this.stopIdleTimer();
    const ms = this.idleUnloadMs();
    if (ms <= 0 || this.underWay > 0 || this.loading || !this.current.loaded) return;
    this.idle = this.clock.setTimeout(() => {
      this.unloadBecause("unloaded after a time without requests").catch(() => undefined);
    }, ms);
  }

  private stopIdleTimer(): void {
    this.idle?.dispose();
    this.idle = null;
  }

  private async unloadBecause(reason: string | null): Promise<number> {
    this.stopIdleTimer();
    const client = this.life.running;
    if (!client) return 0;
    this.become("ready", reason, null);
    return client.unload();
  }

  private become(state: WorkerState, reason: string | null, loaded: LoadResult | null): void {
    this.current = { state, reason, loaded };
    this.stateEmitter.fire(this.current);
  }
}
