// The keyboard in the grid of lanes: one lane is reached by Tab, arrows move between lanes, letters act on one.

import type { Board } from "./board";
import type { LaneAction } from "./keys";
import { actionOf, allowed, isLaneKey, neighbour, refusal } from "./keys";

export interface KeyboardEvents {
  act(lane: number, action: LaneAction): void;
  /** The action makes no sense now, and why. */
  refuse(lane: number, why: string): void;
  stopAll(): void;
}

export class Keyboard {
  private active: number | null = null;

  constructor(
    private readonly board: Board,
    private readonly events: KeyboardEvents,
  ) {
    board.element.addEventListener("keydown", (event) => this.onLaneKey(event));
    board.element.addEventListener("focusin", ({ target }) => {
      const id = laneOf(target);
      if (id !== null) this.activate(id);
    });
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented) return;
      if (event.key === "Escape") this.events.stopAll();
      else if (document.activeElement === document.body) this.enter(event);
    });
  }

  /** Keeps exactly one of the lanes shown reachable by Tab. */
  refresh(): void {
    const { visible } = this.board;
    const active = this.active !== null && visible.includes(this.active) ? this.active : visible[0];
    if (active !== undefined) this.activate(active);
  }

  private activate(id: number): void {
    this.active = id;
    for (const lane of this.board.visible) this.board.view(lane)?.setTabbable(lane === id);
  }

  /** The panel opens with the focus nowhere in it: the first of the lanes' keys leads to the best lane, and does nothing to it. */
  private enter(event: KeyboardEvent): void {
    const [first] = this.board.visible;
    if (first === undefined || hasModifier(event) || !isLaneKey(event.key)) return;
    this.focus(first);
    event.preventDefault();
  }

  private focus(id: number): void {
    const element = this.board.view(id)?.element;
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest" });
  }

  private onLaneKey(event: KeyboardEvent): void {
    const id = laneOf(event.target);
    if (id === null || hasModifier(event)) return;
    const onButton = event.target instanceof Element && event.target.closest("button") !== null;
    if (event.key === "Enter" && onButton) return;
    const action = actionOf(event.key);
    const lane = this.board.lane(id);
    if (action && lane) {
      if (allowed(lane, action)) this.events.act(id, action);
      else this.events.refuse(id, refusal(lane, action));
    } else if (event.key === "PageDown" || event.key === "PageUp") {
      this.board.view(id)?.scrollText(event.key === "PageDown" ? 1 : -1);
    } else {
      const target = neighbour(event.key, this.board.visible, id, columnsOf(this.board));
      if (target === null) return;
      this.focus(target);
    }
    event.preventDefault();
  }
}

const hasModifier = ({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean => ctrlKey || metaKey || altKey;

function laneOf(target: EventTarget | null): number | null {
  const card = target instanceof Element ? target.closest<HTMLElement>("[data-lane]") : null;
  return card ? Number(card.dataset.lane) : null;
}

function columnsOf(board: Board): number {
  const tops = board.visible.map((id) => board.view(id)?.element.offsetTop);
  const beyond = tops.findIndex((top) => top !== tops[0]);
  return beyond < 0 ? tops.length : beyond;
}
