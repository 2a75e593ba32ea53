// The recent requests, newest first: press one to show it.

import type { RequestSummary } from "../../protocol/latencyView";
import { button, el, setAttribute, setHidden, setName, setText } from "../shared/dom";
import { count, duration, figure, integer, percent } from "../shared/format";

export interface HistoryEvents {
  show(id: string | null): void;
  clear(): void;
}

const KINDS: Record<RequestSummary["kind"], string> = { inline: "inline", solutions: "solutions", benchmark: "benchmark" };
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });

export class History {
  readonly element: HTMLElement;
  private readonly list = el("ul");
  private readonly follow: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly rows = new Map<string, Row>();

  constructor(private readonly events: HistoryEvents) {
    this.follow = button("Follow newest", () => events.show(null), { className: "small" });
    this.clear = button("Clear", () => events.clear(), { className: "small" });
    this.element = el("section", "history", el("div", "caption", el("h2", "", "Requests"), el("span", "buttons", this.follow, this.clear)), this.list);
  }

  draw(history: readonly RequestSummary[], shown: string | null, following: boolean): void {
    const slowest = Math.max(...history.map(({ msPerToken }) => msPerToken ?? 0), Number.MIN_VALUE);
    const ids = new Set(history.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    for (const request of history) {
      let row = this.rows.get(request.id);
      if (!row) {
        row = new Row(() => this.events.show(request.id));
        this.rows.set(request.id, row);
        this.list.prepend(row.element);
      }
      row.draw(request, request.id === shown, (request.msPerToken ?? 0) / slowest);
    }
    setHidden(this.follow, following || history.length === 0);
    setHidden(this.clear, history.length === 0);
  }
}

class Row {
  readonly element: HTMLElement;
  private readonly press: HTMLButtonElement;
  private readonly time = el("span", "time");
  private readonly label = el("span", "label");
  private readonly size = el("span", "size");
  private readonly bar = el("i");
  private readonly speed = el("span", "speed");
  private drawn: RequestSummary | null = null;

  constructor(show: () => void) {
    this.press = button("", show, { className: "request" });
    this.press.append(this.time, this.label, this.size, el("span", "gauge", this.bar), this.speed);
    this.element = el("li", "", this.press);
  }

  draw(request: RequestSummary, shown: boolean, share: number): void {
    setAttribute(this.press, "aria-pressed", String(shown));
    this.bar.style.setProperty("transform", `scaleX(${share.toFixed(3)})`);
    if (request === this.drawn) return;
    this.drawn = request;
    const { kind, label, startedAt, state, lanes, tokens, dropped, msPerToken, wallMs, acceptanceRate } = request;
    this.press.dataset.state = state;
    setText(this.time, CLOCK.format(startedAt));
    setName(this.label, label);
    const written = `${lanes} × ${integer(lanes > 0 ? tokens / lanes : tokens)}`;
    setText(this.size, state === "failed" || (state === "cancelled" && tokens === 0) ? state : written);
    setText(this.speed, state === "running" && msPerToken === null ? "…" : figure(msPerToken));
    const without = dropped.lanes > 0 ? `, ${count(dropped.lanes, "lane")} cancelled` : "";
    this.press.title = `${label} · ${KINDS[kind]}${state === "done" ? "" : `, ${state}`} · ${count(tokens, "token")} in ${count(lanes, "lane")}${without}, ${duration(wallMs)}, ${figure(msPerToken)} ms per token, ${percent(acceptanceRate)} accepted`;
    setAttribute(this.press, "aria-label", `${label}, ${KINDS[kind]}, ${state}, ${figure(msPerToken)} milliseconds per token`);
  }
}
