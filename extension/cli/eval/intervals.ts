// 95 % intervals of what octet eval counts.
import { quantile } from "../statistics";
import { seededRandom } from "./random";

export interface Interval {
  low: number;
  high: number;
}

const Z = 1.959964; // the normal distribution's 97.5 % quantile

/** Of a proportion (Wilson 1927); null for no trials. */
export function wilson(successes: number, trials: number): Interval | null {
  if (trials === 0) return null;
  const share = successes / trials;
  const scale = 1 + Z ** 2 / trials;
  const middle = (share + Z ** 2 / (2 * trials)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / trials + Z ** 2 / (4 * trials ** 2));
  return { low: successes === 0 ? 0 : middle - half, high: successes === trials ? 1 : middle + half };
}

const RESAMPLES = 2000;

/** Of a figure over problems, by the percentile bootstrap with a fixed seed; null where the figure has no value. */
export function bootstrap<T>(problems: readonly T[], figure: (sample: readonly T[]) => number | null): Interval | null {
  if (problems.length === 0) return null;
  const random = seededRandom(1, "bootstrap");
  const values: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const value = figure(problems.map(() => problems[Math.floor(random() * problems.length)] as T));
    if (value !== null) values.push(value);
  }
  const low = quantile(values, 0.025);
  const high = quantile(values, 0.975);
  return low === null || high === null ? null : { low, high };
}
