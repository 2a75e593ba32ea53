// The grid of lanes: which are shown, in which order, and how they move. Nothing moves while the reader points at the grid
// or has the focus in it.

import type { SolutionsLane, SolutionsOrigin, SolutionsState } from "../../protocol/solutionsView";
import { el, setHidden } from "../shared/dom";
import { prefersReducedMotion } from "../shared/theme";
import type { TextStart } from "./laneText";
import { LaneView } from "./laneView";
import type { LaneEvents } from "./laneView";
import { collapsed, groups, keptOrder, maySettle, rankedOrder, sameOrder } from "./order";
import { Pace } from "./pace";
import { isRunning } from "./state";
import { colourerFor } from "./syntax";

const SETTLE_DELAY_MS = 350;
const MOVE_MS = 260;
/** What drawing lanes may take of a frame's time while they are written, style and layout included. */
const FRAME_BUDGET_MS = 1;

export interface BoardEvents extends Omit<LaneEvents, "toggleGroup"> {
  /** The order or the set of lanes shown has changed. */
  arranged(): void;
}

export class Board {
  readonly element = el("div", "board");
  private readonly views = new Map<number, LaneView>();
  private state: SolutionsState | null = null;
  private order: number[] = [];
  private hidden = new Set<number>();
  private readonly open = new Set<number>();
  /** Lanes with news, longest waiting first. */
  private readonly waiting = new Set<number>();
  private readonly pace = new Pace(FRAME_BUDGET_MS);
  private pointerInside = false;
  private settleTimer = 0;

  constructor(private readonly events: BoardEvents) {
    this.element.setAttribute("role", "list");
    this.element.setAttribute("aria-label", "Solutions");
    this.element.addEventListener("pointerenter", () => (this.pointerInside = true));
    this.element.addEventListener("pointerleave", () => {
      this.pointerInside = false;
      this.settleSoon();
    });
    this.element.addEventListener("focusout", () => this.settleSoon());
    window.addEventListener("blur", () => this.settleSoon());
  }

  /** Ids of the lanes shown, in their order on the screen. */
  get visible(): number[] {
    return this.order.filter((id) => !this.hidden.has(id));
  }

  /** Whether the ranked order differs from the one shown. */
  get unsettled(): boolean {
    const { state } = this;
    if (!state || isRunning(state)) return false;
    return !sameOrder(this.order, rankedOrder(state.lanes)) || !sameOrder([...this.hidden], this.toHide(state));
  }

  view(id: number): LaneView | undefined {
    return this.views.get(id);
  }

  lane(id: number): SolutionsLane | undefined {
    return this.state?.lanes.find((lane) => lane.id === id);
  }

  /** Starts from a snapshot; the order on the screen is kept where the lanes are the same. */
  reset(state: SolutionsState, now: number): void {
    const before = new Set(this.order);
    const known = state.lanes.some(({ id }) => before.has(id));
    this.keepOnly(state);
    this.waiting.clear();
    this.state = state;
    this.element.style.setProperty("--tab-size", String(state.origin.tabSize));
    if (!known) {
      this.open.clear();
      this.hidden = new Set(isRunning(state) ? [] : this.toHide(state));
      this.order = isRunning(state) ? [] : rankedOrder(state.lanes);
    }
    this.draw(state, now);
    this.place();
    if (isRunning(state)) return;
    for (const view of this.views.values()) view.rewind();
    this.settleSoon(); // the run may have ended with this snapshot
  }

  /** The cards of lanes that are still there, their texts to be drawn anew: elements that stay keep the focus, and clicks. */
  private keepOnly({ lanes, origin }: SolutionsState): void {
    const ids = new Set(lanes.map(({ id }) => id));
    const start = textStart(origin);
    this.order = this.order.filter((id) => ids.has(id));
    this.hidden = new Set([...this.hidden].filter((id) => ids.has(id)));
    for (const [id, view] of this.views) {
      if (ids.has(id)) view.restart(start);
      else {
        view.element.remove();
        this.views.delete(id);
      }
    }
  }

  /** Draws the lanes that have news. */
  draw(state: SolutionsState, now: number): void {
    const wasRunning = this.state !== null && isRunning(this.state);
    this.state = state;
    let start: TextStart | null = null;
    for (const lane of state.lanes) {
      if (this.views.has(lane.id)) continue;
      start ??= textStart(state.origin);
      this.views.set(lane.id, new LaneView(lane, start, { act: this.events.act, toggleGroup: (id) => this.toggleGroup(id) }));
    }
    if (start) {
      this.order = keptOrder(this.order, state.lanes);
      this.place();
    }
    this.drawLanes(state, now);
    if (wasRunning && !isRunning(state)) this.settleSoon();
  }

  /** Whether lanes have news that are not drawn yet. */
  get behind(): boolean {
    return this.waiting.size > 0;
  }

