// A pause of automatic completions, for a time or until it is ended.
import { Emitter, type Event } from "vscode-jsonrpc/node";
import { systemClock, type Clock, type Disposable } from "./worker/async";

export class Snooze {
  readonly onChange: Event<boolean>;
  private readonly emitter = new Emitter<boolean>();
  private timer: Disposable | null = null;
  private end: number | null = null;

  constructor(private readonly clock: Clock = systemClock) {
    this.onChange = this.emitter.event;
  }

  get active(): boolean {
    return this.end !== null;
  }

  /** null: not snoozed; Infinity: until it is ended. */
  get leftMs(): number | null {
    return this.end === null ? null : Math.max(0, this.end - this.clock.now());
  }

  start(ms: number): void {
    this.timer?.dispose();
    this.end = this.clock.now() + ms;
    this.timer = Number.isFinite(ms) ? this.clock.setTimeout(() => this.stop(), ms) : null;
    this.emitter.fire(true);
  }

  stop(): void {
    this.timer?.dispose();
    this.timer = null;
    if (this.end === null) return;
    this.end = null;
    this.emitter.fire(false);
  }

  dispose(): void {
    this.timer?.dispose();
    this.emitter.dispose();
  }
}
