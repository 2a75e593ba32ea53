// The messages of one request for completions, a part of protocol/worker.ts, which exports them: what is asked, what is told of each step,
// what comes of it. Times are in milliseconds.

import { notification, request } from "./messages";

/**
 * Writes `lanes` completions of one prompt. Steps come as {@link GenerateProgress}. Cancelling the request (JSON-RPC
 * cancellation) ends every lane within one step; the request then still *resolves*, with what was written so far.
 */
export const Generate = request<GenerateParams, GenerateResult>("octet/generate");
export interface GenerateParams {
  /** Chosen by the client, unique among its running requests. */
  id: string;
  prompt: Prompt;
  lanes: number;
  maxTokens: number;
  sampling: SamplingParams;
  /** A lane ends before the first of these strings; the string itself is not part of the text. */
  stop: string[];
  /** Further token ids that end a lane, beside the model's own. */
  stopTokens: number[];
  /** Decoding stops when this much time has gone by since the request was taken up; null: no limit. */
  budgetMs: number | null;
  draftLength: DraftLength;
  /**
   * Token healing: where the text before the cursor ends within what the vocabulary may join to what follows (a word, a blank, a
   * bracket), its last tokens are not given to the model but asked of it: every lane begins with their text, in whatever tokens,
   * and shows what it writes behind it. Those tokens are among `tokens`, `tokenLogprobs` (given that the lane begins so) and
   * `maxTokens`; stop strings are sought behind their text. Behind a line's end nothing is healed, nor prompts of tokens, nor what is to
   * be scored. Default false.
   */
  heal?: boolean;
  /**
   * Nothing is written: the prompt is computed and kept in the cache, for requests to come that begin with it; all sequences of the result are
   * empty and have "end" for their reason. It gives way: any other request, before or after, ends it as "cancelled", and what was computed
   * until then stays in the cache. Such a prompt is not healed. Default false.
   */
  prepare?: boolean;
  /** For measurements: end-of-text does not end a lane, so that every lane writes exactly `maxTokens`. Nor are drafts looked up in earlier completions. Default false. */
  ignoreEnd?: boolean;
  /** For measurements: the prompt is computed anew, though the cache may hold it, and no drafts are looked up in earlier completions. Default false. */
  freshPrompt?: boolean;
  /** For measurements: nothing is written; the result has the prompt's log-probabilities under this model. */
  score?: "target" | "draft";
}
export type Prompt =
  | { kind: "text"; text: string }
  | { kind: "fim"; prefix: string; suffix: string }
  | { kind: "tokens"; tokens: number[] };
export interface SamplingParams {
  /** 0: greedy. */
  temperature: number;
  /** 0: off. */
  topK: number;
  /** 1: off. */
  topP: number;
  /** 0: off. */
  minP: number;
  /** Lane i draws from the stream (seed, i). An integer from 0 to 2^53 - 1. */
  seed: number;
}
/** "none", "bass" (Algorithm 1 of the paper), "auto", or "fixed:K" with K from 1 to MAX_DRAFT_LENGTH. */
export type DraftLength = "none" | "bass" | "auto" | `fixed:${number}`;

/** Steps since the last of these messages, oldest first; sent at most about every 10 ms. */
export const GenerateProgress = notification<GenerateProgressParams>("octet/generateProgress");
export interface GenerateProgressParams {
  id: string;
  /** Present while the prompt is being computed. */
  prefill?: { done: number; total: number; reused: number };
  steps: StepEvent[];
}
export interface StepEvent {
  /** End of the step, since the request was taken up. */
  atMs: number;
  /** The step's own wall time, and its parts. */
  stepMs: number;
  draftMs: number;
  verifyMs: number;
  hostMs: number;
  /** The longest draft of the step. */
  draftLength: number;
  lanes: LaneEvent[];
}
export interface LaneEvent {
  lane: number;
  tokens: number[];
  logprobs: number[];
  drafted: number;
  accepted: number;
  /** New visible text. It may lag behind the tokens: half a character, or what may become a stop string, is held back. */
  text: TextSpan[];
  /** Present on a lane's last event. */
  finishReason?: FinishReason;
}
export interface TextSpan {
  text: string;
  /** Written by the draft and accepted by the target. */
  accepted: boolean;
}
export type FinishReason = "end" | "stop" | "length" | "budget" | "cancelled";

export interface GenerateResult {
  /** In order of lane. */
  sequences: SequenceResult[];
  /** Of a scored prompt: natural log-probabilities of its tokens from the second on, each given those before it. */
  promptLogprobs?: number[];
  totals: Totals;
  /** Sentences for the user, e.g. that `maxTokens` was cut to the context. */
  notices: string[];
}
export interface SequenceResult {
  lane: number;
  /** 1 is the best: lanes with text before blank ones, finished ("end", "stop", "length") before unfinished, then by mean log-probability. */
  rank: number;
  text: string;
  tokens: number[];
  tokenLogprobs: number[];
  /** Mean of tokenLogprobs; null for no tokens. */
  meanLogprob: number | null;
  finishReason: FinishReason;
  drafted: number;
  accepted: number;
  /** Since the request was taken up, prefill included; null for no tokens. */
  firstTokenMs: number | null;
  /** Decoding time (prefill excluded) until the lane's end, over its tokens; null for no tokens. */
  msPerToken: number | null;
}
export interface Totals {
  promptTokens: number;
  /** Prompt tokens found in the cache. */
  reusedTokens: number;
  prefillMs: number;
  /** From the end of the prefill to the last lane's end. */
  decodeMs: number;
  wallMs: number;
  steps: number;
  tokens: number;
  drafted: number;
  accepted: number;
  /** accepted / drafted; null where nothing was drafted. */
  acceptanceRate: number | null;
  /** Mean tokens a live lane gained in a step. */
  tokensPerStep: number | null;
  /** tokens / decodeMs, all lanes together. */
  tokensPerSecond: number | null;
  /**
   * Of the first lane to finish, the last, and the mean over all, as the BASS paper reports them; cancelled lanes left out. Where
   * every lane was cancelled, `first` and `last` are null and the mean is over those that wrote.
   */
  msPerToken: { first: number | null; last: number | null; all: number | null };
  draftMs: number;
  verifyMs: number;
  hostMs: number;
  /** No pass that served another request, of this window or of one that shares the worker, was within the time of its prompt, of its steps. */
  alone: { prompt: boolean; steps: boolean };
}
