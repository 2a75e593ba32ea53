// The prompt of `octet bench`: a small library for reports in plain text. Changing it changes what the benchmark measures.

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Linear interpolation between order statistics; null for no values. */
export function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below] ?? 0;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
  return low + (high - low) * (position - below);
}

export const median = (values: readonly number[]): number | null => quantile(values, 0.5);

/** null where no value is known. */
export function spread(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const middle = median(known);
  return middle === null ? null : { median: middle, min: Math.min(...known), max: Math.max(...known) };
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function ratio(numerator: number | null, denominator: number | null): number | null {
  return numerator === null || denominator === null || denominator === 0 ? null : numerator / denominator;
}

const none = "–";

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
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

export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(value >= 9.95 ? 0 : 1)} ${units[unit]}`;
}

/** 6.5M, 7.6B. */
export function formatParameters(count: number): string {
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(count >= 99.5e9 ? 0 : 1)}B`;
  if (count >= 999.5e3) return `${(count / 1e6).toFixed(count >= 99.5e6 ? 0 : 1)}M`;
  return `${Math.round(count / 1e3)}K`;
}

/** "1 lane", "8 lanes". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

const blocks = "▁▂▃▄▅▆▇█";
const ascii = "_.-=+*#@";

/** The last `width` values scaled from 0 to `high`; what lies above `high` is drawn at full height. */
export function sparkline(values: readonly number[], width: number, high: number, unicode = true): string {
  if (width <= 0) return "";
  const levels = unicode ? blocks : ascii;
  const bars = values.slice(-width).map((value) => {
    const level = high > 0 ? Math.floor((value / high) * levels.length) : 0;
    return levels[Math.min(Math.max(level, 0), levels.length - 1)];
  });
  return bars.join("").padStart(width);
}

export interface Column {
  header: string;
  align: "left" | "right";
  /** Columns with higher numbers go first where the terminal is too narrow. 0: never. */
  dropOrder?: number;
}

const gap = "  ";

function widths(columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  return columns.map((column, index) =>
    Math.max(displayWidth(column.header), ...rows.map((row) => displayWidth(row[index] ?? ""))));
}

function pad(text: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + space : space + text;
}

/** Indices of the columns that fit into `maxWidth`. */
export function fittingColumns(columns: readonly Column[], rows: readonly (readonly string[])[], maxWidth: number): number[] {
  const width = widths(columns, rows);
  let kept = columns.map((_, index) => index);
  const total = (): number => kept.reduce((sum, index) => sum + (width[index] ?? 0) + gap.length, -gap.length);
  while (total() > maxWidth) {
    const victim = kept.reduce((worst, index) => (dropOrder(columns, index) > dropOrder(columns, worst) ? index : worst), kept[0] ?? 0);
    if (dropOrder(columns, victim) === 0) break;
    kept = kept.filter((index) => index !== victim);
  }
  return kept;
}

const dropOrder = (columns: readonly Column[], index: number): number => columns[index]?.dropOrder ?? 0;

/** Lines, the header's first; trailing white space removed. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[], maxWidth = Infinity): string[] {
  const kept = fittingColumns(columns, rows, maxWidth);
  const width = widths(columns, rows);
  const line = (cells: readonly string[]): string =>
    kept.map((index) => pad(cells[index] ?? "", width[index] ?? 0, columns[index]?.align ?? "left")).join(gap).trimEnd();
  return [line(columns.map((column) => column.header)), ...rows.map(line)];
}

export function markdownTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replace(/\|/g, "\\|")).join(" | ")} |`;
  return [
    line(columns.map((column) => column.header)),
    `|${columns.map((column) => (column.align === "right" ? "---:" : "---")).join("|")}|`,
    ...rows.map(line),
  ];
}

/** Per-token latencies kept for a lane's sparkline. */
const KEPT_LATENCIES = 200;

export interface LaneState {
  lane: number;
  /** Neighbouring spans of one kind are merged. */
  spans: TextSpan[];
  tokens: number;
  logprobSum: number;
  drafted: number;
  accepted: number;
  /** Milliseconds each of the last tokens took: its step's time over the tokens the step gave the lane. */
  latencies: number[];
  /** End of the lane's last step, since the request was taken up. */
  lastMs: number;
  finishReason?: FinishReason;
}

