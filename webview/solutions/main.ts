// The Solutions view: messages in, state, one drawing a frame; the user's actions out.

import type {
  FromSolutionsView, NoteMessage, SolutionsChange, SolutionsState, SolutionsViewMemory, ToSolutionsView,
} from "../../protocol/solutionsView";
import { Announcer } from "../shared/announcer";
import { byId, el, setHidden } from "../shared/dom";
import { ErrorBox } from "../shared/errorBox";
import { Frame } from "../shared/frame";
import { connect } from "../shared/host";
import { Sequence } from "../shared/sequence";
import "../shared/base.css";
import "./solutions.css";
import { Answer } from "./answer";
import { Board } from "./board";
import { Header } from "./header";
import { Keyboard } from "./keyboard";
import type { LaneAction } from "./keys";
import { applyChange, hasText, isRunning } from "./state";
import { summary } from "./words";

/** The clock and an unknown progress go on between messages. */
const CLOCK_MS = 100;

let state: SolutionsState | null = null;
let fresh = false;

const host = connect<ToSolutionsView, FromSolutionsView>((message) =>
  message.type === "note" ? note(message) : sequence.receive(message),
);
const sequence = new Sequence<SolutionsState, SolutionsChange>({
  ask: (reason) => host.post({ type: "ready", reason }),
  replaced: (snapshot) => {
    fresh = true;
    update(snapshot);
  },
  changed: (change) => state && update(applyChange(state, change)),
});

const act = (lane: number, action: LaneAction): void =>
  host.post(action === "stop" ? { type: "stopLane", lane } : { type: action, lane });
const stopAll = (): void => {
  if (state && isRunning(state)) host.post({ type: "stopAll" });
};

const board = new Board({
  act,
  arranged: () => {
    keyboard?.refresh();
    frame.request();
  },
});
const keyboard: Keyboard | undefined = new Keyboard(board, { act, stopAll, refuse: (lane, text) => note({ type: "note", lane, text, kind: "error" }) });
const header = new Header({
  stopAll,
  reveal: () => host.post({ type: "reveal" }),
  more: () => host.post({ type: "more" }),
  sort: () => {
    board.settle();
    board.element.querySelector<HTMLElement>("[tabindex='0']")?.focus();
    frame.request();
  },
});
const error = new ErrorBox((action) => host.post({ type: "errorAction", action }));
const notices = el("ul", "notices");
const announcer = new Announcer();
const scroller = el("main", "", board.element);
const answer = new Answer();
byId("root").append(header.element, error.element, notices, answer.element, scroller, announcer.element);

const frame = new Frame((now) => {
  if (!state) return;
  header.draw(state, board.unsettled, now);
  error.draw(state.phase.kind === "failed" ? state.phase.error : null);
  drawNotices(state.notices);
  setHidden(scroller, state.phase.kind === "failed" && !state.lanes.some(hasText));
  announcer.tell(summary(state));
  // Last, because keeping the texts' ends in sight needs the layout: so there is one layout a frame.
  if (fresh) board.reset(state, now);
  else board.draw(state, now);
  fresh = false;
  if (board.behind) frame.request();
});

function update(next: SolutionsState): void {
  const ended = state !== null && isRunning(state) && !isRunning(next);
  state = next;
  if (fresh || ended) host.remember({ version: 1, state: next } satisfies SolutionsViewMemory);
  frame.request();
}

function drawNotices(sentences: readonly string[]): void {
  setHidden(notices, sentences.length === 0);
  while (notices.childElementCount > sentences.length) notices.lastChild?.remove();
  for (const [index, sentence] of sentences.entries()) {
    const item = notices.children[index] ?? notices.appendChild(el("li"));
    if (item.textContent !== sentence) item.textContent = sentence;
  }
}

function note({ lane, text, kind }: NoteMessage): void {
  const view = lane !== null && board.visible.includes(lane) ? board.view(lane) : undefined;
  if (view) view.note(text, kind);
  else answer.show(text, kind);
  announcer.answer(text);
}

setInterval(() => {
  if (state && (isRunning(state) || board.unsettled)) frame.request();
}, CLOCK_MS);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") sequence.shownAgain();
});
sequence.start();
