// The headline figures of the request shown.

import type { LatencyFigures } from "../../protocol/latencyView";
import { el, setHidden, setText } from "../shared/dom";
import { count, figure, integer, milliseconds, percent } from "../shared/format";

interface Row {
  label: string;
  hint: string;
  value: (figures: LatencyFigures) => string;
}

const ROWS: Row[] = [
  { label: "first token", hint: "From the request to the first token, the prompt included", value: (f) => milliseconds(f.firstTokenMs) },
  { label: "p50", hint: "Half of all tokens took less", value: (f) => milliseconds(f.p50Ms) },
  { label: "p95", hint: "19 of 20 tokens took less", value: (f) => milliseconds(f.p95Ms) },
  {
    label: "first · last · all",
    hint: "Milliseconds per token of the first lane to finish, the last, and the mean over all; cancelled lanes left out",
    value: ({ msPerToken: { first, last, all } }) => [first, last, all].map(figure).join(" · "),
  },
  { label: "all lanes", hint: "Tokens per second, all lanes together, cancelled ones too", value: (f) => `${figure(f.tokensPerSecond)} tok/s` },
  { label: "accepted", hint: "Share of the drafted tokens that the target kept", value: (f) => percent(f.acceptanceRate) },
  { label: "tokens per step", hint: "Mean tokens that a live lane gained in a step", value: (f) => figure(f.tokensPerStep) },
  { label: "draft length", hint: "Mean over the steps", value: (f) => figure(f.draftLength) },
];

export class Figures {
  readonly element: HTMLElement;
  private readonly hero = el("b");
  private readonly values = ROWS.map(() => el("dd"));
  private readonly prompt = el("p", "prompt");
  private readonly dropped = el("p", "dropped");

  constructor() {
    const list = el("dl");
    for (const [index, { label, hint }] of ROWS.entries()) {
      const row = el("div", "", el("dt", "", label), this.values[index]!);
      row.title = hint;
      list.append(row);
    }
    this.element = el("section", "figures", el("p", "hero", this.hero, " ms per token"), list, this.prompt, this.dropped);
    this.element.setAttribute("aria-label", "Figures of the request shown");
  }

  draw(figures: LatencyFigures): void {
    setText(this.hero, figure(figures.msPerToken.all ?? figures.p50Ms));
    for (const [index, { value }] of ROWS.entries()) setText(this.values[index]!, value(figures));
    const { promptTokens, reusedTokens, prefillMs, dropped } = figures;
    setHidden(this.dropped, dropped.lanes === 0);
    setText(this.dropped, `${count(dropped.lanes, "lane")} cancelled after ${count(dropped.tokens, "token")}: in the speeds, not in the counts`);
    this.dropped.title = "Cancelled by you or by typing on";
    setHidden(this.prompt, promptTokens === null);
    if (promptTokens === null) return;
    const reused = reusedTokens ? `, ${integer(reusedTokens)} from the cache` : "";
    setText(this.prompt, `${count(promptTokens, "prompt token")}${reused}, read in ${milliseconds(prefillMs)}`);
  }
}
