// How long to wait after a key before asking: about as long as this user's pauses between keys, less where the place is a
// good one to complete, and less by the time that the answer will take anyway. (After Tabby's adaptive debounce.)
import { LatencyWindow } from "./latencyWindow";

export interface DebounceOptions {
  /** Waits lie between these. */
  leastMs?: number;
  mostMs?: number;
  /** Typing interval assumed before any was seen. */
  firstIntervalMs?: number;
  now?: () => number;
}

/** Where the wait is for. */
export interface DebounceContext {
  linePrefix: string;
  lineSuffix: string;
  /** Nothing but white space in the window after the cursor. */
  endOfFile: boolean;
}

/** A longer pause is a pause to think, not a typing interval. */
const LONGEST_INTERVAL_MS = 1_500;
const INTERVAL_SMOOTHING = 0.2;
/** Of the typing interval, for the worst and the best place. */
const WORST_FACTOR = 1.5;
const BEST_FACTOR = 0.4;
const TRIGGER_CHARACTERS = /[\s.,(){}[\]<>:;'"=+\-*/|&!?@#]$/;

export class Debounce {
  private readonly leastMs: number;
  private readonly mostMs: number;
  private readonly now: () => number;
  private readonly responses = new LatencyWindow(20);
  private intervalMs: number;
  private lastKeyAt: number | null = null;

  constructor({ leastMs = 20, mostMs = 600, firstIntervalMs = 200, now = () => performance.now() }: DebounceOptions = {}) {
    this.leastMs = leastMs;
    this.mostMs = mostMs;
    this.intervalMs = firstIntervalMs;
    this.now = now;
  }

  /** A key was typed. */
  typed(): void {
    const at = this.now();
    const interval = this.lastKeyAt === null ? null : at - this.lastKeyAt;
    this.lastKeyAt = at;
    if (interval === null || interval > LONGEST_INTERVAL_MS || interval < 0) return;
    this.intervalMs += INTERVAL_SMOOTHING * (interval - this.intervalMs);
  }

  /** A request was answered with its first candidate after this long. */
  answered(ms: number): void {
    this.responses.add(ms);
  }

  get typingIntervalMs(): number {
    return this.intervalMs;
  }

  /** Milliseconds to wait, counted from the last key, of which some may have gone by. */
  waitMs(context: DebounceContext): number {
    const factor = WORST_FACTOR + (BEST_FACTOR - WORST_FACTOR) * placeScore(context);
    const wait = this.intervalMs * factor - (this.responses.p50 ?? 0);
    const clamped = Math.min(this.mostMs, Math.max(this.leastMs, wait));
    const gone = this.lastKeyAt === null ? 0 : Math.max(0, this.now() - this.lastKeyAt);
    return Math.max(0, clamped - gone);
  }
}

/** 0 to 1: how likely a pause here is the end of a thought. */
export function placeScore({ linePrefix, lineSuffix, endOfFile }: DebounceContext): number {
  const atTrigger = linePrefix.trim() === "" || TRIGGER_CHARACTERS.test(linePrefix);
  return (atTrigger ? 0.5 : 0) + (lineSuffix.trim() === "" ? 0.4 : 0) + (endOfFile ? 0.1 : 0);
}
