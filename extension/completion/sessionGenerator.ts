// The session as what the completer asks for generations: requests get the session's ids and a label for people.
import type { GenerateParams, GenerateProgressParams, GenerateResult } from "../../protocol/worker";
import type { Session } from "../worker/session";
import type { Generator } from "./runningRequest";

export class SessionGenerator implements Generator {
  /** The completer's ids of running requests, and how to end one of their lanes. */
  private readonly completeLaneOf = new Map<string, (lane: number) => void>();

  constructor(private readonly session: Pick<Session, "generate">, private readonly label: () => string) {}

  async generate(
    { id, ...params }: GenerateParams,
    options: { signal: AbortSignal; onProgress(progress: GenerateProgressParams): void },
  ): Promise<GenerateResult> {
    const request = this.session.generate({ kind: "inline", label: this.label(), params }, options);
    this.completeLaneOf.set(id, (lane) => request.completeLane(lane));
    try {
      return await request.result;
    } finally {
      this.completeLaneOf.delete(id);
    }
  }

  completeLane(id: string, lane: number): void {
    this.completeLaneOf.get(id)?.(lane);
  }
}
