// A polite live region: what a screen reader is told, one sentence at a time and not too often.

import { el, setText } from "./dom";

const PAUSE_MS = 1200;
/** A region whose text stays the same says nothing: this, unheard, tells a repeated sentence from the one before. */
const AGAIN = "\u00a0";

export class Announcer {
  readonly element = el("div", "sr-only");
  private state = "";
  private nextState: string | null = null;
  private readonly notes: string[] = [];
  private said = "";
  private timer = 0;

  constructor() {
    this.element.setAttribute("role", "status");
    this.element.setAttribute("aria-live", "polite");
  }

  /** How things stand: said when it has changed, and only as it is when its turn comes. */
  tell(sentence: string): void {
    if (sentence === this.state) return;
    this.state = sentence;
    this.nextState = sentence;
    if (!this.timer) this.speak();
  }

  /** An answer to what the user did: always said, before what else waits. */
  answer(sentence: string): void {
    this.notes.push(sentence);
    if (!this.timer) this.speak();
  }

  private speak(): void {
    this.timer = 0;
    const sentence = this.notes.shift() ?? this.nextState;
    if (sentence === null) return;
    if (sentence === this.nextState) this.nextState = null;
    this.said = sentence === this.said ? sentence + AGAIN : sentence;
    setText(this.element, this.said);
    this.timer = window.setTimeout(() => this.speak(), PAUSE_MS);
  }
}
