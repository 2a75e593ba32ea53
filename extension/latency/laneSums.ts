// The lanes of one request: which are completions, which were dropped, and how fast each wrote.
import type { DroppedLanes, LatencyFigures } from "../../protocol/latencyView";
import type { FinishReason, GenerateResult } from "../../protocol/worker";

interface Lane {
  tokens: number;
  /** Decoding time until the lane's last token, in the worker's result until its end. */
  decodeMs: number;
  finishReason: FinishReason | undefined;
}

export class LaneSums {
  private readonly lanes = new Map<number, Lane>();
  private readonly completed = new Set<number>();

  /** `decodeMs`: from the end of the prefill to the end of the step. */
  step(at: number, gained: number, decodeMs: number, finishReason: FinishReason | undefined): void {
    const before = this.lanes.get(at) ?? { tokens: 0, decodeMs: 0, finishReason: undefined };
    this.lanes.set(at, {
      tokens: before.tokens + gained,
      decodeMs: gained > 0 ? decodeMs : before.decodeMs,
      finishReason: finishReason ?? before.finishReason,
    });
  }

  complete(lane: number): void {
    this.completed.add(lane);
  }

  /** The worker's result replaces what was summed up on the way. */
  ended({ sequences }: GenerateResult): void {
    this.lanes.clear();
    for (const { lane, tokens: { length: tokens }, msPerToken, finishReason } of sequences) {
      this.lanes.set(lane, { tokens, decodeMs: (msPerToken ?? 0) * tokens, finishReason });
    }
  }

  get tokens(): number {
    return tokensOf(this.kept);
  }

  get dropped(): DroppedLanes {
    const dropped = [...this.lanes].filter(([at, lane]) => this.isDropped(at, lane)).map(([, lane]) => lane);
    return { lanes: dropped.length, tokens: tokensOf(dropped) };
  }

  /** Of the kept lanes that have ended, the last one once all have; the mean over all so far. */
  get msPerToken(): LatencyFigures["msPerToken"] {
    const { kept } = this;
    const ended = kept.filter(({ finishReason }) => finishReason !== undefined).sort((a, b) => a.decodeMs - b.decodeMs);
    const [first, last] = [ended[0], ended.length === kept.length ? ended.at(-1) : undefined];
    const measured = kept.length > 0 ? kept : [...this.lanes.values()].filter(wrote);
    return {
      first: first ? speed(first) : null,
      last: last ? speed(last) : null,
      all: measured.length > 0 ? measured.reduce((sum, lane) => sum + speed(lane), 0) / measured.length : null,
    };
  }

  private get kept(): Lane[] {
    return [...this.lanes].filter(([at, lane]) => wrote(lane) && !this.isDropped(at, lane)).map(([, lane]) => lane);
  }

  private isDropped(at: number, { finishReason }: Lane): boolean {
    return finishReason === "cancelled" && !this.completed.has(at);
  }
}

const wrote = ({ tokens }: Lane): boolean => tokens > 0;
const speed = ({ decodeMs, tokens }: Lane): number => decodeMs / tokens;
const tokensOf = (lanes: readonly Lane[]): number => lanes.reduce((sum, { tokens }) => sum + tokens, 0);
