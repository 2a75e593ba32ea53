// What of a prompt the models' context has room for: the end of a text; around a place, the end of what is before it and the
// start of what is after it.
import type { LoadResult, Prompt } from "../../protocol/worker";
import { cutToTokens, withoutBack, withoutFront, type Counted, type CountTokens, type Cut } from "../completion/cut";
import { badInput } from "./errors";
import { formatCount, plural } from "./format";

export interface FitOptions {
  lanes: number;
  maxTokens: number;
  /** The user has asked for so many: they may take more than half of the context. */
  maxTokensGiven: boolean;
  /** Of --context; 0: the user did not say. */
  context: number;
  /** What follows the prompt is the rest of the same text: its lines are counted on. */
  oneText: boolean;
}

export interface Fitted {
  prompt: Prompt;
  /** What was left out, for the user; null for nothing. */
  notice: string | null;
}

/** Most of the context that is kept free for completions. */
const MOST_RESERVED = 1 / 2;
const MOST_RESERVED_WHEN_GIVEN = 3 / 4;
/** Of a prompt's tokens, where what is before it fills the rest. */
const SUFFIX_SHARE = 1 / 4;
/** Tokens that a vocabulary may put around a prompt: one before a text; before and between prefix and suffix, and at the end. */
const SPECIAL_TOKENS = { text: 1, fim: 4 } as const;
/** So many are counted at first; more only where they do not fill the room. */
const CHARACTERS_PER_TOKEN = 8;

/** Throws bad input where the context holds no prompt at all. */
export async function fitToContext(prompt: Prompt, loaded: LoadResult, options: FitOptions, count: CountTokens): Promise<Fitted> {
  if (prompt.kind === "tokens" || (prompt.kind === "fim" && !loaded.fim)) return { prompt, notice: null }; // the worker says why not
  const { contextTokens } = loaded;
  const reserved = reserve(loaded, options);
  const room = contextTokens - SPECIAL_TOKENS[prompt.kind] - reserved;
  const whole = prompt.kind === "fim" ? { before: prompt.prefix, after: prompt.suffix } : { before: prompt.text, after: "" };
  const before = await reach(whole.before, room, count, withoutFront);
  const after = await reach(whole.after, room, count, withoutBack);
  // The first special token is not every vocabulary's: a prompt that may fit without it is left to the worker.
  const fits = before.tokens + after.tokens <= room + (reserved > 1 ? 1 : 0);
  if (fits && before.text.length + after.text.length === whole.before.length + whole.after.length) return { prompt, notice: null };

  const share = Math.max(Math.floor(room * SUFFIX_SHARE), room - before.tokens);
  const keptAfter = await cutToTokens(after.text, share, count, withoutBack);
  const keptBefore = await cutToTokens(before.text, room - keptAfter.tokens, count, withoutFront);
  const kept = { before: keptBefore, after: keptAfter };
  if (keptBefore.text + keptAfter.text === "") {
    throw badInput(`A context of ${plural(contextTokens, "token")} has no room for a prompt`, "Raise --context.");
  }
  return {
    prompt: prompt.kind === "fim" ? { kind: "fim", prefix: keptBefore.text, suffix: keptAfter.text } : { kind: "text", text: keptBefore.text },
    notice: `The prompt was cut to ${whatIsKept(prompt.kind, whole, kept, options.oneText)}: the context holds ${formatCount(contextTokens)}, ` +
      `${formatCount(reserved)} of them for the completions.${advice(loaded, options)}`,
  };
}

/** Tokens kept free for completions: no more than the cache gives every lane beside the longest prompt. */
function reserve({ contextTokens, cacheTokens, ...loaded }: LoadResult, { maxTokens, maxTokensGiven, ...options }: FitOptions): number {
  const lanes = Math.min(options.lanes, loaded.lanes);
  const share = Math.floor(contextTokens * (maxTokensGiven ? MOST_RESERVED_WHEN_GIVEN : MOST_RESERVED));
  const cells = lanes === 1 ? Infinity : Math.floor((cacheTokens - contextTokens) / (lanes - 1));
  return Math.max(1, Math.min(maxTokens, share, cells));
}

/** The end of the text that is left of a cut, with more than `limit` tokens, or all of it: not all of a long text is counted. */
async function reach(text: string, limit: number, count: CountTokens, cut: Cut): Promise<Counted> {
  if (text === "") return { text, tokens: 0 };
  for (let most = Math.max(1, limit) * CHARACTERS_PER_TOKEN; ; most *= 2) {
    const piece = text.length > most ? cut(text, text.length - most) : text;
    const tokens = await count(piece);
    if (tokens > limit || piece.length === text.length) return { text: piece, tokens };
  }
}

interface Sides<T> {
  before: T;
  after: T;
}

function whatIsKept(kind: "text" | "fim", whole: Sides<string>, kept: Sides<Counted>, oneText: boolean): string {
  const place = whole.before.length;
  const start = place - kept.before.text.length;
  const end = kept.after.text.length;
  const text = oneText ? whole.before + whole.after : whole.before;
  const before = start > 0 ? ` (${linesOf(text, start, place, "first")})` : "";
  if (kind === "text") return `its last ${plural(kept.before.tokens, "token")}${before}`;
  const after = end === whole.after.length ? ""
    : oneText ? ` (${linesOf(text, place, place + end, "last")})` : ` (${linesOf(whole.after, 0, end, "last")})`;
  const keptBefore = kept.before.tokens === 0 ? "" : `the ${before && "last "}${plural(kept.before.tokens, "token")} before the completion${before}`;
  if (kept.after.tokens === 0) return keptBefore;
  return `${keptBefore && `${keptBefore} and `}the ${after && "first "}${plural(kept.after.tokens, "token")} after ${keptBefore ? "it" : "the completion"}${after}`;
}

/** "lines 310 to 402 of 402" for the characters from `start` to `end`; `cut` is the line that may be there in part. */
function linesOf(text: string, start: number, end: number, cut: "first" | "last"): string {
  const first = lineAt(text, start);
  const last = lineAt(text, Math.max(start, end - 1));
  const total = formatCount(lineAt(text, text.length - 1));
  const inPart = text[(cut === "first" ? start : end) - 1] !== "\n";
  if (first === last) return `line ${formatCount(first)} of ${total}${inPart ? ", in part" : ""}`;
  return `lines ${formatCount(first)} to ${formatCount(last)} of ${total}${inPart ? `, the ${cut} in part` : ""}`;
}

/** The line, counted from 1, of the character at an offset. */
function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let end = text.indexOf("\n"); end >= 0 && end < offset; end = text.indexOf("\n", end + 1)) line += 1;
  return line;
}

/** What can be done about it, where something can. */
function advice({ contextTokens, target, draft }: LoadResult, { context }: FitOptions): string {
  const trained = Math.min(target.trainedContext, draft?.trainedContext ?? Infinity);
  const limitedByMemory = context > 0 && contextTokens < context;
  return contextTokens < trained && !limitedByMemory ? ` Raise --context for more; these models hold up to ${formatCount(trained)}.` : "";
}
