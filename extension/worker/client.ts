// Talks to one worker process in typed requests. Lives and dies with it; starting anew is the supervisor's affair.

import {
  CancellationTokenSource, createMessageConnection, Emitter, type Event, type MessageConnection,
} from "vscode-jsonrpc/node";
import type { RequestMessage } from "../../protocol/messages";
import {
  CancelLane, Generate, GenerateProgress, Hello, Inspect, Load, LoadProgress, Log, PROTOCOL_VERSION, Shutdown, Status, Tokenize,
  Unload,
  type GenerateParams, type GenerateProgressParams, type GenerateResult, type HelloResult, type InspectParams, type InspectResult,
  type LoadParams, type LoadProgressParams, type LoadResult, type LogParams, type StatusResult, type TokenizeResult,
} from "../../protocol/worker";
import { cancelled, OctetError, toOctetError } from "./errors";
import { isGpu } from "./gpus/wanted";
import { describeExit, type WorkerExit, type WorkerProcess } from "./process";

/** A worker that has not said hello so long after its start hangs, in a driver for one, and is killed. */
export const HELLO_MS = 30_000;

export interface CallOptions {
  /** Aborting it cancels the request in the worker. Aborted beforehand: the request is not sent and rejects "cancelled". */
  signal?: AbortSignal;
}
export interface ProgressOptions<Progress> extends CallOptions {
  onProgress?: (progress: Progress) => void;
}

/** Why there is no process any more. */
export interface WorkerDeath {
  exit: WorkerExit;
  error: OctetError;
  /** Models were, or were being put, where a GPU's driver computes. */
  onGpu: boolean;
}

/** Every method rejects with an OctetError; with "workerDied" where the process goes away first. */
export class WorkerClient {
  /** Resolves when the process is gone. */
  readonly exited: Promise<WorkerDeath>;
  readonly onLog: Event<LogParams>;

  private readonly connection: MessageConnection;
  private readonly logEmitter = new Emitter<LogParams>();
  private readonly generations = new Map<string, ((progress: GenerateProgressParams) => void) | undefined>();
  private loading: { file: string; onProgress(progress: LoadProgressParams): void } | undefined;
  private exit: WorkerExit | undefined;
  private gpusThere = false;
  /** As {@link WorkerDeath.onGpu}. */
  private onGpu = false;

  constructor(private readonly process: WorkerProcess) {
    this.onLog = this.logEmitter.event;
    this.connection = createMessageConnection(process.reader, process.writer);
    this.connection.onNotification(Log.method, (line: LogParams) => void this.logEmitter.fire(line));
    this.connection.onNotification(LoadProgress.method, (progress: LoadProgressParams) => this.loading?.onProgress(progress));
    this.connection.onNotification(GenerateProgress.method, (progress: GenerateProgressParams) =>
      this.generations.get(progress.id)?.(progress));
    this.connection.listen();
    this.exited = process.exited.then((exit) => {
      const error = this.loading ? this.diedLoading(this.loading.file, exit) : this.diedWorking(exit);
      this.exit = exit;
      this.connection.dispose();
      return { exit, error, onGpu: this.onGpu };
    });
  }

  /** Of a worker that is shared, of the one that has this window's models. */
  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Must come first. Rejects where the worker is of another protocol version or its addon does not work. */
  async hello(): Promise<HelloResult> {
    const result = await this.call(Hello, { protocolVersion: PROTOCOL_VERSION });
    if (result.protocolVersion === PROTOCOL_VERSION) {
      this.gpusThere = result.devices.some(isGpu);
      return result;
    }
    throw new OctetError(
      "internal",
      `the worker speaks protocol ${result.protocolVersion}, this part of Octet ${PROTOCOL_VERSION}`,
      "Reinstall Octet: its parts are of different versions.",
    );
  }

  async load(params: LoadParams, { signal, onProgress }: ProgressOptions<LoadProgressParams> = {}): Promise<LoadResult> {
    if (this.loading) throw new OctetError("busy", "another load is under way", "Wait for it, or cancel it.");
    const loading = {
      file: params.target,
      onProgress: (progress: LoadProgressParams): void => {
        loading.file = progress.phase === "draft" && params.draft !== null ? params.draft : params.target;
        onProgress?.(progress);
      },
    };
    this.loading = loading;
    this.onGpu = this.gpusThere && params.device !== "cpu";
    try {
      const loaded = await this.call(Load, params, signal, (exit) => this.diedLoading(loading.file, exit));
      this.onGpu = loaded.device.kind !== "cpu";
      return loaded;
    } finally {
      this.loading = undefined;
    }
  }

