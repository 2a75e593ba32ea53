// Figures as people read them. Null is a dash.

export const DASH = "–";
const MINUS = "\u2212";
const MOST_DECIMALS = 6;
const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

const orDash = (value: number | null, format: (value: number) => string): string =>
  value === null || !Number.isFinite(value) ? DASH : format(value);

/** About three digits: 0.43, 1.9, 12.4, 130, 4,180. */
export function figure(value: number | null): string {
  return orDash(value, (v) => {
    const size = Math.abs(v);
    if (size >= 99.95) return GROUPED.format(v);
    return v.toFixed(size >= 0.995 || size === 0 ? 1 : 2);
  });
}

export const integer = (value: number | null): string => orDash(value, (v) => GROUPED.format(v));

/** A share of 0 to 1: "78 %". */
export const percent = (share: number | null): string => orDash(share, (v) => `${Math.round(v * 100)} %`);

/** A log-probability: "−0.18". */
export const logprob = (value: number | null): string =>
  orDash(value, (v) => (v < 0 ? MINUS : "") + Math.abs(v).toFixed(2));

export const ratio = (value: number | null): string => orDash(value, (v) => `${v.toFixed(v < 9.95 ? 1 : 0)}×`);

/** A duration that is read as a whole: "840 ms", "2.4 s", "1 min 20 s". */
export function duration(ms: number | null): string {
  return orDash(ms, (v) => {
    if (v < 1000) return `${Math.round(v)} ms`;
    if (v < 60_000) return `${(v / 1000).toFixed(1)} s`;
    const seconds = Math.round(v / 1000);
    return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  });
}

/** Milliseconds with their unit: "1.9 ms". */
export const milliseconds = (ms: number | null): string => orDash(ms, (v) => `${figure(v)} ms`);

/** Labels of an axis whose ticks are multiples of `step`, with as many decimals as tell them apart: "0.02 s", "0.0225 s". */
export function ticks(values: readonly number[], step: number, unit: string): string[] {
  const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-6;
  let digits = 0;
  while (digits < MOST_DECIMALS && !isWhole(step * 10 ** digits)) digits++;
  return values.map((value) => `${+value.toFixed(digits)}${unit}`);
}

/** Binary units: "612 MB", "9.4 GB". */
export function bytes(value: number | null): string {
  return orDash(value, (v) => {
    const mega = v / 2 ** 20;
    return mega < 1000 ? `${mega.toFixed(mega < 10 ? 1 : 0)} MB` : `${(mega / 1024).toFixed(mega < 10_240 ? 1 : 0)} GB`;
  });
}

/** "1 token", "2 tokens". */
export const count = (value: number, noun: string): string => `${GROUPED.format(value)} ${noun}${value === 1 ? "" : "s"}`;
