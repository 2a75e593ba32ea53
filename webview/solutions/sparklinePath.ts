// Latencies as the path of a sparkline. Pure.

import { SPARKLINE_POINTS } from "../../protocol/solutionsView";

export const HEIGHT = 20;
export const WIDTH = 2 * (SPARKLINE_POINTS - 1);
const MARGIN = 2;
/** Fewer points do not fill the width: a lane that begins is not drawn as one that has gone on for long. */
const FULL_FROM = 24;

/** The path of these latencies, oldest at the left, zero at the bottom. */
export function sparklinePath(latencies: readonly number[]): string {
  if (latencies.length < 2) return "";
  const top = ceiling(latencies);
  const scale = (HEIGHT - 2 * MARGIN) / top;
  const step = WIDTH / (Math.max(latencies.length, FULL_FROM) - 1);
  let path = "";
  for (const [index, latency] of latencies.entries()) {
    const y = HEIGHT - MARGIN - Math.min(latency, top) * scale;
    path += `${index === 0 ? "M" : "L"}${(index * step).toFixed(1)} ${y.toFixed(1)}`;
  }
  return path;
}

/** Just above the usual latencies, so that one slow step is cut off rather than flattening the rest. */
function ceiling(latencies: readonly number[]): number {
  const sorted = [...latencies].sort((a, b) => a - b);
  const usual = sorted[Math.floor((sorted.length - 1) * 0.9)] ?? 0;
  return Math.max(usual * 1.25, 0.001);
}
