// The picture of a running generation: state and size in, lines out. Lanes stand in a grid of as many columns as give
// each of them a readable piece of text; on a small terminal each takes one line.
import { formatCount, formatDevice, formatDuration, formatLogprob, formatMs, formatParameters, formatPercent, plural } from "./format";
import { meanLogprob, type LaneState, type LiveState } from "./liveState";
import { finishWords } from "./ranking";
import { modelLabel } from "./modelLabel";
import { sparkline } from "./sparkline";
import { quantile } from "./statistics";
import { speakable, type Theme } from "./terminal";
import { displayWidth, truncate } from "./width";
import { tailLine, tailLines } from "./wrap";

export interface Size {
  columns: number;
  rows: number;
}

const HEADER_ROWS = 3;
/** A column narrower than this wraps most lines of code. */
const MIN_CELL = 36;
/** Cells no wider than this, with this many lines of text, need no further column. */
const GOOD_CELL = 100;
const GOOD_TEXT_ROWS = 4;
const GUTTER = " │ ";
const SPARK_WINDOW = 48;

export interface Grid {
  columns: number;
  cellWidth: number;
  /** Rows of a cell, its header line included; 1: header and text share the line. */
  cellRows: number;
  /** Lanes there is no room for. */
  hidden: number;
}

export function chooseGrid(lanes: number, { columns: width, rows }: Size): Grid {
  const available = Math.max(1, rows - HEADER_ROWS);
  let chosen: Grid | undefined;
  for (let columns = 1; columns <= lanes; columns++) {
    const cellWidth = Math.floor((width - GUTTER.length * (columns - 1)) / columns);
    if (columns > 1 && cellWidth < MIN_CELL) break;
    chosen = { columns, cellWidth, cellRows: Math.floor(available / Math.ceil(lanes / columns)), hidden: 0 };
    if (chosen.cellRows > GOOD_TEXT_ROWS && cellWidth <= GOOD_CELL) break;
  }
  if (chosen && chosen.cellRows >= 2) return chosen;
  const shown = lanes <= available ? lanes : Math.max(1, available - 1);
  return { columns: 1, cellWidth: width, cellRows: 1, hidden: lanes - shown };
}

/** Exactly the lines to draw: never more than `size.rows`, none wider than `size.columns`. `nowMs`: since the command began. */
export function frame(state: LiveState, size: Size, theme: Theme, nowMs: number): string[] {
  return speakable(picture(state, size, theme, nowMs), theme).slice(0, size.rows);
}

function picture(state: LiveState, size: Size, theme: Theme, nowMs: number): string[] {
  const head = [titleLine(state, size.columns, theme), totalsLine(state, size.columns, theme, nowMs), bar(state, size.columns, theme)];
  if (state.phase === "starting" || state.phase === "loading") return head;
  const grid = chooseGrid(state.lanes.length, size);
  const shared = { ranks: state.ranks(), high: sparkHeight(state), speculative: drafts(state) };
  const cells = state.lanes.slice(0, state.lanes.length - grid.hidden).map((lane) => cell(state, lane, grid, theme, shared));
  const body: string[] = [];
  const gridRows = Math.ceil(cells.length / grid.columns);
  for (let row = 0; row < gridRows; row++) {
    for (let line = 0; line < grid.cellRows; line++) {
      const parts = Array.from({ length: grid.columns }, (_, column) => cells[row * grid.columns + column]?.[line] ?? "");
      body.push(joinCells(parts, grid, theme));
    }
  }
  if (grid.hidden > 0) body.push(theme.dim(truncate(`and ${plural(grid.hidden, "lane")} more below`, size.columns)));
  return [...head, ...body];
}

/** Cells begin at fixed columns, told to the terminal outright: a character whose width it sees differently shifts nothing. */
function joinCells(parts: readonly string[], grid: Grid, theme: Theme): string {
  return parts.map((part, index) => {
    if (index === 0) return part;
    const column = index * (grid.cellWidth + GUTTER.length) - GUTTER.length + 1;
    return `\u001b[${column}G${theme.dim(theme.unicode ? GUTTER : " | ")}${part}`;
  }).join("");
}