  /** Draws the lanes that wait, longest first: while they are written new ones and as many as a frame's time allows, else all. */
  private drawLanes(state: SolutionsState, now: number): void {
    for (const lane of state.lanes) if (this.views.get(lane.id)?.lane !== lane) this.waiting.add(lane.id);
    if (!isRunning(state)) return this.drawThese([...this.views.keys()], state, now);
    this.drawThese(state.lanes.map(({ id }) => id).filter((id) => this.views.get(id)?.lane === null), state, now);
    const due = [...this.waiting].slice(0, this.pace.lanes(this.waiting.size));
    if (due.length === 0) return;
    const startedAt = performance.now();
    this.drawThese(due, state, now);
    void this.element.offsetHeight; // the layout that the frame needs anyway, so that it counts
    this.pace.took(due.length, performance.now() - startedAt);
  }

  private drawThese(ids: readonly number[], { lanes }: SolutionsState, now: number): void {
    const positions = new Map(lanes.map(({ id }, index) => [id, index]));
    const behind = new Map(groups(lanes).map(({ best, others }) => [best, others]));
    for (const id of ids) {
      this.waiting.delete(id);
      const position = positions.get(id);
      const lane = position === undefined ? undefined : lanes[position];
      if (position === undefined || !lane) continue;
      const others = behind.get(id) ?? [];
      const groupOpen = this.open.has(id);
      const grouped = groupOpen || others.some((other) => this.hidden.has(other));
      this.views.get(id)?.draw(lane, { position: position + 1, others: others.length, groupOpen, grouped }, now);
    }
    for (const id of ids) this.views.get(id)?.stick();
  }

  /** Puts the lanes in their ranked order now, because the reader asked for it. */
  settle(): void {
    const { state } = this;
    if (!state || isRunning(state)) return;
    const before = this.positions();
    this.order = rankedOrder(state.lanes);
    this.hidden = new Set(this.toHide(state));
    this.place();
    this.draw(state, performance.now());
    for (const view of this.views.values()) view.rewind();
    this.slideFrom(before);
  }

  private settleSoon(): void {
    clearTimeout(this.settleTimer);
    this.settleTimer = window.setTimeout(() => {
      const laneFocused = document.hasFocus() && this.element.contains(document.activeElement);
      const running = !this.state || isRunning(this.state);
      if (this.unsettled && maySettle(running, { pointerInside: this.pointerInside, laneFocused })) this.settle();
    }, SETTLE_DELAY_MS);
  }

  private toHide = (state: SolutionsState): number[] => [...collapsed(state.lanes, this.open)];

  private toggleGroup(best: number): void {
    const { state } = this;
    const group = state && groups(state.lanes).find((candidate) => candidate.best === best);
    if (!group || group.others.length === 0) return;
    const before = this.positions();
    if (this.open.delete(best)) for (const id of group.others) this.hidden.add(id);
    else {
      this.open.add(best);
      for (const id of group.others) this.hidden.delete(id);
    }
    this.place();
    this.draw(state, performance.now());
    this.slideFrom(before);
  }

  /** Makes the page's order the one of `order`, moving as few elements as it can, and not the one with the focus: it would lose it. */
  private place(): void {
    let next: ChildNode | null = this.element.firstChild;
    for (const id of this.order) {
      const view = this.views.get(id);
      if (!view) continue;
      setHidden(view.element, this.hidden.has(id));
      while (next && next !== view.element && view.element.contains(document.activeElement)) {
        const before: ChildNode = next;
        next = next.nextSibling;
        this.element.append(before);
      }
      if (view.element === next) next = next.nextSibling;
      else this.element.insertBefore(view.element, next);
    }
    this.events.arranged();
  }

  private positions(): Map<number, DOMRect> {
    return new Map(this.visible.map((id) => [id, this.views.get(id)!.element.getBoundingClientRect()]));
  }

  /** Lets the lanes glide from where they were to where they are. */
  private slideFrom(before: Map<number, DOMRect>): void {
    if (prefersReducedMotion()) return;
    for (const [id, to] of this.positions()) {
      const from = before.get(id);
      const [dx, dy] = from ? [from.left - to.left, from.top - to.top] : [0, 0];
      if (from && dx === 0 && dy === 0) continue;
      const start = from ? { transform: `translate(${dx}px, ${dy}px)` } : { opacity: 0 };
      this.views.get(id)?.element.animate([start, {}], { duration: MOVE_MS, easing: "cubic-bezier(0.2, 0, 0, 1)" });
    }
  }
}

function textStart({ languageId, tabSize, leadIn }: SolutionsOrigin): TextStart {
  const colourer = colourerFor(languageId, tabSize);
  const lines = leadIn.split("\n");
  const prefix = lines.pop() ?? "";
  return { colourer, state: colourer?.after(lines) ?? {}, prefix };
}
