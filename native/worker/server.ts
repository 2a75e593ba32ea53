// Serves the messages of protocol/worker.ts: one loaded pair of models at a time, any number of requests on it.

import { setTimeout } from "node:timers/promises";
import { ErrorCodes, ResponseError, type CancellationToken, type MessageConnection } from "vscode-jsonrpc/node";
import type { NotificationMessage } from "../../protocol/messages";
import {
  CancelLane, Generate, GenerateProgress, Hello, Inspect, Load, LoadProgress, PROTOCOL_VERSION, Shutdown, Status, Tokenize,
  Unload,
  type GenerateResult, type HelloResult, type InspectResult, type LoadResult, type LogParams, type StatusResult,
  type TokenizeResult, type UnloadResult,
} from "../../protocol/worker";
import type { NativeEngine, OctetAddon } from "../addon/octet";
import { toResponseError, WorkerError } from "./errors";
import { GenerateProgressBatch, throttledLoadProgress } from "./progress";
import {
  cancelLaneParams, generateParams, helloParams, inspectParams, loadParams, tokenizeParams, validate,
} from "./validate";

const GENERATE_PROGRESS_MS = 10;
const LOAD_PROGRESS_MS = 50;
/** How long a shutdown waits for a load or a step that does not end. */
const SHUTDOWN_MS = 2000;

type Handler = (params: unknown, token: CancellationToken) => unknown;

export interface ServerOptions {
  connection: MessageConnection;
  /** The addon, or why there is none. */
  addon: OctetAddon | WorkerError;
  log(line: LogParams): void;
  /** Called once the answer to Shutdown has been handed over. */
  onShutdown(): void;
}

export class WorkerServer {
  private engine: NativeEngine | null = null;
  private loading: Promise<LoadResult> | null = null;
  private closing: Promise<void> | null = null;
  private leaving = false;
  private readonly generating = new Set<string>();
  private readonly startedAt = performance.now();

  private readonly requests = new Map<string, Handler>(Object.entries<Handler>({
    [Hello.method]: (params) => this.hello(params),
    [Load.method]: (params, token) => this.load(params, token),
    [Inspect.method]: (params) => this.inspect(params),
    [Generate.method]: (params, token) => this.generate(params, token),
    [Tokenize.method]: (params) => this.tokenize(params),
    [Status.method]: () => this.status(),
    [Unload.method]: () => this.unload(),
    [Shutdown.method]: () => this.shutdown(),
  }));

  constructor(private readonly options: ServerOptions) {
    const { connection } = options;
    connection.onRequest(async (method, params, token) => {
      try {
        const handler = this.requests.get(method);
        if (!handler) throw new ResponseError(ErrorCodes.MethodNotFound, `no such request: ${method}`, { code: "badParams" });
        return await handler(params, token);
      } catch (error) {
        return toResponseError(error);
      }
    });
    connection.onNotification(CancelLane.method, (params: unknown) => this.cancelLane(params));
  }

  private hello(params: unknown): HelloResult {
    const { protocolVersion } = validate(helloParams, params);
    if (protocolVersion !== PROTOCOL_VERSION) {
      this.options.log({ level: "warning", message: `a client of protocol ${protocolVersion}; this worker's is ${PROTOCOL_VERSION}` });
    }
    const addon = this.addon();
    return {
      protocolVersion: PROTOCOL_VERSION,
      pid: process.pid,
      versions: { ...addon.versions(), node: process.versions.node },
      devices: addon.devices(),
      gpuBackends: addon.gpuBackends(),
      machine: addon.machine(),
      defaultThreads: addon.defaultThreads(),
    };
  }