export class LiveState {
  phase: "starting" | "loading" | "prompt" | "decoding" = "starting";
  load: LoadProgressParams | undefined;
  loaded: LoadResult | undefined;
  prefill: { done: number; total: number; reused: number } | undefined;
  /** When the first step began; prefill lies before it. */
  decodeStartMs: number | undefined;
  lastMs = 0;
  draftLength = 0;
  lanes: LaneState[] = [];

  constructor(readonly wanted: { lanes: number; maxTokens: number; budgetMs: number | null }) {}

  onLoad(progress: LoadProgressParams): void {
    this.phase = "loading";
    this.load = progress;
  }

  onLoaded(loaded: LoadResult, lanes: number): void {
    this.phase = "prompt";
    this.loaded = loaded;
    this.lanes = Array.from({ length: lanes }, (_, lane) => ({
      lane, spans: [], tokens: 0, logprobSum: 0, drafted: 0, accepted: 0, latencies: [], lastMs: 0,
    }));
  }

  onProgress({ prefill, steps }: GenerateProgressParams): void {
    if (prefill) this.prefill = prefill;
    for (const step of steps) this.onStep(step);
  }

  private onStep(step: StepEvent): void {
    this.phase = "decoding";
    this.decodeStartMs ??= step.atMs - step.stepMs;
    this.lastMs = step.atMs;
    this.draftLength = step.draftLength;
    for (const event of step.lanes) {
      const lane = this.lanes[event.lane];
      if (lane) advance(lane, event, step);
    }
  }

  get tokens(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.tokens, 0);
  }

  get decodeMs(): number {
    return this.decodeStartMs === undefined ? 0 : this.lastMs - this.decodeStartMs;
  }

  /** Mean over the lanes, each to its own last token. */
  get msPerToken(): number | null {
    const known = this.lanes.map((lane) => this.laneMsPerToken(lane)).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  }

  laneMsPerToken(lane: LaneState): number | null {
    return lane.tokens === 0 || this.decodeStartMs === undefined ? null : (lane.lastMs - this.decodeStartMs) / lane.tokens;
  }

  get acceptance(): number | null {
    const drafted = this.lanes.reduce((sum, lane) => sum + lane.drafted, 0);
    return drafted === 0 ? null : this.lanes.reduce((sum, lane) => sum + lane.accepted, 0) / drafted;
  }

  /** Share of the work that is done, by tokens or by the time budget, whichever is further. */
  get fraction(): number {
    const wanted = this.lanes.length * this.wanted.maxTokens;
    const written = this.lanes.reduce((sum, lane) => sum + (lane.finishReason ? this.wanted.maxTokens : lane.tokens), 0);
    const byTokens = wanted === 0 ? 0 : written / wanted;
    return Math.min(1, Math.max(byTokens, this.wanted.budgetMs === null ? 0 : this.lastMs / this.wanted.budgetMs));
  }

  /** Rank of each finished lane among the finished ones by mean log-probability; later ones may still pass it. */
  ranks(): Map<number, number> {
    const finished = this.lanes.filter((lane) => lane.finishReason !== undefined && isFinished(lane.finishReason));
    const ordered = finished.sort((a, b) => meanLogprob(b) - meanLogprob(a) || a.lane - b.lane);
    return new Map(ordered.map((lane, index) => [lane.lane, index + 1]));
  }
}

export function meanLogprob(lane: LaneState): number {
  return lane.tokens === 0 ? -Infinity : lane.logprobSum / lane.tokens;
}

function advance(lane: LaneState, event: LaneEvent, step: StepEvent): void {
  const count = event.tokens.length;
  lane.tokens += count;
  lane.logprobSum += event.logprobs.reduce((sum, logprob) => sum + logprob, 0);
  lane.drafted += event.drafted;
  lane.accepted += event.accepted;
  if (count > 0) {
    for (let token = 0; token < count; token++) lane.latencies.push(step.stepMs / count);
    lane.latencies = lane.latencies.slice(-KEPT_LATENCIES);
    lane.lastMs = step.atMs;
  }
  for (const span of event.text) append(lane.spans, span);
  if (event.finishReason) lane.finishReason = event.finishReason;
}

function append(spans: TextSpan[], { text, accepted }: TextSpan): void {
  const last = spans.at(-1);
  if (last && last.accepted === accepted) last.text += text;
  else spans.push({ text, accepted });
}
