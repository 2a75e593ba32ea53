// Bytes per second over the last few seconds, and the time that is left at this rate.

const WINDOW_MS = 5_000;

export class Rate {
  private readonly samples: { at: number; bytes: number }[] = [];

  /** `bytes` that have come so far, `at` in milliseconds. */
  add(bytes: number, at: number): void {
    this.samples.push({ at, bytes });
    while (this.samples.length > 2 && at - this.samples[1]!.at >= WINDOW_MS) this.samples.shift();
  }

  /** What was waited through does not count. */
  reset(): void {
    this.samples.length = 0;
  }

  /** null: too little is known. */
  get bytesPerSecond(): number | null {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (!first || !last || last.at <= first.at || last.bytes <= first.bytes) return null;
    return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
  }
}
