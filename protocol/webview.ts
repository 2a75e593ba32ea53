// The messages between the extension host and its two views, over `postMessage`: what both have in common; solutionsView.ts and
// latencyView.ts have the rest. Every message is a named type with a sentence. Times are in milliseconds.
//
// The host owns the state. A view sends Ready and gets a snapshot with a sequence number n, then deltas n+1, n+2, ... of
// what changed since; it draws what it was told and nothing else. A delta whose number is not the next one is dropped and
// the view sends Ready again; until the new snapshot is there it ignores deltas. The host sends at most one delta in about
// 16 ms, posts nothing to a hidden view, and may send a new snapshot at any time. In a delta a figure is the value now and
// replaces the old one, a list is what is to be appended, and what is absent has not changed.

import type { ErrorCode } from "./messages";

/** The state as of `sequence`; the next delta is `sequence + 1`. */
export interface Snapshot<State> {
  type: "snapshot";
  sequence: number;
  state: State;
}

/** What changed since the message before. */
export interface Delta<Change> {
  type: "delta";
  sequence: number;
  change: Change;
}

/** First message of a view, and its request for another snapshot: after a gap, or when it is shown again. */
export interface ReadyMessage {
  type: "ready";
  reason: "start" | "gap" | "shown";
}

/** Something went wrong, as the user is to read it. */
export interface ErrorReport {
  code: ErrorCode;
  /** One line. */
  message: string;
  /** What the user can do about it, one sentence; null where the message says it. */
  advice: string | null;
  /** Buttons to offer, most helpful first. */
  actions: ErrorAction[];
}
export type ErrorAction = "retry" | "showLog" | "chooseModel" | "openSettings";

/** The user pressed a button of an error. */
export interface ErrorActionMessage {
  type: "errorAction";
  action: ErrorAction;
}
