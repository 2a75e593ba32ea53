// Ends a lane where the block ends that it was asked to write: text that may be past the end is held back until that is known.
import type { TextSpan } from "../../protocol/worker";
import { isSettled } from "../completion/candidates";
import type { CursorContext } from "../completion/context";
import { stopAtBlockEnd } from "../completion/filters/stopAtBlockEnd";

export class Block {
  private text = "";
  private shown = 0;
  private readonly held: TextSpan[] = [];
  private past = false;

  constructor(private readonly context: CursorContext) {}

  /** The lane has written past its block: it need not go on. */
  get ended(): boolean {
    return this.past;
  }

  /** All that the lane has written, what was held back included. */
  get written(): string {
    return this.text;
  }

  /** Takes what the lane writes; gives what of it, and of what was held back, is to be shown. */
  add(spans: readonly TextSpan[]): TextSpan[] {
    if (this.past) return [];
    const undecided = this.held.length > 0;
    const added = spans.map(({ text }) => text).join("");
    this.text += added;
    this.held.push(...spans);
    if (!undecided && !added.includes("\n")) return this.release(this.text.length);
    this.past = isSettled({ text: this.text, finishReason: null }, this.context);
    return this.release(this.kept().trimEnd().length);
  }

  /** The lane writes no more: what of the rest belongs to the block. */
  finish(): TextSpan[] {
    const kept = this.kept();
    this.past ||= kept.trimEnd().length < this.text.trimEnd().length;
    return this.release(this.past ? kept.trimEnd().length : this.text.length);
  }

  private kept(): string {
    return stopAtBlockEnd({ text: this.text, overlap: 0, cutOff: true }, this.context)?.text ?? "";
  }

  /** Shows the text up to `length`: what is shown is never taken back. */
  private release(length: number): TextSpan[] {
    const out: TextSpan[] = [];
    while (this.shown < length) {
      const span = this.held.shift();
      if (!span) break;
      const room = length - this.shown;
      const text = span.text.slice(0, room);
      if (span.text.length > room) this.held.unshift({ ...span, text: span.text.slice(room) });
      if (text !== "") out.push({ ...span, text });
      this.shown += text.length;
    }
    return out;
  }
}
