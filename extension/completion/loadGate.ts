// After the models failed to load, keys that are typed must not try again and again: only an explicit request does, or one
// after the settings changed or some time went by.
import { systemClock, type Clock } from "../worker/async";
import type { TriggerKind } from "./trigger";

const RETRY_MS = 60_000;

export class LoadGate {
  private failedAt: number | null = null;

  constructor(private readonly clock: Clock = systemClock, private readonly retryMs = RETRY_MS) {}

  allows(kind: TriggerKind): boolean {
    return kind === "explicit" || this.failedAt === null || this.clock.now() - this.failedAt >= this.retryMs;
  }

  failed(): void {
    this.failedAt = this.clock.now();
  }

  reset(): void {
    this.failedAt = null;
  }
}