  private async load(params: unknown, token: CancellationToken): Promise<LoadResult> {
    const wanted = validate(loadParams, params);
    const addon = this.addon();
    if (this.leaving) throw new WorkerError("cancelled", "the worker is shutting down");
    if (this.loading) throw new WorkerError("busy", "another load is under way", "Wait for it, or cancel it.");
    const cancellation = token.onCancellationRequested(() => addon.cancelLoad());
    const load = async (): Promise<LoadResult> => {
      await this.close();
      if (token.isCancellationRequested || this.leaving) throw new WorkerError("cancelled", "the load was cancelled");
      const progress = throttledLoadProgress(LOAD_PROGRESS_MS, (params) => this.notify(LoadProgress, params));
      this.engine = await addon.load(wanted, progress);
      return this.engine.loaded;
    };
    try {
      this.loading = load();
      return await this.loading;
    } finally {
      this.loading = null;
      cancellation.dispose();
    }
  }

  private inspect(params: unknown): Promise<InspectResult> {
    const wanted = validate(inspectParams, params);
    return this.addon().inspect(wanted);
  }

  private async generate(params: unknown, token: CancellationToken): Promise<GenerateResult> {
    const wanted = validate(generateParams, params);
    const engine = this.loaded();
    if (this.generating.has(wanted.id)) throw new WorkerError("busy", `a request named ${JSON.stringify(wanted.id)} is running`);
    const batch = new GenerateProgressBatch(wanted.id, GENERATE_PROGRESS_MS, (progress) => this.notify(GenerateProgress, progress));
    const cancellation = token.onCancellationRequested(() => engine.cancel(wanted.id));
    this.generating.add(wanted.id);
    try {
      const result = engine.generate(wanted, (progress) => batch.add(progress));
      if (token.isCancellationRequested) engine.cancel(wanted.id);
      return await result;
    } finally {
      this.generating.delete(wanted.id);
      cancellation.dispose();
      batch.flush();
    }
  }

  private cancelLane(params: unknown): void {
    try {
      const { id, lane } = validate(cancelLaneParams, params);
      if (this.generating.has(id)) this.engine?.cancelLane(id, lane);
    } catch (error) {
      this.options.log({ level: "warning", message: `${CancelLane.method}: ${toResponseError(error).message}` });
    }
  }

  private tokenize(params: unknown): TokenizeResult {
    const { text } = validate(tokenizeParams, params);
    return { tokens: this.loaded().tokenize(text) };
  }

  private status(): StatusResult {
    const counts = this.engine?.counts() ?? { running: 0, queued: 0, lanesInUse: 0 };
    return {
      state: this.loading ? "loading" : this.engine ? "ready" : "empty",
      loaded: this.engine?.loaded ?? null,
      ...counts,
      residentBytes: process.memoryUsage.rss(),
      uptimeMs: performance.now() - this.startedAt,
    };
  }

  private async unload(): Promise<UnloadResult> {
    if (this.loading) {
      this.addon().cancelLoad();
      await this.loading.catch(() => undefined);
    }
    await this.close();
    return { inUse: 0 };
  }

  private async shutdown(): Promise<null> {
    this.leaving = true;
    await Promise.race([this.unload(), setTimeout(SHUTDOWN_MS)]);
    setImmediate(() => this.options.onShutdown());
    return null;
  }

  /** Frees what is loaded; what runs on it ends as cancelled. Everyone who asks meanwhile waits for the same closing. */
  private close(): Promise<void> {
    const engine = this.engine;
    if (engine) {
      this.engine = null;
      this.closing = engine.close().finally(() => (this.closing = null));
    }
    return this.closing ?? Promise.resolve();
  }

  private addon(): OctetAddon {
    if (this.options.addon instanceof WorkerError) throw this.options.addon;
    return this.options.addon;
  }

  private loaded(): NativeEngine {
    this.addon();
    if (this.engine) return this.engine;
    if (this.loading) throw new WorkerError("busy", "the models are still loading", "Ask again when the load has ended.");
    throw new WorkerError("notLoaded", "no model is loaded", "Load a model first.");
  }

  private notify<Params>(message: NotificationMessage<Params>, params: Params): void {
    void this.options.connection.sendNotification(message.method, params).catch(() => undefined);
  }
}