interface Shared {
  ranks: Map<number, number>;
  high: number;
  speculative: boolean;
}

function cell(state: LiveState, lane: LaneState, grid: Grid, theme: Theme, shared: Shared): string[] {
  if (grid.cellRows === 1) return [compactLine(state, lane, grid.cellWidth, theme, shared)];
  if (grid.cellRows === 2) return [headerLine(state, lane, grid.cellWidth, theme, shared), tailLine(lane.spans, grid.cellWidth, theme)];
  return [
    headerLine(state, lane, grid.cellWidth, theme, shared),
    ...tailLines(lane.spans, grid.cellWidth, grid.cellRows - 1, theme, lane.finishReason === undefined),
  ];
}

function rankAndMark(lane: LaneState, theme: Theme, shared: Shared): string {
  const rank = String(shared.ranks.get(lane.lane) ?? (theme.unicode ? "–" : "-")).padStart(2);
  return `${theme.accent.bold(rank)} ${mark(lane, theme)}`;
}

function mark({ finishReason }: LaneState, { marks, accent, good, warn }: Theme): string {
  switch (finishReason) {
    case undefined: return accent(marks.writing);
    case "end": case "stop": case "length": return good(marks.finished);
    default: return warn(marks.cut);
  }
}

const MARK_WIDTH = 4;
const MIN_SPARK = 8;

/** Rank, mark, sparkline and as many figures as fit, each right-aligned in a column of fixed width so that nothing jitters. */
function headerLine(state: LiveState, lane: LaneState, width: number, theme: Theme, shared: Shared): string {
  const ms = formatMs(state.laneMsPerToken(lane));
  const wide = width >= 64;
  const figures: { text: string; width: number }[] = [{ text: `${ms} ms${wide ? "/token" : ""}`, width: wide ? 12 : 8 }];
  if (shared.speculative) {
    const share = formatPercent(lane.drafted === 0 ? null : lane.accepted / lane.drafted);
    figures.push(wide ? { text: `accepted ${share}`, width: 15 } : { text: share, width: 6 });
  }
  figures.push({ text: `${formatCount(lane.tokens)} tok`, width: 9 });
  if (wide) figures.push({ text: `log p ${formatLogprob(lane.tokens === 0 ? null : meanLogprob(lane))}`, width: 13 });
  const total = (): number => figures.reduce((sum, figure) => sum + figure.width, 0);
  while (figures.length > 1 && total() + MARK_WIDTH + MIN_SPARK > width) figures.pop();

  const word = wide ? ` ${(lane.finishReason ? finishWords[lane.finishReason] : "writing").padEnd(12)}` : "";
  const room = width - MARK_WIDTH - total() - word.length - 2;
  const spark = sparkline(lane.latencies, Math.min(room, SPARK_WINDOW), shared.high, theme.unicode);
  const space = " ".repeat(Math.max(1, room - spark.length + 1));
  const text = figures.map((figure) => figure.text.padStart(figure.width)).join("");
  const line = `${rankAndMark(lane, theme, shared)}${word} ${theme.accent(spark)}${space}${theme.dim(text)}`;
  return theme.ruled(room > 0 ? line : truncatePainted(line, width, theme));
}

function compactLine(state: LiveState, lane: LaneState, width: number, theme: Theme, shared: Shared): string {
  const ms = `${formatMs(state.laneMsPerToken(lane))} ms`.padStart(8);
  const tail = width - MARK_WIDTH - ms.length - 2;
  const text = tail > 4 ? tailLine(lane.spans, tail, theme) : "";
  return truncatePainted(`${rankAndMark(lane, theme, shared)}${theme.dim(ms)}  ${text}`, width, theme);
}

