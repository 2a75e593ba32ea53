// The tables of octet eval: a row for each method (and kind, and language), figures with their 95 % intervals.
import { formatFigure, formatPercent } from "../format";
import { ratio } from "../statistics";
import type { Column } from "../table";
import type { EvalMethod } from "./attempt";
import { metricsOf, type Estimate, type Metrics, type ProblemRecord } from "./metrics";

export interface SummaryRow extends Metrics {
  /** The groups that the row's problems share, e.g. { kind: "single-line" }. */
  groups: Record<string, string>;
  method: EvalMethod;
}

/** Rows by the named groups in order of name, methods in their order. Problems that a method has not done are left out. */
export function summarise(records: readonly ProblemRecord[], by: readonly string[], methods: readonly EvalMethod[]): SummaryRow[] {
  const parts = new Map<string, ProblemRecord[]>();
  for (const record of records) {
    const key = JSON.stringify(by.map((name) => record.groups[name] ?? ""));
    parts.set(key, [...(parts.get(key) ?? []), record]);
  }
  return [...parts].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, part]) => {
    const values = JSON.parse(key) as string[];
    const groups = Object.fromEntries(by.map((name, index) => [name, values[index] ?? ""]));
    return methods.flatMap((method) => {
      const attempts = part.flatMap((record) => record.methods[method] ?? []);
      return attempts.length === 0 ? [] : [{ groups, method, ...metricsOf(attempts) }];
    });
  });
}

const right = (header: string): Column => ({ header, align: "right" });
const left = (header: string): Column => ({ header, align: "left" });

export const columnsOf = (by: readonly string[]): Column[] => [
  ...by.map(left), right("problems"), left("method"), right("Pass@First"), right("Pass@All"), right("Pass@Finished"), right("finished"),
  right("first"), right("last"), right("all"), right("tok/s"), right("accepted"),
];

/** The columns as two tables, for terminals too narrow for one: what was right, and what it took. */
export function halvesOf(by: readonly string[]): number[][] {
  const labels = [...by.keys(), by.length, by.length + 1];
  const after = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => by.length + from + index);
  return [[...labels, ...after(2, 6)], [...labels, ...after(6, 11)]];
}

export function cellsOf(row: SummaryRow): string[] {
  const { first, last, all } = row.msPerToken;
  return [
    ...Object.values(row.groups), String(row.problems), row.method,
    shareText(row.passFirst), shareText(row.passAll), shareText(row.passFinished), count(row.finished),
    formatFigure(first), formatFigure(last), formatFigure(all), formatFigure(row.tokensPerSecond?.value), formatPercent(row.acceptanceRate),
  ];
}

export function shareText(estimate: Estimate | null): string {
  if (!estimate) return "–";
  const percent = (value: number): string => (value * 100).toFixed(value > 0 && value < 0.0995 ? 1 : 0);
  const { value, interval } = estimate;
  return `${percent(value)} %${interval ? ` [${percent(interval.low)}–${percent(interval.high)}]` : ""}`;
}

function count(estimate: Estimate | null): string {
  if (!estimate) return "–";
  const { value, interval } = estimate;
  return `${value.toFixed(2)}${interval ? ` [${interval.low.toFixed(2)}–${interval.high.toFixed(2)}]` : ""}`;
}

export interface Comparison {
  groups: Record<string, string>;
  method: EvalMethod;
  over: EvalMethod;
  tokensPerSecond: number | null;
  /** Below 1: less time. */
  msPerToken: number | null;
  finished: number | null;
  /** Differences of shares, in percentage points. */
  passFirstPoints: number | null;
  passAllPoints: number | null;
}

/** Batched speculation over each of the others, row by row. */
export function compare(rows: readonly SummaryRow[]): Comparison[] {
  return rows.filter(({ method }) => method === "bass").flatMap((row) =>
    rows.filter((other) => other.method !== "bass" && JSON.stringify(other.groups) === JSON.stringify(row.groups)).map((other) => ({
      groups: row.groups,
      method: row.method,
      over: other.method,
      tokensPerSecond: ratio(row.tokensPerSecond?.value ?? null, other.tokensPerSecond?.value ?? null),
      msPerToken: ratio(row.msPerToken.all, other.msPerToken.all),
      finished: ratio(row.finished?.value ?? null, other.finished?.value ?? null),
      passFirstPoints: points(row.passFirst, other.passFirst),
      passAllPoints: points(row.passAll, other.passAll),
    })));
}

const points = (a: Estimate | null, b: Estimate | null): number | null => (a && b ? (a.value - b.value) * 100 : null);

export function comparisonLine({ groups, method, over, ...figures }: Comparison): string {
  const times = (value: number | null): string => (value === null ? "–" : `${value.toFixed(2)}×`);
  const signed = (value: number | null): string => (value === null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)} points`);
  return `${[...Object.values(groups), method].join(", ")} over ${over}: ${times(figures.tokensPerSecond)} tokens per second, ` +
    `${times(figures.msPerToken)} ms per token, ${times(figures.finished)} finished lanes, ` +
    `Pass@First ${signed(figures.passFirstPoints)}, Pass@All ${signed(figures.passAllPoints)}`;
}
