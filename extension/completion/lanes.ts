// The lanes of a running request as they grow, from the worker's progress messages, and as they are in its result.
import type { FinishReason, GenerateProgressParams, GenerateResult } from "../../protocol/worker";

export interface Lane {
  lane: number;
  text: string;
  /** null while it runs, or for a lane without tokens. */
  meanLogprob: number | null;
  /** null while it runs. */
  finishReason: FinishReason | null;
}

export class Lanes {
  private readonly growing = new Map<number, { text: string; logprobs: number; tokens: number; finishReason: FinishReason | null }>();

  /** Returns the lanes that finished. */
  apply({ steps }: Pick<GenerateProgressParams, "steps">): number[] {
    const finished: number[] = [];
    for (const { lanes } of steps) {
      for (const event of lanes) {
        const lane = this.growing.get(event.lane) ?? { text: "", logprobs: 0, tokens: 0, finishReason: null };
        for (const span of event.text) lane.text += span.text;
        for (const logprob of event.logprobs) lane.logprobs += logprob;
        lane.tokens += event.logprobs.length;
        if (event.finishReason !== undefined) {
          lane.finishReason = event.finishReason;
          finished.push(event.lane);
        }
        this.growing.set(event.lane, lane);
      }
    }
    return finished;
  }

  /** In order of lane. */
  get all(): Lane[] {
    return [...this.growing]
      .sort(([a], [b]) => a - b)
      .map(([lane, { text, logprobs, tokens, finishReason }]) => ({
        lane,
        text,
        meanLogprob: tokens === 0 ? null : logprobs / tokens,
        finishReason,
      }));
  }
}

export const lanesOf = ({ sequences }: Pick<GenerateResult, "sequences">): Lane[] =>
  sequences.map(({ lane, text, meanLogprob, finishReason }) => ({ lane, text, meanLogprob, finishReason }));
