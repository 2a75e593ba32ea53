// When to start a crashed worker again: soon, then later and later, and not at all after too many crashes in a row.

export interface CrashLimits {
  /** A worker that was ready for less than this has crashed fast. */
  fastMs: number;
  /** This many fast crashes in a row, and it is given up. */
  most: number;
  /** Wait after the first crash; each further one doubles it, up to `longestWaitMs`. */
  firstWaitMs: number;
  longestWaitMs: number;
}

export const CRASH_LIMITS: CrashLimits = { fastMs: 10_000, most: 5, firstWaitMs: 250, longestWaitMs: 10_000 };

export class CrashCount {
  private inARow = 0;

  constructor(private readonly limits: CrashLimits) {}

  get count(): number {
    return this.inARow;
  }

  /** Milliseconds to wait before the next start, or null: give up. `readyMs`: how long the worker had been ready, if ever. */
  crashed(readyMs: number | null): number | null {
    const { fastMs, most, firstWaitMs, longestWaitMs } = this.limits;
    this.inARow = readyMs === null || readyMs < fastMs ? this.inARow + 1 : 1;
    return this.inARow >= most ? null : Math.min(firstWaitMs * 2 ** (this.inARow - 1), longestWaitMs);
  }

  reset(): void {
    this.inARow = 0;
  }
}
