// One lane as a card: rank, state, score; the text; sparkline, figures and actions.

import type { SolutionsLane } from "../../protocol/solutionsView";
import { button, el, setAttribute, setHidden, setText } from "../shared/dom";
import { figure, integer, logprob, percent } from "../shared/format";
import { icon } from "../shared/icons";
import { ANSWER_MS } from "./answer";
import type { LaneAction } from "./keys";
import { LaneText } from "./laneText";
import type { TextStart } from "./laneText";
import { Sparkline } from "./sparkline";
import { acceptedShare, isBlank, isLive, isUsable } from "./state";
import { TextScroller } from "./textScroller";
import { emptyText, laneLabel, laneState, laneTone, sameAs, sameAsShort, stateWords } from "./words";

export interface LaneEvents {
  act(lane: number, action: LaneAction): void;
  /** Open or close the group that this lane is the best of. */
  toggleGroup(lane: number): void;
}

/** What a card shows beside the lane itself. */
export interface LaneContext {
  position: number;
  /** Lanes of the same text behind this one. */
  others: number;
  groupOpen: boolean;
  /** Whether the group can be opened and closed: the identical lanes stand right behind. */
  grouped: boolean;
}

/** Figures and sparkline are readable at this pace; the text is drawn as it comes. */
const FIGURES_EVERY_MS = 160;

export class LaneView {
  readonly element = el("div", "lane");
  private readonly rank = el("span", "rank");
  private readonly state = el("span", "state");
  private readonly same: HTMLButtonElement;
  private readonly sameLong = el("span", "long");
  private readonly sameShort = el("span", "short");
  private readonly logprob = el("span");
  private readonly score = el("span", "score", el("span", "spare", "log p "), this.logprob);
  private readonly top: HTMLElement;
  private readonly text: LaneText;
  private readonly empty = el("p", "empty");
  private readonly scroller: TextScroller;
  private readonly sparkline = new Sparkline();
  private readonly latency = el("b");
  private readonly tokens = el("b");
  private readonly share = el("b");
  private readonly shareBox: HTMLElement;
  private readonly figures: HTMLElement;
  private readonly stop: HTMLButtonElement;
  private readonly use: HTMLElement;
  private readonly controls: HTMLButtonElement[];
  private readonly insert: HTMLButtonElement;
  private drawn: SolutionsLane | null = null;
  /** Nothing of the text is drawn. */
  private fresh = true;
  private spans = 0;
  private figuresAt = 0;
  /** 0: no note is shown. */
  private noteTimer = 0;

  constructor(lane: SolutionsLane, start: TextStart, events: LaneEvents) {
    const { id } = lane;
    const act = (action: LaneAction) => () => events.act(id, action);
    this.text = new LaneText(start);
    this.same = button("", () => events.toggleGroup(id), { className: "same" });
    this.same.append(this.sameLong, this.sameShort);
    this.stop = button("Stop", act("stop"), { className: "stop", hint: "Stop this lane (S)" });
    this.insert = button("Insert", act("insert"), { className: "insert", hint: "Insert (Enter)" });
    const copy = button("", act("copy"), { className: "glyph", hint: "Copy (C)" });
    copy.append(icon("copy"));
    copy.setAttribute("aria-label", "Copy");
    const diff = button("", act("diff"), { className: "glyph", hint: "Show as a diff against the file (D)" });
    diff.append(icon("diff"));
    diff.setAttribute("aria-label", "Diff");
    this.controls = [copy, diff, this.insert];
    this.use = el("span", "use", ...this.controls);

    this.scroller = new TextScroller(this.text, this.empty);
    this.shareBox = el("span", "share", this.share, " acc.");
    this.shareBox.title = "Share of the drafted tokens that the target kept";
    this.score.title = "Mean log-probability of its tokens under the target";
    this.figures = el("span", "figures", el("span", "latency", this.latency, " ms/tok"), el("span", "count", this.tokens, " tok"), this.shareBox);
    this.top = el("div", "top", this.rank, this.state, this.same, this.score);
    this.element.append(
      this.top,
      this.scroller.element,
      el("div", "bottom", this.sparkline.element, this.figures, this.stop, this.use),
    );
    this.element.setAttribute("role", "listitem");
    this.element.dataset.lane = String(id);
    this.element.setAttribute("aria-keyshortcuts", "Enter D C S J K");
    this.element.tabIndex = -1;
  }

  /** The lane as it was drawn last; null where its text is still to be drawn. */
  get lane(): SolutionsLane | null {
    return this.fresh ? null : this.drawn;
  }

  /** Its text may be another: the card stays, and with it the focus and a note. */
  restart(start: TextStart): void {
    this.text.restart(start);
    this.spans = 0;
    this.fresh = true;
  }

