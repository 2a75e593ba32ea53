// What the charts draw, from the steps of a request. Pure.

import type { BenchmarkRun, StepSample } from "../../protocol/latencyView";

/** Columns of a chart: x, then a column a series; null leaves a gap. */
export type Columns = [number[], ...(number | null)[][]];

/** Steps that share a point of the acceptance line: alone they jump between a few values. */
const SMOOTHED_OVER = 12;
/** Points a chart draws at most; of longer runs, neighbouring steps are averaged. */
export const MOST_POINTS = 240;

/** Seconds since the request began; then draft, draft + verify, draft + verify + host in milliseconds: a stack's edges. */
export function stepTimes(steps: readonly StepSample[]): Columns {
  const groups = grouped(steps);
  const edge = (value: (step: StepSample) => number) => groups.map((group) => mean(group, value));
  return [
    groups.map((group) => (group.at(-1)?.atMs ?? 0) / 1000),
    edge(({ draftMs }) => draftMs),
    edge(({ draftMs, verifyMs }) => draftMs + verifyMs),
    edge(({ draftMs, verifyMs, hostMs }) => draftMs + verifyMs + hostMs),
  ];
}

/** Seconds since the request began; draft length; share accepted (0 to 1) of the steps up to there. */
export function drafts(steps: readonly StepSample[]): Columns {
  const groups = grouped(steps);
  let end = 0;
  const accepted = groups.map((group) => {
    end += group.length;
    const recent = steps.slice(Math.max(0, end - Math.max(SMOOTHED_OVER, group.length)), end);
    const drafted = recent.reduce((sum, step) => sum + step.drafted, 0);
    return drafted > 0 ? recent.reduce((sum, step) => sum + step.accepted, 0) / drafted : null;
  });
  return [
    groups.map((group) => (group.at(-1)?.atMs ?? 0) / 1000),
    groups.map((group) => mean(group, ({ draftLength }) => draftLength)),
    accepted,
  ];
}

function grouped(steps: readonly StepSample[]): StepSample[][] {
  const size = Math.ceil(steps.length / MOST_POINTS);
  const groups: StepSample[][] = [];
  for (let at = 0; at < steps.length; at += size) groups.push(steps.slice(at, at + size));
  return groups;
}

const mean = (steps: readonly StepSample[], value: (step: StepSample) => number): number =>
  steps.reduce((sum, step) => sum + value(step), 0) / steps.length;

/** One bar of the benchmark's drawing. */
export interface Bar {
  run: BenchmarkRun;
  /** Share of the width, 0 to 1: the fastest run fills it. */
  share: number;
  /** Speed over the first run's; null for the first. */
  ratio: number | null;
}

export function bars(runs: readonly BenchmarkRun[]): Bar[] {
  const fastest = Math.max(...runs.map(({ tokensPerSecond }) => tokensPerSecond), Number.MIN_VALUE);
  const plain = runs[0]?.tokensPerSecond ?? 0;
  return runs.map((run, index) => ({
    run,
    share: run.tokensPerSecond / fastest,
    ratio: index === 0 || plain <= 0 ? null : run.tokensPerSecond / plain,
  }));
}
