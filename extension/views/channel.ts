// The host's end of a view: a snapshot when the view asks for one, then numbered changes, at most one in about 16 ms, and
// nothing to a view that is hidden.
import type { Delta, Snapshot } from "../../protocol/webview";
import { systemClock, type Clock, type Disposable } from "../worker/async";

/** Who owns what a view shows. It changes as it likes; the channel takes what changed when it is time to send it. */
export interface ViewSource<State, Change> {
  snapshot(): State;
  /** What changed since the last call of any of these; null: nothing; "all": more than a change can say. */
  take(): Change | "all" | null;
  /** Forgets what changed: nobody looks. */
  drop(): void;
}

export interface ChannelOptions<State, Change> {
  source: ViewSource<State, Change>;
  post: (message: Snapshot<State> | Delta<Change>) => void;
  clock?: Clock;
  intervalMs?: number;
}

export const FRAME_MS = 16;

export class ViewChannel<State, Change> {
  private source: ViewSource<State, Change>;
  private sequence = 0;
  private listening = false;
  private postedAt = -Infinity;
  private timer: Disposable | null = null;
  private readonly clock: Clock;
  private readonly intervalMs: number;

  constructor(private readonly options: ChannelOptions<State, Change>) {
    this.source = options.source;
    this.clock = options.clock ?? systemClock;
    this.intervalMs = options.intervalMs ?? FRAME_MS;
  }

  /** The view asked for a snapshot. */
  ready(): void {
    this.listening = true;
    this.postSnapshot();
  }

  /** The view cannot be seen: it asks for a snapshot when it can. */
  hidden(): void {
    this.listening = false;
    this.timer?.dispose();
    this.timer = null;
    this.source.drop();
  }

  /** The view shows another source from now on. */
  attach(source: ViewSource<State, Change>): void {
    this.source = source;
    if (this.listening) this.postSnapshot();
  }

  /** The source has changed. */
  changed(): void {
    if (!this.listening) this.source.drop();
    else this.timer ??= this.clock.setTimeout(() => this.flush(), Math.max(0, this.postedAt + this.intervalMs - this.clock.now()));
  }

  dispose(): void {
    this.hidden();
  }

  private flush(): void {
    this.timer = null;
    const change = this.source.take();
    if (change === "all") this.postSnapshot();
    else if (change !== null) this.post({ type: "delta", sequence: ++this.sequence, change });
  }

  private postSnapshot(): void {
    this.timer?.dispose();
    this.timer = null;
    this.source.drop();
    this.post({ type: "snapshot", sequence: ++this.sequence, state: this.source.snapshot() });
  }

  private post(message: Snapshot<State> | Delta<Change>): void {
    this.postedAt = this.clock.now();
    this.options.post(message);
  }
}
