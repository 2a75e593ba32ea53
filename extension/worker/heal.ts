// The blank before the cursor. Byte-pair vocabularies join a space or a tab to the word after it, so a prompt that ends in one
// asks for what the model has hardly ever read: completions go astray. The prompt therefore leaves that blank to the model, and
// what the lanes write begins behind it. ("Token healing", after Microsoft's guidance, here for the one token that matters.)
import type { GenerateProgressParams, GenerateResult, LaneEvent, Prompt, TextSpan } from "../../protocol/worker";

export interface HealedPrompt {
  prompt: Prompt;
  /** What every lane has to begin with; "" where the prompt is as it was. */
  lead: string;
}

export function healPrompt(prompt: Prompt): HealedPrompt {
  const text = prompt.kind === "fim" ? prompt.prefix : prompt.kind === "text" ? prompt.text : "";
  const rest = text.slice(0, -1);
  if (!/[ \t]$/.test(text) || rest.trim() === "") return { prompt, lead: "" };
  return { prompt: prompt.kind === "fim" ? { ...prompt, prefix: rest } : { kind: "text", text: rest }, lead: text.slice(-1) };
}

/** The lanes of one request without their lead. A lane that begins otherwise contradicts the text before the cursor: it ends blank. */
export class LeadFilter {
  private readonly began = new Set<number>();
  private readonly astray = new Set<number>();

  constructor(private readonly lead: string) {}

  /** Some lane has begun as it has to. */
  get hasBegun(): boolean {
    return this.lead === "" || this.began.size > 0;
  }

  /** The model puts something else here than the blank: the prompt is better asked as it stands. */
  allStrayed(lanes: number): boolean {
    return this.astray.size >= lanes;
  }

  /** Lanes found so far that begin otherwise. */
  get strayed(): ReadonlySet<number> {
    return this.astray;
  }

  /** `strayed`: lanes that need not go on. */
  progress(progress: GenerateProgressParams): { progress: GenerateProgressParams; strayed: number[] } {
    if (this.lead === "") return { progress, strayed: [] };
    const before = new Set(this.astray);
    const steps = progress.steps.map((step) => ({ ...step, lanes: step.lanes.flatMap((event) => this.event(event) ?? []) }));
    return { progress: { ...progress, steps }, strayed: [...this.astray].filter((lane) => !before.has(lane)) };
  }

  result(result: GenerateResult): GenerateResult {
    if (this.lead === "") return result;
    const sequences = result.sequences.map((sequence) => {
      const { lane, text } = sequence;
      if (text.startsWith(this.lead)) return { ...sequence, text: text.slice(this.lead.length) };
      if (text !== "") this.astray.add(lane);
      return this.astray.has(lane) ? { ...sequence, text: "", finishReason: "stop" as const } : sequence;
    });
    return { ...result, sequences };
  }

  /** null: nothing more is said of this lane. */
  private event(event: LaneEvent): LaneEvent | null {
    const { lane } = event;
    if (this.astray.has(lane)) return null;
    const first = this.began.has(lane) ? -1 : event.text.findIndex(({ text }) => text !== "");
    const span = event.text[first];
    if (!span) return event;
    if (!span.text.startsWith(this.lead)) {
      this.astray.add(lane);
      return { ...event, text: [], finishReason: "stop" };
    }
    this.began.add(lane);
    const rest: TextSpan = { ...span, text: span.text.slice(this.lead.length) };
    return { ...event, text: [...(rest.text === "" ? [] : [rest]), ...event.text.slice(first + 1)] };
  }
}
