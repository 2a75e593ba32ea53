// Snapshots and numbered deltas: keeps a view's state in step with the host's, and notices gaps.

import type { Delta, ReadyMessage, Snapshot } from "../../protocol/webview";

export interface SequenceEvents<State, Change> {
  /** Asks the host for a snapshot. */
  ask(reason: ReadyMessage["reason"]): void;
  /** The whole state is new. */
  replaced(state: State): void;
  /** The next delta. */
  changed(change: Change): void;
}

/** Lets deltas through in order, and only those that follow the snapshot without a gap. */
export class Sequence<State, Change> {
  /** Number of the last message applied; null: no snapshot, so deltas mean nothing. */
  private last: number | null = null;

  constructor(private readonly events: SequenceEvents<State, Change>) {}

  start(): void {
    this.events.ask("start");
  }

  /** The view was hidden, so the host has sent nothing: what is shown may be old. */
  shownAgain(): void {
    this.last = null;
    this.events.ask("shown");
  }

  receive(message: Snapshot<State> | Delta<Change>): void {
    if (message.type === "snapshot") {
      this.last = message.sequence;
      this.events.replaced(message.state);
      return;
    }
    if (this.last === null || message.sequence <= this.last) return;
    if (message.sequence > this.last + 1) {
      this.last = null;
      this.events.ask("gap");
      return;
    }
    this.last = message.sequence;
    this.events.changed(message.change);
  }
}
