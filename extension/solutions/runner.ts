// Writes solutions: loads what is needed, asks for as many lanes at once as there are, and tells the run what happens.
import type { DraftLength, GenerateProgressParams, LoadProgressParams, LoadResult, SamplingParams } from "../../protocol/worker";
import { errorReport } from "../views/errorReport";
import { OctetError, toOctetError } from "../worker/errors";
import type { RunningRequest, Session } from "../worker/session";
import type { SolutionsPrompt } from "./prompt";
import { hasEnded } from "./ranking";
import type { Batch, SolutionsRun } from "./run";

export interface SolutionsSettings {
  maxTokens: number;
  /** null: no limit. */
  budgetMs: number | null;
  temperature: number;
  topP: number;
  /** undefined: another for every request. */
  seed?: number | undefined;
  draftLength: DraftLength;
  /** A lane ends where the block ends that it was asked to write. */
  stopAtBlockEnd: boolean;
}

export interface SolutionsJob {
  /** For people, e.g. "geometry.ts:9". */
  label: string;
  /** null where there is nothing to continue. */
  prompt(loaded: LoadResult, maxTokens: number): Promise<SolutionsPrompt | null>;
}

export interface RunnerOptions {
  session: Pick<Session, "ready" | "generate" | "onLoadProgress">;
  settings: () => SolutionsSettings;
  /** Speed of speculation over plain decoding's, as measured for this pair; null where it was not. */
  ratioToPlain?: (loaded: LoadResult) => number | null;
  seed?: () => number;
}

const STOP = ["\n\n\n"];

const phases: Record<LoadProgressParams["phase"], string> = {
  checking: "Checking the models",
  target: "Loading the target model",
  draft: "Loading the draft model",
  warmup: "Warming up",
};

export class SolutionsRunner {
  private readonly abort = new AbortController();
  private writing: { request: RunningRequest; batch: Batch } | null = null;
  /** Lanes that the user ended. */
  private readonly stopped = new Set<number>();

  constructor(private readonly run: SolutionsRun, private readonly options: RunnerOptions) {}

  /** Resolves when the lanes have ended, however they did. One call at a time, and none after `stopAll`. */
  async write(job: SolutionsJob, count: number): Promise<void> {
    const { run } = this;
    const { session } = this.options;
    const settings = this.options.settings();
    const ids = run.begin(count, settings.budgetMs);
    const { signal } = this.abort;
    const loading = session.onLoadProgress(({ phase, fraction }) => run.phase({ kind: "loading", label: phases[phase], fraction }));
    try {
      const loaded = await session.ready({ signal });
      loading.dispose();
      run.phase({ kind: "queued" });
      run.measured(this.options.ratioToPlain?.(loaded) ?? null);
      await this.writeLanes(ids, job, settings, loaded);
      run.done();
    } catch (thrown) {
      const error = toOctetError(thrown);
      if (error.code === "cancelled" || signal.aborted) run.done();
      else run.failed(errorReport(error));
    } finally {
      loading.dispose();
      this.writing = null;
    }
  }

  stopLane(id: number): void {
    this.stopped.add(id);
    const at = this.writing?.batch.ids.indexOf(id) ?? -1;
    if (at >= 0) this.writing?.request.cancelLane(at);
    else this.run.close([id], "cancelled");
    if (this.run.lanes.every(hasEnded)) this.stopAll();
  }

  /** Ends every lane within one step. */
  stopAll(): void {
    this.abort.abort();
  }

  private async writeLanes(ids: readonly number[], job: SolutionsJob, settings: SolutionsSettings, loaded: LoadResult): Promise<void> {
    const { run } = this;
    const { signal } = this.abort;
    const maxTokens = Math.max(1, Math.min(settings.maxTokens, Math.floor(loaded.contextTokens / 2)));
    const asked = await job.prompt(loaded, maxTokens);
    if (!asked) throw new OctetError("emptyPrompt", "there is nothing to continue here", "Put the cursor after some code or a comment.");
    if (asked.notices) run.notice(asked.notices);
    if (loaded.lanes < ids.length) run.notice([`The models have ${loaded.lanes} ${loaded.lanes === 1 ? "lane" : "lanes"}: solutions are written ${loaded.lanes} at a time.`]);
    for (let at = 0; at < ids.length && !signal.aborted; at += loaded.lanes) {
      const live = ids.slice(at, at + loaded.lanes).filter((id) => !hasEnded(run.lane(id) ?? { state: "cancelled" }));
      const batch = run.batch(live, settings.stopAtBlockEnd ? asked.context : null);
      if (batch.ids.length === 0) continue;
      const budgetMs = settings.budgetMs === null ? null : Math.floor(settings.budgetMs - (at === 0 ? 0 : run.elapsedMs));
      if (budgetMs !== null && budgetMs < 1) {
        run.close(batch.ids, "budget");
        continue;
      }
      const params = {
        prompt: asked.prompt, lanes: batch.ids.length, maxTokens, sampling: this.sampling(settings, batch), stop: STOP, stopTokens: [], budgetMs,
        draftLength: settings.draftLength,
      };
      const onProgress = (progress: GenerateProgressParams): void => {
        for (const lane of run.progress(batch, progress)) request.completeLane(lane);
      };
      const request: RunningRequest = this.options.session.generate({ kind: "solutions", label: job.label, params }, { signal, onProgress });
      this.writing = { request, batch };
      run.ended(batch, await request.result);
      this.writing = null;
      if (signal.aborted || !batch.ids.some((id) => run.lane(id)?.state === "cancelled" && !this.stopped.has(id))) continue;
      run.notice(["The models were changed or unloaded meanwhile: solutions that were not yet whole were stopped. More writes others."]);
      run.close(ids, "cancelled");
      return;
    }
  }

  /** A seed of its own for every request, or a second one would write the same: the user's is counted on from. */
  private sampling({ temperature, topP, seed }: SolutionsSettings, { ids }: Batch): SamplingParams {
    const chosen = seed === undefined ? (this.options.seed ?? randomSeed)() : (seed + (ids[0] ?? 0) - this.run.first) % Number.MAX_SAFE_INTEGER;
    return { temperature, topP, topK: 0, minP: 0, seed: chosen };
  }
}

const randomSeed = (): number => Math.floor(Math.random() * 2 ** 32);
