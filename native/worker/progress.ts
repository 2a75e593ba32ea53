// Joins progress that comes faster than anyone can look at it into fewer messages, without losing a step.

import type { GenerateProgressParams, LoadProgressParams, StepEvent } from "../../protocol/worker";
import type { NativeProgress } from "../addon/octet";

/**
 * Sends the first progress at once, then at most one message per `intervalMs`, but a lane's end at once too: a candidate is
 * shown the sooner. `flush` sends what is held.
 */
export class GenerateProgressBatch {
  private steps: StepEvent[] = [];
  private prefill: NativeProgress["prefill"];
  private timer: NodeJS.Timeout | undefined;
  private sentAt = -Infinity;

  constructor(
    private readonly id: string,
    private readonly intervalMs: number,
    private readonly send: (progress: GenerateProgressParams) => void,
  ) {}

  add(progress: NativeProgress): void {
    for (const step of progress.steps) this.steps.push(step);
    if (progress.prefill) this.prefill = progress.prefill;
    if (progress.steps.some(hasEnd)) return this.flush();
    if (this.timer) return;
    const wait = this.sentAt + this.intervalMs - performance.now();
    if (wait <= 0) this.flush();
    else this.timer = setTimeout(() => this.flush(), wait);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.steps.length === 0 && !this.prefill) return;
    const { id, steps, prefill } = this;
    this.steps = [];
    this.prefill = undefined;
    this.sentAt = performance.now();
    this.send(prefill ? { id, prefill, steps } : { id, steps });
  }
}

const hasEnd = ({ lanes }: StepEvent): boolean => lanes.some(({ finishReason }) => finishReason !== undefined);

/** Drops load progress that comes sooner than `intervalMs` after the last, but never a phase's first or its end. */
export function throttledLoadProgress(
  intervalMs: number,
  send: (progress: LoadProgressParams) => void,
): (progress: LoadProgressParams) => void {
  let phase: string | undefined;
  let sentAt = 0;
  return (progress) => {
    const now = performance.now();
    if (progress.phase === phase && progress.fraction < 1 && now - sentAt < intervalMs) return;
    phase = progress.phase;
    sentAt = now;
    send(progress);
  };
}
