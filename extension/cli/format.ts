// Figures as people read them. A figure that is not known is a dash.

import type { LoadResult } from "../../protocol/worker";
import { oneLine } from "./sanitize";

export { formatBytes } from "../models/words";

const none = "–";
const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function formatCount(value: number): string {
  return grouped.format(value);
}

/** Three significant digits at most: 0.85, 1.9, 12, 1,950. */
export function formatFigure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none;
  const size = Math.abs(value);
  if (size >= 99.5) return formatCount(value);
  return value.toFixed(size >= 9.95 ? 1 : 2);
}

/** Milliseconds for a narrow column: 0.85, 1.9, 12. */
export function formatMs(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none;
  if (value >= 9.95) return formatCount(value);
  return value.toFixed(value >= 0.995 ? 1 : 2);
}

export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function formatPercent(fraction: number | null | undefined): string {
  return fraction === null || fraction === undefined || !Number.isFinite(fraction) ? none : `${Math.round(fraction * 100)} %`;
}

/** With a true minus sign. */
export function formatLogprob(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none;
  return value.toFixed(2).replace("-", "−").replace(/^−0\.00$/, "0.00");
}

/** 6.5M, 7.6B. */
export function formatParameters(count: number): string {
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(count >= 99.5e9 ? 0 : 1)}B`;
  if (count >= 999.5e3) return `${(count / 1e6).toFixed(count >= 99.5e6 ? 0 : 1)}M`;
  return `${Math.round(count / 1e3)}K`;
}

/** "CPU, 4 threads", "Vulkan0", "Vulkan0 (19 of 28 layers) and 4 threads". */
export function formatDevice({ device, split, target, threads }: LoadResult): string {
  const name = oneLine(device.name);
  if (split) return `${name} (${split.layersOnDevice} of ${plural(target.layers, "layer")}) and ${plural(threads, "thread")}`;
  return device.kind === "cpu" ? `${name}, ${plural(threads, "thread")}` : name;
}

/** "1 lane", "8 lanes". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
