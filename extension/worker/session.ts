// What the extension's features share: the pair of models the settings name, on a supervised worker, and the news of every
// request made of it (the status bar and the latency view listen; whoever made the request has its own callbacks).

import { Emitter, type Event } from "vscode-jsonrpc/node";
import type {
  GenerateParams, GenerateProgressParams, GenerateResult, LoadParams, LoadProgressParams, LoadResult,
} from "../../protocol/worker";
import { abortable } from "./async";
import type { CallOptions, ProgressOptions } from "./client";
import { toOctetError, type OctetError } from "./errors";
import { healPrompt, LeadFilter } from "./heal";
import type { WorkerSupervisor } from "./supervisor";

export type RequestKind = "inline" | "solutions" | "benchmark";

export interface SessionRequest {
  kind: RequestKind;
  /** For people, e.g. "geometry.ts:9". */
  label: string;
  params: Omit<GenerateParams, "id">;
}

/** One request's life as the worker tells it, told to everybody who listens: texts and ends of lanes are not yet the caller's. */
export type RequestNews =
  | { type: "started"; id: string; kind: RequestKind; label: string; lanes: number; startedAt: number }
  | { type: "progress"; id: string; progress: GenerateProgressParams }
  /** Before the lane's last event, as a rule. "complete": it has all that was asked for, though it is cancelled in the worker. "strayed": it contradicts the text before the cursor. */
  | { type: "laneJudged"; id: string; lane: number; as: "complete" | "strayed" }
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

/** What the worker gave, and what of it is the caller's. */
interface Written {
  raw: GenerateResult;
  written: GenerateResult;
  untold: boolean;
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
        const params = { ...request.params, id, lanes: Math.min(request.params.lanes, loaded.lanes) };
        const healed = healPrompt(params.prompt);
        const first = await this.write({ ...params, prompt: healed.prompt }, healed.lead, { signal, onProgress });
        const { raw, written } = first.untold ? await this.write(params, "", { signal, onProgress }) : first;
        this.requests.fire({ type: "ended", id, result: raw });
        return written;
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
        this.requests.fire({ type: "laneJudged", id, lane, as: "complete" });
        this.supervisor.cancelLane(id, lane);
      },
      cancelLane: (lane) => this.supervisor.cancelLane(id, lane),
    };
  }

  /** Where every lane begins otherwise than with `lead`, nothing is told of them: the prompt is to be asked as it stands. */
  private async write(params: GenerateParams, lead: string, { signal, onProgress }: ProgressOptions<GenerateProgressParams>): Promise<Written> {
    const filter = new LeadFilter(lead);
    const judged = new Set<number>();
    let held: (() => void)[] = [];
    const tell = (): void => {
      for (const one of held) one();
      held = [];
    };
    const raw = await this.supervisor.generate(params, {
      signal,
      onProgress: (progress) => {
        const { progress: seen, strayed } = filter.progress(progress);
        for (const lane of strayed) this.supervisor.cancelLane(params.id, lane);
        held.push(() => {
          this.judge(params.id, strayed, judged);
          onProgress?.(seen);
          this.requests.fire({ type: "progress", id: params.id, progress });
        });
        if (progress.steps.length === 0 || filter.hasBegun) tell();
      },
    });
    const untold = lead !== "" && filter.allStrayed(params.lanes) && signal?.aborted !== true;
    const written = filter.result(raw);
    if (!untold) {
      tell();
      this.judge(params.id, filter.strayed, judged);
    }
    return { raw, written, untold };
  }

  /** Tells once of each lane that it strayed. */
  private judge(id: string, strayed: Iterable<number>, told: Set<number>): void {
    for (const lane of strayed) {
      if (!told.has(lane)) this.requests.fire({ type: "laneJudged", id, lane, as: "strayed" });
      told.add(lane);
    }
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
