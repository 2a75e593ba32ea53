// Token budgets in characters: an estimate that learns from the counts the worker reports, and an exact count where the
// estimate comes close to the limit.
import type { Totals } from "../../protocol/worker";

/** Code in byte-pair vocabularies; low, so that a first prompt errs on the short side. */
const FIRST_GUESS = 2.8;
const LEAST = 1;
const MOST = 6;
/** Prompts shorter than this say little about the ratio. */
const FEWEST_TOKENS = 32;
const SMOOTHING = 0.3;
/** The estimate in use follows only when this far off: each change moves the windows and costs the KV cache. */
const TOLERANCE = 0.1;

/** Characters per token of one model. */
export class TokenEstimate {
  private ratio = FIRST_GUESS;
  private average: number | null = null;

  get charsPerToken(): number {
    return this.ratio;
  }

  /** Learns from a prompt's true length, as in {@link Totals}. */
  observe(chars: number, { promptTokens }: Pick<Totals, "promptTokens">): void {
    if (promptTokens < FEWEST_TOKENS) return;
    const seen = Math.min(MOST, Math.max(LEAST, chars / promptTokens));
    this.average = this.average === null ? seen : this.average + SMOOTHING * (seen - this.average);
    if (Math.abs(this.average / this.ratio - 1) > TOLERANCE) this.ratio = this.average;
  }

  tokens(text: string): number {
    return Math.ceil(text.length / this.ratio);
  }

  chars(tokens: number): number {
    return Math.floor(tokens * this.ratio);
  }
}

export interface ContextBudget {
  /** Tokens of each part of the prompt. */
  prefix: number;
  suffix: number;
  places: number;
}

export interface BudgetInput {
  /** Context of a lane: prompt and completion. */
  contextTokens: number;
  /** The most that any request asks for, not just this one, so that the windows stay the same. */
  maxTokens: number;
  /** Longest prompt wanted, for speed; the context bounds it further. */
  promptTokens: number;
  fim: boolean;
}

/** The estimate may be this far off before a prompt overflows; special tokens take a few more. */
const ESTIMATE_MARGIN = 0.9;
const SPECIAL_TOKENS = 8;
const SUFFIX_SHARE = 0.15;
const MOST_SUFFIX_TOKENS = 192;
const PLACES_SHARE = 0.25;
/** A shorter prompt has no room for other files. */
const FEWEST_FOR_PLACES = 768;

export function contextBudget({ contextTokens, maxTokens, promptTokens, fim }: BudgetInput): ContextBudget {
  const room = Math.max(0, Math.floor((contextTokens - maxTokens) * ESTIMATE_MARGIN) - SPECIAL_TOKENS);
  const total = Math.min(promptTokens, room);
  const suffix = fim ? Math.min(MOST_SUFFIX_TOKENS, Math.floor(total * SUFFIX_SHARE)) : 0;
  const places = total >= FEWEST_FOR_PLACES ? Math.floor(total * PLACES_SHARE) : 0;
  return { prefix: total - suffix - places, suffix, places };
}
