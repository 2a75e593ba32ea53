// An error as the user reads it: what happened, what to do, and buttons for it.

import type { ErrorAction, ErrorReport } from "../../protocol/webview";
import { button, el, setHidden } from "./dom";
import { icon } from "./icons";

const LABELS: Record<ErrorAction, string> = {
  retry: "Retry",
  showLog: "Show Log",
  chooseModel: "Choose Models…",
  openSettings: "Open Settings",
};

export class ErrorBox {
  readonly element = el("div", "error-box");
  private drawn: ErrorReport | null = null;

  constructor(private readonly press: (action: ErrorAction) => void) {
    this.element.setAttribute("role", "alert");
    this.element.hidden = true;
  }

  draw(error: ErrorReport | null): void {
    if (error === this.drawn) return;
    this.drawn = error;
    setHidden(this.element, error === null);
    if (!error) return this.element.replaceChildren();
    const words = el("div", "words", el("p", "message", error.message));
    if (error.advice !== null) words.append(el("p", "advice", error.advice));
    const buttons = error.actions.map((action, index) =>
      button(LABELS[action], () => this.press(action), { className: index === 0 ? "primary" : "" }),
    );
    this.element.replaceChildren(icon("warning"), words, el("span", "buttons", ...buttons));
  }
}
