// The messages between a client (the extension host or the command line) and the worker process, over
// JSON-RPC on the child's IPC channel. Every message is a named type with a sentence. Times are in milliseconds.

import { notification, request } from "./messages";

/** Raised when a message changes its meaning; the client refuses a worker of another version. */
export const PROTOCOL_VERSION = 1;

export const MAX_LANES = 16;
export const MAX_DRAFT_LENGTH = 32;
/** The largest `maxTokens` the worker takes; the model's context bounds it further. */
export const MAX_NEW_TOKENS = 32_768;
/** Stop strings of one request, and characters of each. */
export const MAX_STOPS = 64;
export const MAX_STOP_LENGTH = 1024;

/** The worker's argument that keeps it from loading any GPU's driver. */
export const NO_GPUS = "--no-gpus";

/** Asked once after start: are we of one version, and what is this machine? */
export const Hello = request<HelloParams, HelloResult>("octet/hello");
export interface HelloParams {
  protocolVersion: number;
}
export interface HelloResult {
  protocolVersion: number;
  pid: number;
  /** Versions of the parts: octet, llama.cpp, node. */
  versions: Record<string, string>;
  devices: DeviceInfo[];
  /** What became of the GPUs' backends of this build; null: the worker was started without GPUs and looked for none. */
  gpuBackends: GpuBackendInfo[] | null;
  /** Cores and memory of the machine as the worker sees them. */
  machine: { physicalCores: number; logicalCores: number; memoryBytes: number; freeMemoryBytes: number };
  /** Threads the worker would use for `threads: 0`. */
  defaultThreads: number;
}

export interface DeviceInfo {
  /** What `LoadParams.device` takes, e.g. "CPU", "Vulkan0". */
  name: string;
  description: string;
  kind: "cpu" | "gpu" | "integratedGpu" | "accelerator";
  runtime: "llama" | "cuda";
  memoryBytes: number;
  freeMemoryBytes: number;
}

export interface GpuBackendInfo {
  /** E.g. "vulkan". */
  name: string;
  /** unusable: its library cannot be loaded. noDevice: it was loaded and lists no device. */
  state: "usable" | "noDevice" | "unusable";
  /** Of "unusable", in the system's words; may be empty. */
  reason: string;
}

/** Loads a pair of models; what was loaded before is dropped first. Progress comes as {@link LoadProgress}. Cancellable. */
export const Load = request<LoadParams, LoadResult>("octet/load");
export interface LoadParams {
  /** Path of the target's GGUF file. */
  target: string;
  /** Path of the draft's GGUF file; null: no speculation. */
  draft: string | null;
  /** "auto", "cpu", "gpu", or a device's name. */
  device: string;
  /** Compute threads; 0: a default that leaves the machine usable. */
  threads: number;
  /** Lanes wanted, 1 to MAX_LANES. Fewer are given, with a notice, where memory is short. */
  lanes: number;
  /** Longest prompt + completion of a lane, in tokens; 0: the model's own, bounded by memory. */
  contextTokens: number;
  /** Precision of the KV cache. */
  kvType: "f32" | "f16" | "q8_0";
  /** File in which the CUDA runtime keeps the plans of matrix products that it measured on this machine. Absent: it measures none. */
  cudaPlans?: string;
}
export interface LoadResult {
  target: ModelInfo;
  draft: ModelInfo | null;
  runtime: "llama" | "cuda";
  device: DeviceInfo;
  threads: number;
  lanes: number;
  contextTokens: number;
  /** Cells of the shared KV cache. */
  cacheTokens: number;
  memory: MemoryEstimate;
  /** Whether prompts can be given as prefix and suffix. */
  fim: boolean;
  /** Sentences for the user: what was reduced, what was ignored and why. */
  notices: string[];
  loadMs: number;
}
export interface ModelInfo {
  path: string;
  name: string;
  architecture: string;
  /** E.g. "Q8_0". */
  quantization: string;
  parameters: number;
  fileBytes: number;
  vocabularySize: number;
  trainedContext: number;
  layers: number;
  fim: boolean;
}
/** Bytes the pair takes on its device. Made before loading; `total` includes a margin. */
export interface MemoryEstimate {
  targetWeights: number;
  draftWeights: number;
  kvCache: number;
  compute: number;
  total: number;
  available: number;
}

export const LoadProgress = notification<LoadProgressParams>("octet/loadProgress");
export interface LoadProgressParams {
  phase: "checking" | "target" | "draft" | "warmup";
  /** 0 to 1 within the phase. */
  fraction: number;
}

/** What a file is and whether Octet can run it. Never loads the weights. */
export const Inspect = request<InspectParams, InspectResult>("octet/inspect");
export interface InspectParams {
  path: string;
  /** Compare with this file as a draft. */
  draft?: string;
}
export interface InspectResult {
  model: ModelInfo;
  runnable: boolean;
  /** Why not, or what to know. */
  reasons: string[];
  /** Bytes for one lane of `trainedContext` tokens of f16 cache. */
  kvBytesPerToken: number;
  /** How many tensors of which type, most first. */
  tensorTypes: { type: string; count: number; bytes: number }[];
  metadata: Record<string, string | number | boolean>;
  draft?: { model: ModelInfo; compatible: boolean; reason: string };
}

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
  /** For measurements: end-of-text does not end a lane, so that every lane writes exactly `maxTokens`. Default false. */
  ignoreEnd?: boolean;
  /** For measurements: the prompt is computed anew, though the cache may hold it. Default false. */
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
}

/** Ends one lane of a running request within one step. Unknown ids are ignored: the lane may just have ended. */
export const CancelLane = notification<CancelLaneParams>("octet/cancelLane");
export interface CancelLaneParams {
  id: string;
  lane: number;
}

export const Tokenize = request<TokenizeParams, TokenizeResult>("octet/tokenize");
export interface TokenizeParams {
  text: string;
}
export interface TokenizeResult {
  tokens: number[];
}

export const Status = request<null, StatusResult>("octet/status");
export interface StatusResult {
  state: "empty" | "loading" | "ready";
  loaded: LoadResult | null;
  /** Requests decoding or waiting, lanes in use. */
  running: number;
  queued: number;
  lanesInUse: number;
  residentBytes: number;
  uptimeMs: number;
}

/** Frees the models. Running requests end as cancelled. */
export const Unload = request<null, null>("octet/unload");

/** Unloads, answers, and exits with code 0. */
export const Shutdown = request<null, null>("octet/shutdown");

/** A line of the worker's log. */
export const Log = notification<LogParams>("octet/log");
export interface LogParams {
  level: "error" | "warning" | "info" | "debug";
  message: string;
}
