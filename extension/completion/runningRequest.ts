// One generation of the worker: its lanes as they grow, the candidates that they give so far, and its end. A lane that has
// gone past its line or block ends, the rest write on.
import type { GenerateParams, GenerateProgressParams, GenerateResult } from "../../protocol/worker";
import { Deferred } from "../worker/async";
import { isSettled, settledLanes, toCandidates, type Candidate } from "./candidates";
import type { CursorContext } from "./context";
import { Lanes, lanesOf, type Lane } from "./lanes";
import type { RequestKey } from "./requestKey";

export interface GenerateOptions {
  signal: AbortSignal;
  onProgress: (progress: GenerateProgressParams) => void;
}

/** What a request needs of the worker. */
export interface Generator {
  generate(params: GenerateParams, options: GenerateOptions): Promise<GenerateResult>;
  /** Ends a lane that has all that was asked for. */
  completeLane(id: string, lane: number): void;
}

export interface RequestEvents {
  /** Candidates of the lanes that are done so far. */
  onCandidates(candidates: Candidate[], complete: boolean): void;
  /** Not called for a request that failed. `computed`: how much of the prompt is, 0 to 1; 0 where that is not known. */
  onResult(result: GenerateResult, computed: number): void;
}

export class RunningRequest {
  private readonly grown = new Lanes();
  private readonly settled = new Set<number>();
  private readonly abort = new AbortController();
  private computed = 0;
  private final: Lane[] | null = null;
  private change = new Deferred<void>();
  private failure: Error | undefined;
  /** Resolves when no lane runs any more; never rejects. */
  readonly ended: Promise<void>;

  constructor(
    generator: Generator,
    readonly key: RequestKey,
    readonly context: CursorContext,
    params: GenerateParams,
    private readonly events: RequestEvents,
  ) {
    const onProgress = (progress: GenerateProgressParams) => this.grow(progress, (lane) => generator.completeLane(params.id, lane));
    this.ended = generator
      .generate(params, { signal: this.abort.signal, onProgress })
      .then((result) => this.finish(result))
      .catch((error: unknown) => {
        this.final = this.grown.all;
        if (!this.cancelled) this.failure = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => this.announce());
  }

  get lanes(): Lane[] {
    return this.final ?? this.grown.all;
  }

  get done(): boolean {
    return this.final !== null;
  }

  get cancelled(): boolean {
    return this.abort.signal.aborted;
  }

  /** Why the generation failed; undefined where it did not. */
  get error(): Error | undefined {
    return this.failure;
  }

  /** Resolves when the lanes have grown, or at the end. */
  get changed(): Promise<void> {
    return this.change.promise;
  }

  /** Ends every lane within one step. */
  cancel(): void {
    this.abort.abort();
  }

  private grow(progress: GenerateProgressParams, completeLane: (lane: number) => void): void {
    this.grown.apply(progress);
    if (progress.prefill) this.computed = progress.prefill.done / progress.prefill.total;
    const before = this.settled.size;
    const lanes = this.grown.all;
    for (const lane of lanes) {
      if (this.settled.has(lane.lane) || !isSettled(lane, this.context)) continue;
      this.settled.add(lane.lane);
      if (lane.finishReason === null) completeLane(lane.lane);
    }
    if (this.settled.size > before && !this.cancelled) this.offer(toCandidates(settledLanes(lanes, this.context), this.context), false);
    this.announce();
  }

  private finish(result: GenerateResult): void {
    this.final = lanesOf(result);
    this.events.onResult(result, result.totals.steps > 0 ? 1 : this.computed);
    // Lanes that were cut short say little; those that were done stay of use at this place.
    const cutShort = this.final.some(({ lane, finishReason }) => finishReason === "cancelled" && !this.settled.has(lane));
    const written = this.grown.all.filter(({ finishReason }) => finishReason !== "cancelled");
    this.offer(toCandidates(cutShort ? settledLanes(written, this.context) : this.final, this.context), !cutShort);
  }

  private offer(candidates: Candidate[], complete: boolean): void {
    if (candidates.length > 0 || complete) this.events.onCandidates(candidates, complete);
  }

  private announce(): void {
    const { resolve } = this.change;
    if (!this.done) this.change = new Deferred<void>();
    resolve();
  }
}
