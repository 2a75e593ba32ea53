// How long a prompt may be on this machine: what it computes in the time there is, from how fast prompts were computed before,
// in the news of every request.
import type { GenerateResult, LoadResult, Totals } from "../../protocol/worker";
import type { RequestNews } from "../worker/session";

/** Fewer computed tokens say more of a request's start than of its speed. */
const FEWEST_TOKENS = 48;
const SMOOTHING = 0.3;
/** Shorter prompts are of little use. */
const SHORTEST = 256;
/** Lengths are SHORTEST times powers of this, and a length stays while it is no more than so far off: another one costs the KV cache. */
const STEP = Math.SQRT2;
const TOO_LONG = 1 / 1.25;
const TOO_SHORT = 2;
/** Of one thread with quantised weights, before anything was measured, as the worker guesses for its pieces of prompts; a weight is two operations a token. */
const GUESSED_OPERATIONS_PER_MS = 20e6;
/** Every piece of a prompt copies what the processor has of a split target to the GPU: so many tokens, by a bus of 10 GB a second. */
const SPLIT_PIECE_TOKENS = 512;
const COPIED_BYTES_PER_MS = 10e6;

type Loaded = Pick<LoadResult, "target" | "draft" | "device" | "threads" | "split">;

export class PromptSpeed {
  private pair = "";
  private tokensPerMs: number | null = null;
  /** Of requests that run: tokens computed so far of their prompts. */
  private readonly computed = new Map<string, number>();
  private readonly limits = new Map<number, number>();

  request(news: RequestNews): void {
    const { id } = news;
    const computed = this.computed.get(id);
    switch (news.type) {
      case "started":
        this.computed.set(id, 0);
        return;
      case "progress": {
        const { prefill } = news.progress;
        if (prefill && computed !== undefined) this.computed.set(id, prefill.done - prefill.reused);
        return;
      }
      case "ended": {
        this.computed.delete(id);
        const { totals } = news.result;
        if (computed !== undefined) this.learn(totals.steps > 0 ? totals.promptTokens - totals.reusedTokens : computed, totals);
        return;
      }
      case "failed":
        this.computed.delete(id);
    }
  }

  /** A prompt was computed to its end, and nothing written. */
  prepared({ totals }: GenerateResult): void {
    this.learn(totals.promptTokens - totals.reusedTokens, totals);
  }

  /** Tokens a second; null where nothing was measured with the pair that was last asked for. */
  get tokensPerSecond(): number | null {
    return this.tokensPerMs === null ? null : this.tokensPerMs * 1000;
  }

  /** Milliseconds that so many tokens take; null where that is not known yet. */
  ms(loaded: Loaded, tokens: number): number | null {
    const rate = this.rate(loaded);
    return rate === null ? null : tokens / rate;
  }

  /** Tokens of the longest prompt that is computed within `ms`: no limit for what other devices than the CPU compute and was not measured yet. */
  longest(loaded: Loaded, ms: number): number {
    const rate = this.rate(loaded);
    if (rate === null) return Infinity;
    const affordable = rate * ms;
    const before = this.limits.get(ms);
    if (before !== undefined && affordable >= before * TOO_LONG && affordable < before * TOO_SHORT) return before;
    const steps = Math.floor(Math.log(Math.max(1, affordable / SHORTEST)) / Math.log(STEP));
    const limit = Math.round(SHORTEST * STEP ** steps);
    this.limits.set(ms, limit);
    return limit;
  }

  private rate(loaded: Loaded): number | null {
    const pair = [loaded.target.path, loaded.draft?.path, loaded.device.name, loaded.split?.layersOnDevice, loaded.threads].join("\n");
    if (pair !== this.pair) {
      this.pair = pair;
      this.tokensPerMs = null;
      this.computed.clear();
      this.limits.clear();
    }
    return this.tokensPerMs ?? guess(loaded);
  }

  /** By the worker's own time, which stands at the last piece where a request ended within its prompt. */
  private learn(tokens: number, { prefillMs, alone }: Totals): void {
    if (!alone.prompt || tokens < FEWEST_TOKENS || !(prefillMs > 0)) return;
    const seen = tokens / prefillMs;
    this.tokensPerMs = this.tokensPerMs === null ? seen : this.tokensPerMs + SMOOTHING * (seen - this.tokensPerMs);
  }
}

/** By the processor's threads; for a split target by what its pieces of a prompt copy to the GPU; null for what is on a GPU alone. */
function guess({ device, threads, target, split }: Loaded): number | null {
  if (split) return SPLIT_PIECE_TOKENS / Math.max(1, (target.fileBytes * (1 - split.layersOnDevice / target.layers)) / COPIED_BYTES_PER_MS);
  return device.kind === "cpu" ? (Math.max(1, threads) * GUESSED_OPERATIONS_PER_MS) / (2 * Math.max(1, target.parameters)) : null;
}
