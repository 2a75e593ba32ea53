// From the lanes of a request to what is offered: filtered, without duplicates, best first. Works on a finished request as
// well as on the lanes that are done while others still run.
import type { FinishReason } from "../../protocol/worker";
import type { CursorContext } from "./context";
import { toModelText } from "./document";
import { stopAtBlockEnd } from "./filters/stopAtBlockEnd";
import type { Completion } from "./filters/filter";
import { applyFilters } from "./filters/pipeline";
import type { Lane } from "./lanes";
import { isRepetitive } from "./repetition";
import { isBalanced } from "./syntax/brackets";
import { syntaxOf } from "./syntax/syntaxOf";

export interface Candidate extends Completion {
  /** Lanes that wrote it, the best one first. */
  lanes: number[];
  meanLogprob: number | null;
  /** Every bracket that it opens it closes, and it closes none that it may not. */
  balanced: boolean;
}

/** A lane that the worker ended for another reason than its text. */
const isCutOff = (reason: FinishReason | null): boolean => reason !== "end" && reason !== "stop";

export function toCandidates(lanes: readonly Lane[], context: CursorContext): Candidate[] {
  const byText = new Map<string, Candidate>();
  const all = lanes.flatMap((lane) => toCandidate(lane, context) ?? []);
  for (const candidate of ranked(all)) {
    const key = `${candidate.overlap}:${candidate.text.trimEnd()}`;
    const same = byText.get(key);
    if (same) same.lanes.push(...candidate.lanes);
    else byText.set(key, candidate);
  }
  return [...byText.values()];
}

function toCandidate({ lane, text, meanLogprob, finishReason }: Lane, context: CursorContext): Candidate | null {
  const raw: Completion = { text: toModelText(text), overlap: 0, cutOff: isCutOff(finishReason) };
  const completion = applyFilters(raw, context);
  if (!completion) return null;
  const balanced = completion.overlap > 0 || isBalanced(completion.text, syntaxOf(context));
  return { ...completion, lanes: [lane], meanLogprob, balanced };
}

/** What says one thing over and over last; of the rest whole and balanced ones first, then by mean log-probability. */
function ranked(candidates: readonly Candidate[]): Candidate[] {
  return candidates
    .map((candidate) => ({ candidate, standing: classOf(candidate), likely: candidate.meanLogprob ?? -Infinity }))
    .sort((a, b) => a.standing - b.standing || (a.likely === b.likely ? 0 : b.likely - a.likely))
    .map(({ candidate }) => candidate);
}

const classOf = ({ text, cutOff, balanced }: Candidate): number => (isRepetitive(text) ? 4 : 0) + (cutOff ? 2 : 0) + (balanced ? 0 : 1);

/**
 * Whether more text of this lane would change nothing: it has ended, or has gone past the end of its line or block. A
 * running lane that is settled can be cancelled.
 */
export function isSettled({ text, finishReason }: Pick<Lane, "text" | "finishReason">, context: CursorContext): boolean {
  if (finishReason !== null) return true;
  const raw: Completion = { text: toModelText(text), overlap: 0, cutOff: true };
  if (raw.text.trim() === "") return false;
  if (!context.multiline) return raw.text.includes("\n");
  // The last line may still become a line of the block.
  const complete = raw.text.slice(0, raw.text.lastIndexOf("\n") + 1);
  const kept = complete.trim() === "" ? null : stopAtBlockEnd({ ...raw, text: complete }, context);
  return kept !== null && kept.text.trimEnd().length < complete.trimEnd().length;
}

/** The lanes that are settled, as if they had stopped there. */
export const settledLanes = (lanes: readonly Lane[], context: CursorContext): Lane[] =>
  lanes.filter((lane) => isSettled(lane, context)).map((lane) => ({ ...lane, finishReason: lane.finishReason ?? "stop" }));
