// A line over the lanes for answers that no lane in sight can give. It moves nothing, and clicks go through it.

import { el, setHidden, setText } from "../shared/dom";

/** How long an answer is shown. */
export const ANSWER_MS = { info: 2500, error: 8000 };

export class Answer {
  readonly element = el("p", "answer");
  private timer = 0;

  constructor() {
    setHidden(this.element, true);
  }

  show(text: string, kind: "info" | "error"): void {
    clearTimeout(this.timer);
    this.element.className = `answer ${kind}`;
    setText(this.element, text);
    setHidden(this.element, false);
    this.timer = window.setTimeout(() => setHidden(this.element, true), ANSWER_MS[kind]);
  }
}
