// The user's own questions and what they came to, so that none is met with silence: where the editor does not ask, or shows nothing of
// an answer, the user is told why.
import { systemClock, type Clock } from "../worker/async";
import type { OctetError } from "../worker/errors";
import type { Position } from "./document";
import type { Outcome } from "./explain";
import type { TriggerKind } from "./trigger";

/** A place in one version of a document, which is known by its identity. */
export interface Place {
  document: object;
  version: number;
  position: Position;
}

/** A command to ask is answered by the editor within this time. */
const COMMANDED_MS = 1_000;

export class Questions {
  /** Of the latest question, where it was the user's. */
  private failure: { place: Place; error: OctetError } | null = null;
  /** Where the user asked last. */
  private asked: Place | null = null;
  private commandedAt = -Infinity;
  private askedSince = false;

  constructor(private readonly clock: Pick<Clock, "now"> = systemClock) {}

  /** The next question is the user's, who wants more than what is shown. */
  commanded(): void {
    this.commandedAt = this.clock.now();
    this.askedSince = false;
  }

  begin(kind: TriggerKind, place: Place): void {
    this.failure = null;
    if (kind === "automatic") return;
    this.askedSince = true;
    this.asked = place;
  }

  failed(kind: TriggerKind, place: Place, error: OctetError): void {
    if (kind === "explicit") this.failure = { place, error };
  }

  /** Whether this question is the one that was commanded; the next one is not. */
  isCommanded(kind: TriggerKind): boolean {
    if (kind === "automatic") return false;
    const commanded = this.clock.now() - this.commandedAt < COMMANDED_MS;
    this.commandedAt = -Infinity;
    return commanded;
  }

  /**
   * What a command to ask came to where the editor did not ask: it has the answer already, or may not. `offered` are the latest candidates. null:
   * nothing to say.
   */
  unasked(here: Place, offered: { place: Place; candidates: number } | null): Outcome | OctetError | null {
    if (this.askedSince) return null;
    if (this.failure && isSame(this.failure.place, here)) return this.failure.error;
    if (offered && isSame(offered.place, here)) return offered.candidates === 0 ? "nothing" : null;
    return this.asked && isSame(this.asked, here) ? "nothing" : "notAsked";
  }
}

export const isSame = (a: Place, b: Place): boolean =>
  a.document === b.document && a.version === b.version && a.position.line === b.position.line && a.position.character === b.position.character;
