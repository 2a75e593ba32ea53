// The messages between a client (the extension host or the command line) and the worker process, over
// JSON-RPC on the child's IPC channel. Every message is a named type with a sentence. Times are in milliseconds.

import { notification, request } from "./messages";

export * from "./generate";

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
  /** Path of the draft model's GGUF file; null: none, drafts are looked up in the text. */
  draft: string | null;
  /** "auto", "cpu", "gpu", or a device's name. */
  device: string;
  /** Compute threads; 0: a default that leaves the machine usable. */
  threads: number;
  /** Lanes wanted, 1 to MAX_LANES. Fewer are given, with a notice, where memory is short. */
  lanes: number;
  /**
   * More lanes, for requests beside one that has `lanes`: given all or none, where memory holds them without less of anything else. Cache
   * they have what the others leave. Together at most MAX_LANES. Absent: none.
   */
  spareLanes?: number;
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
  /** Of one request, at most. */
  lanes: number;
  /** Beside them, for other requests at the same time. */
  spareLanes: number;
  contextTokens: number;
  /** Cells of the shared KV cache. */
  cacheTokens: number;
  /** On the device. */
  memory: MemoryEstimate;
  /** Where the device holds but the target's last layers, and the draft; the processor has the others. */
  split?: { layersOnDevice: number; machineMemoryBytes: number };
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
  /** That use the worker; absent: it is one window's alone. */
  windows?: number;
}

/** Frees the models. Running requests end as cancelled. */
export const Unload = request<null, UnloadResult>("octet/unload");
export interface UnloadResult {
  /** So many other windows use them: they stay in memory until these let go of them, too. */
  inUse: number;
}

/** Unloads, answers, and exits with code 0. */
export const Shutdown = request<null, null>("octet/shutdown");

/** A line of the worker's log. */
export const Log = notification<LogParams>("octet/log");
export interface LogParams {
  level: "error" | "warning" | "info" | "debug";
  message: string;
}
