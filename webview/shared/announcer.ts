// A polite live region: what a screen reader is told, one sentence at a time and not too often.

import { el, setText } from "./dom";

const PAUSE_MS = 1200;

export class Announcer {
  readonly element = el("div", "sr-only");
  private next: string | null = null;
  private said = "";
  private timer = 0;

  constructor() {
    this.element.setAttribute("role", "status");
    this.element.setAttribute("aria-live", "polite");
  }

  /** Says it now, or after a pause if something was said just before; only the newest sentence waits. */
  say(sentence: string): void {
    if (sentence === this.said || sentence === this.next) return;
    this.next = sentence;
    if (!this.timer) this.speak();
  }

  private speak(): void {
    this.timer = 0;
    if (this.next === null) return;
    this.said = this.next;
    this.next = null;
    setText(this.element, this.said);
    this.timer = window.setTimeout(() => this.speak(), PAUSE_MS);
  }
}