  /** Draws what differs from what is shown. */
  draw(lane: SolutionsLane, context: LaneContext, now: number): void {
    if (lane !== this.drawn) {
      const turned = lane.state !== this.drawn?.state || lane.repetitive !== this.drawn.repetitive;
      if (turned) this.endNote();
      if (lane.text.length > this.spans) {
        this.text.append(lane.text.slice(this.spans));
        this.scroller.draw();
      }
      this.spans = lane.text.length;
      if (turned || this.fresh) this.drawState(lane);
      this.drawn = lane;
      this.fresh = false;
      if (turned || !isLive(lane) || now - this.figuresAt >= FIGURES_EVERY_MS) {
        this.figuresAt = now;
        this.drawFigures(lane);
      }
    }
    this.drawContext(lane, context);
  }

  /** Keeps the text's end in sight. Needs the layout: call it once all lanes of a frame are drawn. */
  stick(): void {
    this.scroller.stick();
  }

  /** Shows the text from its beginning, unless the reader has chosen another place. */
  rewind(): void {
    this.scroller.rewind();
  }

  scrollText(pages: number): void {
    this.scroller.scroll(pages);
  }

  /** Says something in place of the state, and of what stands beside it, for a moment. */
  note(text: string, kind: "info" | "error"): void {
    clearTimeout(this.noteTimer);
    this.top.classList.add("noting");
    this.state.className = `state note ${kind}`;
    this.state.title = "";
    setText(this.state, text);
    this.noteTimer = window.setTimeout(() => {
      this.endNote();
      if (this.drawn) this.drawState(this.drawn);
    }, ANSWER_MS[kind]);
  }

  private endNote(): void {
    clearTimeout(this.noteTimer);
    this.noteTimer = 0;
  }

  /** Whether Tab reaches this card and its buttons. */
  setTabbable(tabbable: boolean): void {
    this.element.tabIndex = tabbable ? 0 : -1;
    for (const control of this.element.querySelectorAll("button")) control.tabIndex = tabbable ? 0 : -1;
  }

  private drawFigures(lane: SolutionsLane): void {
    setText(this.rank, lane.rank === null ? "–" : String(lane.rank));
    this.rank.classList.toggle("none", lane.rank === null);
    setHidden(this.score, lane.meanLogprob === null);
    setText(this.logprob, lane.meanLogprob === null ? "" : logprob(lane.meanLogprob));
    setText(this.latency, figure(lane.msPerToken));
    setText(this.tokens, integer(lane.tokens));
    const share = acceptedShare(lane);
    setText(this.share, percent(share));
    setHidden(this.shareBox, share === null);
    setHidden(this.figures, lane.tokens === 0);
    this.sparkline.draw(lane.latencies);
  }

  private drawState(lane: SolutionsLane): void {
    const tone = laneTone(lane);
    this.element.dataset.tone = tone;
    if (this.noteTimer === 0) {
      this.top.classList.remove("noting");
      this.state.className = `state ${tone}${lane.repetitive ? " lengthy" : ""}`;
      this.state.title = laneState(lane);
      this.state.replaceChildren(...stateWords(lane).map(({ text, spare }) => (spare ? el("span", "spare", text) : text)));
    }
    this.text.setWriting(lane.state === "writing");
    this.scroller.setLive(isLive(lane));
    setHidden(this.stop, !isLive(lane));
    setHidden(this.use, isLive(lane));
    for (const control of this.controls) control.disabled = !isUsable(lane);
    this.element.classList.toggle("blank", isBlank(lane));
    const empty = emptyText(lane);
    setHidden(this.empty, empty === null);
    setText(this.empty, empty ?? "");
  }

  private drawContext(lane: SolutionsLane, { position, others, groupOpen, grouped }: LaneContext): void {
    const same = sameAs(lane, others);
    setHidden(this.same, same === null);
    if (same !== null) {
      setText(this.sameLong, same);
      setText(this.sameShort, sameAsShort(lane, others));
      this.same.title = same;
      setAttribute(this.same, "aria-label", same);
      const opens = grouped && others > 0;
      this.same.disabled = !opens;
      if (opens) setAttribute(this.same, "aria-expanded", String(groupOpen));
      else this.same.removeAttribute("aria-expanded");
    }
    const best = lane.rank === 1 && lane.duplicateOf === null;
    this.element.classList.toggle("best", best);
    this.element.classList.toggle("duplicate", lane.duplicateOf !== null);
    this.insert.classList.toggle("primary", best);
    setAttribute(this.element, "aria-label", laneLabel(lane, position));
  }
}
