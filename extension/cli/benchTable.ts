// The table of octet bench: runs in, medians with their spread out, as text or Markdown.
import type { Sample } from "./benchMethods";
import { formatFigure, formatPercent } from "./format";
import { ratio, spread, type Spread } from "./statistics";
import type { Column } from "./table";

/** One counted run. */
export interface Run {
  repeat: number;
  batch: number;
  method: string;
  sample: Sample;
}

export interface Row {
  batch: number;
  method: string;
  runs: number;
  /** Tokens of one run; equal in all unless a lane ended early. */
  tokens: Spread | null;
  msPerToken: { first: Spread | null; last: Spread | null; all: Spread | null };
  tokensPerSecond: Spread | null;
  acceptanceRate: Spread | null;
  tokensPerStep: Spread | null;
  meanDraftLength: Spread | null;
  /** Tokens per second over those of regular decoding in the same repeat. */
  ratioToRegular: Spread | null;
}

/** The order of methods in a repeat: each gets each place in turn, so that drift hits all alike. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

export function summarize(runs: readonly Run[], batches: readonly number[], methods: readonly string[]): Row[] {
  return batches.flatMap((batch) => methods.flatMap((method) => {
    const own = runs.filter((run) => run.batch === batch && run.method === method);
    return own.length === 0 ? [] : [row(batch, method, own, runs)];
  }));
}

function row(batch: number, method: string, own: readonly Run[], runs: readonly Run[]): Row {
  const over = (value: (sample: Sample) => number | null): Spread | null => spread(own.map(({ sample }) => value(sample)));
  const regular = (repeat: number): number | null =>
    runs.find((run) => run.repeat === repeat && run.batch === batch && run.method === "regular")?.sample.tokensPerSecond ?? null;
  return {
    batch,
    method,
    runs: own.length,
    tokens: over((sample) => sample.tokens),
    msPerToken: { first: over((sample) => sample.first), last: over((sample) => sample.last), all: over((sample) => sample.all) },
    tokensPerSecond: over((sample) => sample.tokensPerSecond),
    acceptanceRate: over((sample) => sample.acceptanceRate),
    tokensPerStep: over((sample) => sample.tokensPerStep),
    meanDraftLength: over((sample) => sample.meanDraftLength),
    ratioToRegular: spread(own.map((run) => ratio(run.sample.tokensPerSecond, regular(run.repeat)))),
  };
}

export const columns: readonly Column[] = [
  { header: "batch", align: "right" },
  { header: "method", align: "left" },
  { header: "first", align: "right" },
  { header: "last", align: "right" },
  { header: "all", align: "right" },
  { header: "tok/s", align: "right" },
  { header: "min-max", align: "right" },
  { header: "accepted", align: "right" },
  { header: "tok/step", align: "right" },
  { header: "draft", align: "right" },
  { header: "ratio", align: "right" },
  { header: "min-max", align: "right" },
];

/** The columns as two tables, for terminals too narrow for one: speed, and what the draft did for it. */
export const halves: readonly (readonly number[])[] = [[0, 1, 2, 3, 4, 5, 6], [0, 1, 7, 8, 9, 10, 11]];

export function cells(row: Row): string[] {
  const { first, last, all } = row.msPerToken;
  return [
    String(row.batch),
    row.method,
    formatFigure(first?.median),
    formatFigure(last?.median),
    formatFigure(all?.median),
    formatFigure(row.tokensPerSecond?.median),
    range(row.tokensPerSecond, formatFigure),
    formatPercent(row.acceptanceRate?.median),
    formatFigure(row.tokensPerStep?.median),
    formatFigure(row.meanDraftLength?.median),
    row.ratioToRegular ? `${row.ratioToRegular.median.toFixed(2)}×` : "–",
    range(row.ratioToRegular, (value) => value.toFixed(2)),
  ];
}

function range(value: Spread | null, format: (value: number) => string): string {
  return value ? `${format(value.min)}–${format(value.max)}` : "–";
}
