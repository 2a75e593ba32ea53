// The row of totals above the lanes, with the thin bar of progress or budget under it.

import type { SolutionsState, SolutionsTotals } from "../../protocol/solutionsView";
import { button, el, setAttribute, setHidden, setName, setText } from "../shared/dom";
import { figure, integer, milliseconds, percent, ratio } from "../shared/format";
import { isRunning } from "./state";
import { phaseText, progress } from "./words";

export interface HeaderEvents {
  reveal(): void;
  stopAll(): void;
  more(): void;
  sort(): void;
}

/** What changes with every step is readable at this pace. */
const DRAW_EVERY_MS = 120;

export class Header {
  readonly element = el("header");
  private readonly origin: HTMLButtonElement;
  private readonly symbol = el("b", "symbol");
  private readonly file = el("span", "file");
  private readonly phase = el("span", "phase");
  private readonly bar = el("div", "bar");
  private readonly fill = el("i");
  private readonly latency = new Metric("per token", "Decoding time over tokens of a lane, mean over the lanes");
  private readonly speed = new Metric("all", "Tokens per second, all lanes together");
  private readonly accepted = new Metric("accepted", "Share of the drafted tokens that the target kept: the tinted text", "swatch");
  private readonly gained = new Metric("tokens per step", "Mean tokens that a lane gained in a step: plain decoding gains 1");
  private readonly draft = new Metric("draft length", "Tokens drafted in the last step; once all is written, the mean");
  private readonly gain = new Metric("vs plain", "Speed over plain decoding's, as the benchmark measured it here");
  private readonly stop: HTMLButtonElement;
  private readonly more: HTMLButtonElement;
  private readonly sort: HTMLButtonElement;
  private drawnTotals: SolutionsTotals | null = null;
  private drawnPhase: SolutionsState["phase"]["kind"] | null = null;
  private drawnAt = 0;
  private elapsedMs = 0;
  private elapsedAt = 0;

  constructor(events: HeaderEvents) {
    this.origin = button("", () => events.reveal(), { className: "origin", hint: "Show in the editor" });
    this.origin.append(this.symbol, this.file);
    this.stop = button("Stop all", () => events.stopAll(), { hint: "Stop every lane (Escape)" });
    this.more = button("More", () => events.more(), { hint: "Write more solutions" });
    this.sort = button("Sort by rank", () => events.sort(), { hint: "The lanes stand as they were written; put the best first" });
    this.bar.append(this.fill);
    this.bar.setAttribute("role", "progressbar");
    const metrics = [this.latency, this.speed, this.accepted, this.gained, this.draft, this.gain].map(({ element }) => element);
    this.element.append(
      el(
        "div",
        "row",
        this.origin,
        el("div", "metrics", ...metrics),
        el("div", "run", this.phase, el("span", "buttons", this.sort, this.stop, this.more)),
      ),
      this.bar,
    );
  }

  draw(state: SolutionsState, unsettled: boolean, now: number): void {
    const { totals, phase, origin } = state;
    const running = isRunning(state);
    if (totals !== this.drawnTotals && totals.elapsedMs !== this.drawnTotals?.elapsedMs) {
      this.elapsedMs = totals.elapsedMs;
      this.elapsedAt = now;
    }
    this.drawnTotals = totals;
    setHidden(this.sort, !unsettled);
    if (running && phase.kind === this.drawnPhase && now - this.drawnAt < DRAW_EVERY_MS) return;
    this.drawnAt = now;
    this.drawnPhase = phase.kind;
    this.drawFigures(state);
    const elapsed = running ? this.elapsedMs + (now - this.elapsedAt) : totals.elapsedMs;
    setText(this.symbol, origin.symbol ?? "");
    setHidden(this.symbol, origin.symbol === null);
    setName(this.file, `${origin.file}:${origin.line}`);
    setAttribute(this.origin, "title", `Show ${origin.file}:${origin.line} in the editor`);
    setText(this.phase, phaseText(phase, totals, elapsed));
    this.drawBar(state, progress(state, elapsed), running);
    setHidden(this.stop, !running);
    setHidden(this.more, phase.kind !== "done");
  }

  private drawFigures(state: SolutionsState): void {
    const { totals, lanes } = state;
    this.latency.set(totals.msPerToken, milliseconds);
    this.speed.set(totals.tokensPerSecond, (speed) => `${figure(speed)} tok/s`, lanes.length > 1 ? `all ${lanes.length}` : "speed");
    this.accepted.set(totals.acceptanceRate, percent);
    this.gained.set(totals.tokensPerStep, figure);
    if (isRunning(state)) this.draft.set(totals.draftLength, (length) => (length === 0 ? "none" : integer(length)), "draft length");
    else this.draft.set(totals.draftLength, (length) => (length === 0 ? "none" : figure(length)), "mean draft");
    this.gain.set(totals.ratioToPlain, ratio);
  }

  private drawBar({ phase, totals }: SolutionsState, filled: number | null, running: boolean): void {
    const unknown = filled === null;
    const quiet = unknown && phase.kind === "writing";
    this.bar.classList.toggle("unknown", unknown && !quiet);
    this.bar.classList.toggle("running", running);
    this.fill.style.setProperty("transform", `scaleX(${unknown ? 0 : filled.toFixed(4)})`);
    setAttribute(this.bar, "aria-label", totals.budgetMs !== null && phase.kind === "writing" ? "Time budget used" : "Progress");
    if (unknown) this.bar.removeAttribute("aria-valuenow");
    else setAttribute(this.bar, "aria-valuenow", String(Math.round(filled * 100)));
  }
}

class Metric {
  readonly element: HTMLElement;
  private readonly label: HTMLElement;
  private readonly value = el("span", "value");

  constructor(label: string, hint: string, className = "") {
    this.label = el("span", `label ${className}`.trim(), label);
    this.element = el("span", "metric", this.label, this.value);
    this.element.title = hint;
  }

  /** null hides the metric. */
  set(value: number | null, format: (value: number) => string, label?: string): void {
    setHidden(this.element, value === null);
    if (value !== null) setText(this.value, format(value));
    if (label !== undefined) setText(this.label, label);
  }
}
