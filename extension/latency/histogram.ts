// Quantiles of any number of latencies in constant memory: buckets a hundredth wide, each with its mean.

const WIDTH = Math.log(1.01);
const LEAST_MS = 0.001;

export class Histogram {
  private readonly buckets = new Map<number, { count: number; sum: number }>();
  private count = 0;

  add(ms: number, count = 1): void {
    const at = Math.floor(Math.log(Math.max(LEAST_MS, ms) / LEAST_MS) / WIDTH);
    const bucket = this.buckets.get(at);
    if (bucket) {
      bucket.count += count;
      bucket.sum += ms * count;
    } else this.buckets.set(at, { count, sum: ms * count });
    this.count += count;
  }

  /** The value that a share `q` of all are at most; within a hundredth of it. null for no values. */
  quantile(q: number): number | null {
    let left = Math.max(1, Math.ceil(q * this.count));
    for (const [, { count, sum }] of [...this.buckets].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return sum / count;
    }
    return null;
  }
}
