// Computes prompts for requests to come while the user pauses: one at a time, given up as soon as anything else is wanted.
import type { GenerateParams, GenerateProgressParams, GenerateResult, Prompt } from "../../protocol/worker";
import { systemClock, type Clock, type Disposable } from "../worker/async";

/** A request whose prompt is worth computing before it is made. */
export type Ahead = Pick<GenerateParams, "prompt" | "lanes" | "maxTokens" | "sampling" | "draftLength">;

export interface PreparationOptions {
  prepare(ahead: Ahead, options: { signal: AbortSignal; onProgress: (progress: GenerateProgressParams) => void }): Promise<GenerateResult>;
  /** How much of a prompt the worker has computed, 0 to 1. */
  onComputed(prompt: Prompt, share: number, result: GenerateResult | null): void;
  clock?: Clock;
}

/** So long the user pauses first: the next key is not yet to come. */
export const REST_MS = 400;
/** Something else was asked of the worker meanwhile, solutions say. */
export const RETRY_MS = 1_000;

export class Preparation {
  private readonly clock: Clock;
  private timer: Disposable | null = null;
  private running: AbortController | null = null;

  constructor(private readonly options: PreparationOptions) {
    this.clock = options.clock ?? systemClock;
  }

  /** Unless stopped before: prepares what `next` names after a rest, and what it then names, until it names nothing or the same again. */
  rest(next: () => Promise<Ahead | null>): void {
    this.stop();
    this.after(REST_MS, next);
  }

  /** What runs ends within a pass, and what it computed stays of use. */
  stop(): void {
    this.timer?.dispose();
    this.timer = null;
    this.running?.abort();
    this.running = null;
  }

  private after(ms: number, next: () => Promise<Ahead | null>): void {
    this.timer = this.clock.setTimeout(() => {
      this.timer = null;
      const abort = (this.running = new AbortController());
      // What fails says so to the next request.
      void this.run(next, abort.signal).catch(() => false).then((again) => {
        if (this.running !== abort) return;
        this.running = null;
        if (again) this.after(RETRY_MS, next);
      });
    }, ms);
  }

  /** True where something else came between. */
  private async run(next: () => Promise<Ahead | null>, signal: AbortSignal): Promise<boolean> {
    let before = "";
    for (let ahead = await next(); ahead && !signal.aborted; ahead = await next()) {
      const prompt = JSON.stringify(ahead.prompt);
      if (prompt === before) return false;
      before = prompt;
      if (!(await this.prepare(ahead, signal))) return true;
    }
    return false;
  }

  /** Whether it was computed to its end. */
  private async prepare(ahead: Ahead, signal: AbortSignal): Promise<boolean> {
    let share = 0;
    const onProgress = ({ prefill }: GenerateProgressParams): void => {
      if (prefill) share = prefill.done / prefill.total;
    };
    const result = await this.options.prepare(ahead, { signal, onProgress });
    const whole = result.sequences.every(({ finishReason }) => finishReason === "end");
    this.options.onComputed(ahead.prompt, whole ? 1 : share, whole ? result : null);
    return whole;
  }
}
