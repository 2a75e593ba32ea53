// The benchmark: plain decoding against speculation, as bars of tokens per second with their ratios.

import type { BenchmarkState } from "../../protocol/latencyView";
import type { ErrorAction } from "../../protocol/webview";
import { button, el, setHidden, setText } from "../shared/dom";
import { ErrorBox } from "../shared/errorBox";
import { figure, integer, percent, ratio } from "../shared/format";
import { bars } from "./series";
import type { Bar } from "./series";

export interface BenchmarkEvents {
  run(): void;
  cancel(): void;
  errorAction(action: ErrorAction): void;
}

const EXPLANATION = "Decodes one prompt plainly and by speculation, with the models that are loaded.";

export class Benchmark {
  readonly element: HTMLElement;
  private readonly text = el("p", "explanation");
  private readonly run: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly progress = el("div", "progress", el("i"));
  private readonly runs = el("div", "runs");
  private readonly error: ErrorBox;
  private drawn: BenchmarkState | null = null;

  constructor(events: BenchmarkEvents) {
    this.run = button("Run benchmark", () => events.run(), { className: "small" });
    this.cancel = button("Cancel", () => events.cancel(), { className: "small" });
    this.error = new ErrorBox((action) => events.errorAction(action));
    this.progress.setAttribute("role", "progressbar");
    this.progress.setAttribute("aria-label", "Benchmark");
    this.element = el(
      "section",
      "benchmark",
      el("div", "caption", el("h2", "", "Benchmark"), el("span", "buttons", this.run, this.cancel)),
      this.progress,
      this.text,
      this.error.element,
      this.runs,
    );
  }

  draw(state: BenchmarkState): void {
    if (state === this.drawn) return;
    this.drawn = state;
    const running = state.kind === "running";
    setHidden(this.run, running);
    setHidden(this.cancel, !running);
    setText(this.run, state.kind === "none" ? "Run benchmark" : "Run again");
    setHidden(this.progress, !running);
    if (running) {
      (this.progress.firstChild as HTMLElement).style.setProperty("transform", `scaleX(${state.fraction.toFixed(3)})`);
      this.progress.setAttribute("aria-valuenow", String(Math.round(state.fraction * 100)));
    }
    setText(this.text, explanation(state));
    setHidden(this.text, this.text.textContent === "");
    this.error.draw(state.kind === "failed" ? state.error : null);
    this.runs.replaceChildren(...("runs" in state ? bars(state.runs).map(drawBar) : []));
  }
}

function explanation(state: BenchmarkState): string {
  switch (state.kind) {
    case "none":
      return EXPLANATION;
    case "running":
      return `${state.label}…`;
    case "done":
      return state.conditions;
    case "cancelled":
      return "The benchmark was cancelled.";
    case "failed":
      return "";
  }
}

function drawBar({ run, share, ratio: gain }: Bar): HTMLElement {
  const fill = el("i");
  fill.style.setProperty("transform", `scaleX(${share.toFixed(3)})`);
  const { first, last, all } = run.msPerToken;
  const details = [`Milliseconds per token: first ${figure(first)}, last ${figure(last)}, all ${figure(all)}`];
  if (run.acceptanceRate !== null) details.push(`${percent(run.acceptanceRate)} accepted`);
  if (run.tokensPerStep !== null) details.push(`${figure(run.tokensPerStep)} tokens per step`);
  const row = el(
    "div",
    gain === null ? "run plain" : "run",
    el("span", "name", run.label),
    el("span", "gauge", fill),
    el("span", "speed", `${integer(run.tokensPerSecond)} tok/s`),
    el("span", "ratio", gain === null ? "" : ratio(gain)),
  );
  for (const cell of row.children) (cell as HTMLElement).title = details.join("; ");
  return row;
}
