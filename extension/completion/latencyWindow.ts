// Median and tail of the last few response times.

const DEFAULT_SIZE = 64;

export class LatencyWindow {
  private readonly values: number[] = [];

  constructor(private readonly size = DEFAULT_SIZE) {}

  add(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) return;
    this.values.push(ms);
    if (this.values.length > this.size) this.values.shift();
  }

  get count(): number {
    return this.values.length;
  }

  get p50(): number | null {
    return this.quantile(0.5);
  }

  get p95(): number | null {
    return this.quantile(0.95);
  }

  /** Linear interpolation between order statistics; null before the first value. */
  quantile(q: number): number | null {
    if (this.values.length === 0) return null;
    const sorted = [...this.values].sort((a, b) => a - b);
    const position = (sorted.length - 1) * q;
    const low = sorted[Math.floor(position)] ?? 0;
    const high = sorted[Math.ceil(position)] ?? low;
    return low + (high - low) * (position - Math.floor(position));
  }
}
