// What the extension's features share: the pair of models the settings name, on a supervised worker, and the news of every
// request made of it (the status bar and the latency view listen; whoever made the request has its own callbacks).

import { Emitter, type Event } from "vscode-jsonrpc/node";
import type {
  GenerateParams, GenerateProgressParams, GenerateResult, LoadParams, LoadProgressParams, LoadResult,
} from "../../protocol/worker";
import { abortable } from "./async";
import type { CallOptions, ProgressOptions } from "./client";
import { OctetError, toOctetError } from "./errors";
import type { WorkerSupervisor } from "./supervisor";

export type RequestKind = "inline" | "solutions" | "benchmark";

export interface SessionRequest {
  kind: RequestKind;
  /** For people, e.g. "geometry.ts:9". */
  label: string;
  /** Its prompt is healed unless `heal` is false. */
  params: Omit<GenerateParams, "id">;
}

/** One request's life, told to everybody who listens. */
export type RequestNews =
  | { type: "started"; id: string; kind: RequestKind; label: string; lanes: number; startedAt: number }
  | { type: "progress"; id: string; progress: GenerateProgressParams }
  /** The lane has all that was asked for, though it ends as cancelled in the worker. Before the lane's last event, as a rule. */
  | { type: "laneComplete"; id: string; lane: number }
  | { type: "ended"; id: string; result: GenerateResult }
  | { type: "failed"; id: string; error: OctetError };

export interface RunningRequest {
  id: string;
  result: Promise<GenerateResult>;
  /** Ends a lane that has all that was asked for. */
  completeLane(lane: number): void;
  /** Ends a lane that nobody wants any more. */
  cancelLane(lane: number): void;
}

export class Session {
  readonly onRequest: Event<RequestNews>;
  readonly onLoadProgress: Event<LoadProgressParams>;

  private readonly requests = new Emitter<RequestNews>();
  private readonly loadProgress = new Emitter<LoadProgressParams>();
  private loading: { key: string; promise: Promise<LoadResult>; abort: AbortController } | null = null;
  private loadedKey: string | null = null;
  private failed = false;
  private next = 1;

  /** `wanted` reads the settings anew each time. */
  constructor(readonly supervisor: WorkerSupervisor, private readonly wanted: () => LoadParams) {
    this.onRequest = this.requests.event;
    this.onLoadProgress = this.loadProgress.event;
  }

  /** The pair the settings name, loaded if it is not. A load of another pair that is under way is cancelled. */
  async ready({ signal }: CallOptions = {}): Promise<LoadResult> {
    const params = this.wanted();
    const key = JSON.stringify(params);
    const { loaded } = this.supervisor.state;
    if (loaded && this.loadedKey === key) return loaded;
    if (this.loading?.key !== key) {
      const before = this.loading;
      before?.abort.abort();
      const abort = new AbortController();
      const promise = (before?.promise.catch(() => undefined) ?? Promise.resolve()).then(() => this.load(params, key, abort.signal));
      const loading = { key, promise, abort };
      this.loading = loading;
      void promise.catch(() => undefined).finally(() => {
        if (this.loading === loading) this.loading = null;
      });
    }
    return abortable(this.loading.promise, signal, "the request");
  }

  /** Follows changed settings at once, where models are in memory, on their way, or could not be loaded. */
  async refresh(): Promise<void> {
    if (this.supervisor.state.loaded || this.loading || this.failed) await this.ready();
  }

  /** Loads what is wanted first. `signal` ends every lane within one step; the result is then what was written so far. */
  generate(request: SessionRequest, { signal, onProgress }: ProgressOptions<GenerateProgressParams> = {}): RunningRequest {
    const id = `${request.kind}-${this.next++}`;
    const run = async (): Promise<GenerateResult> => {
      this.requests.fire({ type: "started", id, kind: request.kind, label: request.label, lanes: request.params.lanes, startedAt: Date.now() });
      try {
        const loaded = await this.ready({ signal });
        const params: GenerateParams = { heal: true, ...request.params, id, lanes: Math.min(request.params.lanes, loaded.lanes) };
        const result = await this.supervisor.generate(params, {
          signal,
          onProgress: (progress) => {
            onProgress?.(progress);
            this.requests.fire({ type: "progress", id, progress });
          },
        });
        this.requests.fire({ type: "ended", id, result });
        return result;
      } catch (thrown) {
        const error = toOctetError(thrown);
        this.requests.fire({ type: "failed", id, error });
        throw error;
      }
    };
    return {
      id,
      result: run(),
      completeLane: (lane) => {
        this.requests.fire({ type: "laneComplete", id, lane });
        this.supervisor.cancelLane(id, lane);
      },
      cancelLane: (lane) => this.supervisor.cancelLane(id, lane),
    };
  }

  /**
   * Computes a prompt for requests to come, where models are loaded: it loads none, and no news is told of it. Any request ends it; the
   * result then says "cancelled" for its lanes. Rejects "notLoaded" and as `generate` does.
   */
  async prepare(params: Omit<GenerateParams, "id" | "prepare" | "budgetMs" | "stop" | "stopTokens">, options: ProgressOptions<GenerateProgressParams> = {}): Promise<GenerateResult> {
    const { loaded } = this.supervisor.state;
    if (!loaded) throw new OctetError("notLoaded", "no model is loaded");
    const lanes = Math.min(params.lanes, loaded.lanes);
    const all = { ...params, id: `prepare-${this.next++}`, lanes, stop: [], stopTokens: [], budgetMs: null, prepare: true };
    return this.supervisor.generate(all, options);
  }

  async dispose(): Promise<void> {
    this.loading?.abort.abort();
    this.requests.dispose();
    this.loadProgress.dispose();
    await this.supervisor.dispose();
  }

  private async load(params: LoadParams, key: string, signal: AbortSignal): Promise<LoadResult> {
    this.loadedKey = null;
    this.failed = true;
    const loaded = await this.supervisor.load(params, { signal, onProgress: (progress) => void this.loadProgress.fire(progress) });
    this.loadedKey = key;
    this.failed = false;
    return loaded;
  }
}
