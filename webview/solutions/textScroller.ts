// The window on a lane's text. While the lane is written it shows the text's end and nothing else is in the page; once the
// reader scrolls, selects or the lane ends, all of it is there to scroll in.

import { el } from "../shared/dom";
import type { LaneText } from "./laneText";

/** Further down than any text reaches: the browser stops at the end. */
const THE_END = 1e7;
const NEAR_PX = 4;
const PAGE = 0.8;
/** Before the height is known. */
const FIRST_ROWS = 24;

export class TextScroller {
  readonly element = el("div", "text");
  /** Whether the end of the text is kept in sight. */
  private stuck = true;
  private live = true;
  private rows = FIRST_ROWS;
  private scrolledTo = 0;

  constructor(
    private readonly text: LaneText,
    below: HTMLElement,
  ) {
    const { element } = this;
    element.tabIndex = -1;
    element.append(el("div", "sheet", text.element, below));
    element.addEventListener("scroll", () => this.onScroll(), { passive: true });
    element.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && this.leaveEnd(deltaY), { passive: true });
    element.addEventListener("pointerdown", () => this.leaveEnd(0));
    element.addEventListener("touchmove", () => this.leaveEnd(0), { passive: true });
    this.showMode();
    new ResizeObserver(([entry]) => entry && this.resized(entry.contentRect.height)).observe(element);
  }

  /** Draws what the text has taken in. */
  draw(): void {
    this.text.draw(this.tail ? this.rows : null);
  }

  /** Keeps the end in sight, if the reader wants it there. Needs the layout: call it once everything of a frame is drawn. */
  stick(): void {
    if (!this.stuck || this.tail) return;
    this.element.scrollTop = THE_END;
    this.scrolledTo = this.element.scrollTop;
  }

  setLive(live: boolean): void {
    if (live === this.live) return;
    this.live = live;
    this.showMode();
    this.draw();
  }

  /** Shows the text from its beginning, unless the reader has chosen another place. */
  rewind(): void {
    if (!this.stuck) return;
    this.stuck = false;
    this.element.scrollTop = 0;
  }

  /** By about so many windows, up or down. */
  scroll(pages: number): void {
    if (pages < 0) this.leaveEnd(0);
    this.element.scrollBy({ top: pages * this.element.clientHeight * PAGE });
  }

  private get tail(): boolean {
    return this.live && this.stuck;
  }

  private leaveEnd(scrollBy: number): void {
    if (!this.tail) return;
    this.stuck = false;
    this.showMode();
    this.draw();
    this.element.scrollTop = THE_END;
    this.element.scrollTop += scrollBy;
    this.scrolledTo = this.element.scrollTop;
  }

  private onScroll(): void {
    if (this.tail) return;
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    if (scrollTop < this.scrolledTo - NEAR_PX) this.stuck = false;
    else if (this.live && scrollTop > this.scrolledTo + NEAR_PX && scrollTop + clientHeight >= scrollHeight - NEAR_PX) this.returnToEnd();
  }

  private returnToEnd(): void {
    this.stuck = true;
    this.showMode();
    this.draw();
  }

  private resized(height: number): void {
    const line = Number.parseFloat(getComputedStyle(this.text.element).lineHeight);
    if (!(line > 0) || height <= 0) return;
    const before = this.rows;
    this.rows = Math.ceil(height / line) + 1;
    if (this.tail && this.rows > before) this.draw();
  }

  private showMode(): void {
    this.element.classList.toggle("tail", this.tail);
  }
}
