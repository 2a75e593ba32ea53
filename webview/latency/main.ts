// The Latency view: messages in, state, one drawing a frame; the user's actions out.

import type { FromLatencyView, LatencyChange, LatencyState, ShownRequest, StepSample, ToLatencyView } from "../../protocol/latencyView";
import { Announcer } from "../shared/announcer";
import { button, byId, el, setHidden } from "../shared/dom";
import { ErrorBox } from "../shared/errorBox";
import { figure, percent } from "../shared/format";
import { Frame } from "../shared/frame";
import { connect } from "../shared/host";
import { Sequence } from "../shared/sequence";
import { onThemeChange } from "../shared/theme";
import "../shared/base.css";
import "./latency.css";
import "./side.css";
import { Benchmark } from "./benchmark";
import { Chart } from "./chart";
import { Figures } from "./figures";
import { History } from "./history";
import { drafts, stepTimes } from "./series";
import type { Columns } from "./series";
import { applyChange } from "./state";
import { WorkerLine } from "./workerLine";

/** Figures that change with every step are readable at this pace; each time one of the charts is drawn too. */
const DRAW_EVERY_MS = 125;

let state: LatencyState | null = null;
let drawnAt = -Infinity;
let timer = 0;
let drawnRequest: string | null = null;

const host = connect<ToLatencyView, FromLatencyView>((message) => sequence.receive(message));
const sequence = new Sequence<LatencyState, LatencyChange>({
  ask: (reason) => host.post({ type: "ready", reason }),
  replaced: (snapshot) => update(snapshot),
  changed: (change) => state && update(applyChange(state, change)),
});

const valueOf = (series: number) => (columns: Columns, index: number) => columns[series]?.[index] ?? null;
const difference = (series: number) => (columns: Columns, index: number) =>
  (columns[series]?.[index] ?? 0) - (series > 1 ? (columns[series - 1]?.[index] ?? 0) : 0);

const worker = new WorkerLine();
const error = new ErrorBox((action) => host.post({ type: "errorAction", action }));
const figures = new Figures();
const times = new Chart("Step time", " ms", [
  { label: "draft", colour: "--vscode-charts-green", stacked: true, value: difference(1), format: figure },
  { label: "verify", colour: "--vscode-charts-blue", stacked: true, value: difference(2), format: figure },
  { label: "host", colour: "--vscode-charts-orange", stacked: true, value: difference(3), format: figure },
]);
const lengths = new Chart("Speculation", "", [
  { label: "draft length", colour: "--vscode-charts-purple", stepped: true, whole: true, value: valueOf(1), format: figure },
  { label: "accepted", colour: "--vscode-charts-green", scale: "share", value: valueOf(2), format: percent },
]);
/** Longest undrawn first. */
const charts: { chart: Chart; columns: (steps: readonly StepSample[]) => Columns; drawn: ShownRequest | null }[] = [
  { chart: times, columns: stepTimes, drawn: null },
  { chart: lengths, columns: drafts, drawn: null },
];
const history = new History({
  show: (id) => host.post({ type: "showRequest", id }),
  clear: () => host.post({ type: "clearHistory" }),
});
const benchmark = new Benchmark({
  run: () => host.post({ type: "runBenchmark" }),
  cancel: () => host.post({ type: "cancelBenchmark" }),
  errorAction: (action) => host.post({ type: "errorAction", action }),
});
const empty = el(
  "section",
  "nothing",
  el("p", "title", "No request has been measured yet."),
  el("p", "", "Write some code and wait for a completion, or let eight solutions be written: every step is drawn here as it happens."),
  button("Generate Solutions", () => host.post({ type: "generate" }), { className: "primary" }),
);
const announcer = new Announcer();
const measured = el("div", "measured", figures.element, times.element, lengths.element);
const side = el("div", "side", benchmark.element, history.element);
const main = el("main", "", empty, measured, side);
main.hidden = true; // until there is something to draw
byId("root").append(worker.element, error.element, main, announcer.element);

const frame = new Frame((now) => {
  if (!state) return;
  drawnAt = now;
  main.hidden = false;
  const { shown } = state;
  worker.draw(state.worker);
  error.draw(state.worker.error);
  setHidden(empty, shown !== null);
  setHidden(measured, shown === null);
  if (shown) drawRequest(shown);
  history.draw(state.history, shown?.id ?? null, state.following);
  setHidden(history.element, state.history.length === 0);
  benchmark.draw(state.benchmark);
  if (state.benchmark.kind === "running") announcer.tell("Benchmark running.");
  if (state.benchmark.kind === "done") announcer.tell(`Benchmark done: ${state.benchmark.conditions}.`);
});

/** Figures and one chart, or both of another request: a chart is the dearest part of a frame. */
function drawRequest(shown: ShownRequest): void {
  figures.draw(shown.figures);
  const stale = charts.filter(({ drawn }) => drawn !== shown);
  for (const entry of shown.id === drawnRequest ? stale.slice(0, 1) : stale) {
    entry.chart.draw(entry.columns(shown.steps));
    entry.drawn = shown;
    charts.push(...charts.splice(charts.indexOf(entry), 1));
  }
  drawnRequest = shown.id;
  if (charts.some(({ drawn }) => drawn !== shown)) schedule();
}

function update(next: LatencyState): void {
  state = next;
  schedule();
}

function schedule(): void {
  clearTimeout(timer);
  const wait = drawnAt + DRAW_EVERY_MS - performance.now();
  if (wait <= 0) frame.request();
  else timer = window.setTimeout(() => frame.request(), wait);
}

onThemeChange(() => {
  times.repaint();
  lengths.repaint();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") sequence.shownAgain();
});
sequence.start();
