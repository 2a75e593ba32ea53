// Which prompts the worker's cache may still hold: how much of a prompt would have to be computed. A guess, since the worker drops some
// where it needs their room; a wrong one costs time, until the worker tells how far it came.
import type { Prompt } from "../../protocol/worker";
import { promptChars } from "./prompt";

/** The worker keeps some more, of which long ones push out others. */
const REMEMBERED = 4;

interface Computed {
  kind: Prompt["kind"];
  text: string;
}

export class ComputedPrompts {
  /** The latest first. */
  private computed: Computed[] = [];

  /** The first `share` of this prompt is computed, 0 to 1, and no more of it, whatever was before; 0: that is not known. */
  note(prompt: Prompt, share = 1): void {
    if (share <= 0) return;
    const { kind } = prompt;
    const whole = beforeCursor(prompt);
    const text = whole.slice(0, Math.floor(promptChars(prompt) * share));
    const others = this.computed.filter((other) => other.kind !== kind || (!text.startsWith(other.text) && common(other.text, whole) <= text.length));
    if (others.some((other) => other.kind === kind && other.text.startsWith(text))) return;
    this.computed = [{ kind, text }, ...others].slice(0, REMEMBERED);
  }

  /** Characters of the prompt that are not computed yet. */
  missingChars(prompt: Prompt): number {
    const text = beforeCursor(prompt);
    const longest = Math.max(0, ...this.computed.map((other) => (other.kind === prompt.kind ? common(other.text, text) : 0)));
    return text.length - longest + (prompt.kind === "fim" ? prompt.suffix.length : 0);
  }

  clear(): void {
    this.computed = [];
  }
}

const beforeCursor = (prompt: Prompt): string => (prompt.kind === "fim" ? prompt.prefix : prompt.kind === "text" ? prompt.text : "");

/** Characters that two texts begin with alike. */
function common(a: string, b: string): number {
  if (a.startsWith(b)) return b.length;
  if (b.startsWith(a)) return a.length;
  let at = 0;
  while (a[at] === b[at]) at++;
  return at;
}