  inspect(params: InspectParams, { signal }: CallOptions = {}): Promise<InspectResult> {
    return this.call(Inspect, params, signal, (exit) => diedReading(params.path, exit));
  }

  /** Aborting the signal ends every lane within one step; the promise then resolves with what was written so far. */
  async generate(
    params: GenerateParams,
    { signal, onProgress }: ProgressOptions<GenerateProgressParams> = {},
  ): Promise<GenerateResult> {
    if (this.generations.has(params.id)) throw new OctetError("busy", `a request named "${params.id}" is running`);
    this.generations.set(params.id, onProgress);
    try {
      return await this.call(Generate, params, signal);
    } finally {
      this.generations.delete(params.id);
    }
  }

  cancelLane(id: string, lane: number): void {
    if (this.exit) return;
    void this.connection.sendNotification(CancelLane.method, { id, lane }).catch(() => undefined);
  }

  tokenize(text: string): Promise<TokenizeResult> {
    return this.call(Tokenize, { text });
  }

  status(): Promise<StatusResult> {
    return this.call(Status, null);
  }

  /** Resolves with how many other windows use the models, which then stay in memory. */
  async unload(): Promise<number> {
    const { inUse } = await this.call(Unload, null);
    this.onGpu = false;
    return inUse;
  }

  /** The process ends with code 0 soon after this resolves. */
  async shutdown(): Promise<void> {
    await this.call(Shutdown, null);
  }

  /** As {@link shutdown} where the worker is this process's alone; where others use it, too, it goes on for them. */
  async leave(): Promise<void> {
    if (!(await this.process.leave?.())) await this.shutdown();
  }

  /** Kills the process. `hung`: since its hello did not come in time. */
  dispose(hung = false): void {
    this.process.kill(hung);
  }

  private async call<Params, Result>(
    { method }: RequestMessage<Params, Result>,
    params: Params,
    signal?: AbortSignal,
    died: (exit: WorkerExit) => OctetError = (exit) => this.diedWorking(exit),
  ): Promise<Result> {
    if (this.exit) throw died(this.exit);
    if (signal?.aborted) throw cancelled("the request");
    const cancellation = new CancellationTokenSource();
    const onAbort = (): void => cancellation.cancel();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return params === null
        ? await this.connection.sendRequest<Result>(method, cancellation.token)
        : await this.connection.sendRequest<Result>(method, params, cancellation.token);
    } catch (error) {
      throw this.exit ? died(this.exit) : toOctetError(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      cancellation.dispose();
    }
  }

  private diedWorking(exit: WorkerExit): OctetError {
    if (exit.error) return neverLived(exit);
    return new OctetError("workerDied", `the worker stopped (${describeExit(exit)})`, exit.signal && !exit.byAnother ? (this.onGpu ? DRIVER_ADVICE : MEMORY_ADVICE) : undefined);
  }

  private diedLoading(file: string, exit: WorkerExit): OctetError {
    if (exit.byAnother) return this.diedWorking(exit);
    if (exit.error || !this.onGpu) return diedReading(file, exit);
    return new OctetError("workerDied", `the worker stopped while loading ${file} (${describeExit(exit)})`, `${DRIVER_ADVICE} Or the file is damaged.`);
  }
}

const MEMORY_ADVICE = "Memory may have run out: try fewer lanes, a shorter context or a smaller model.";
const DRIVER_ADVICE = "The GPU's driver may have failed, or memory run out: try the device cpu, fewer lanes, a shorter context or a smaller model.";

const neverLived = (exit: WorkerExit): OctetError =>
  new OctetError("workerDied", `the worker could not be started (${describeExit(exit)})`, "Reinstall Octet.");

function diedReading(file: string, exit: WorkerExit): OctetError {
  if (exit.error) return neverLived(exit);
  if (exit.byAnother) return new OctetError("workerDied", `the worker stopped (${describeExit(exit)})`);
  return new OctetError("workerDied", `the worker stopped while loading ${file} (${describeExit(exit)})`, "The file is probably damaged, or memory ran out.");
}