/** A guard for very narrow terminals: a line that does not fit loses its colours and its end. */
function truncatePainted(line: string, width: number, theme: Theme): string {
  if (displayWidth(line) <= width) return line;
  return theme.dim(truncate(line.replace(/\u001b\[[0-9;]*m/g, ""), width));
}

/** By a model, or, without one, because something was looked up. */
const drafts = (state: LiveState): boolean => Boolean(state.loaded?.draft) || state.acceptance !== null;

/** One scale for all lanes; the slowest twentieth of the tokens is drawn at full height. */
function sparkHeight(state: LiveState): number {
  return 1.15 * (quantile(state.lanes.flatMap((lane) => lane.latencies.slice(-SPARK_WINDOW)), 0.95) ?? 0);
}

function titleLine(state: LiveState, width: number, theme: Theme): string {
  const hint = width >= 60 ? "Ctrl-C stops" : "";
  const loaded = state.loaded;
  const parts = loaded
    ? [
      `${modelLabel(loaded.target)}${loaded.draft ? ` + draft ${formatParameters(loaded.draft.parameters)}` : ", no draft model"}`,
      formatDevice(loaded),
    ]
    : [];
  const text = truncate(parts.join(" · "), Math.max(0, width - "Octet  ".length - hint.length - 2));
  const space = " ".repeat(Math.max(2, width - "Octet  ".length - displayWidth(text) - hint.length));
  return truncatePainted(`${theme.strong("Octet")}  ${text}${hint ? `${space}${theme.dim(hint)}` : ""}`, width, theme);
}

/** Label and value pairs, the important ones first; those that do not fit are left out. */
function totalsLine(state: LiveState, width: number, theme: Theme, nowMs: number): string {
  if (state.phase !== "decoding") return truncatePainted(waitingText(state, theme), width, theme);
  const decodeMs = state.decodeMs;
  const budget = state.wanted.budgetMs;
  const figures: [label: string, value: string, digits: number][] = [
    ["per token", `${formatMs(state.msPerToken)} ms`, 7],
    ["all", `${formatCount(decodeMs > 0 ? (state.tokens / decodeMs) * 1000 : 0)} tok/s`, 11],
    ...(drafts(state)
      ? [["accepted", formatPercent(state.acceptance), 4], ["draft", String(state.draftLength), 2]] as [string, string, number][]
      : []),
    ["time", budget === null ? formatDuration(nowMs) : `${formatDuration(state.lastMs)} of ${formatDuration(budget)}`, 6],
    ["tokens", formatCount(state.tokens), 5],
  ];
  let line = "";
  let used = 0;
  for (const [label, value, digits] of figures) {
    const size = label.length + 1 + Math.max(digits, value.length);
    if (used + size > width) break;
    line += `${theme.dim(label)} ${theme.strong(value.padEnd(digits))}  `;
    used += size + 2;
  }
  return line.trimEnd();
}

function waitingText(state: LiveState, theme: Theme): string {
  const { load, prefill } = state;
  if (state.phase === "loading" && load) {
    const what = { checking: "Checking the models", target: "Loading the target", draft: "Loading the draft", warmup: "Warming up" };
    return `${what[load.phase]} ${theme.dim(formatPercent(load.fraction))}`;
  }
  if (state.phase === "prompt") {
    return prefill ? `Reading the prompt ${theme.dim(`${formatCount(prefill.done)} of ${formatCount(prefill.total)} tokens`)}` : "Reading the prompt";
  }
  return "Starting";
}

function bar(state: LiveState, width: number, theme: Theme): string {
  const fraction = state.phase === "loading" ? state.load?.fraction ?? 0
    : state.phase === "prompt" ? ratioOf(state.prefill) : state.phase === "decoding" ? state.fraction : 0;
  const full = Math.round(fraction * width);
  const [done, rest] = theme.unicode ? ["━", "─"] : ["=", "-"];
  return theme.accent(done.repeat(full)) + theme.dim(rest.repeat(width - full));
}

const ratioOf = (prefill: LiveState["prefill"]): number => (prefill && prefill.total > 0 ? prefill.done / prefill.total : 0);
