// What the native addon gives to native/worker. Shapes of data are the protocol's: the worker passes them through.

import type {
  DeviceInfo, GenerateParams, GenerateResult, GpuBackendInfo, InspectParams, InspectResult, LoadParams, LoadProgressParams, LoadResult,
  LogParams, StepEvent,
} from "../../protocol/worker";

/** Errors thrown or rejected have `code` (ErrorCode of protocol/messages.ts) and perhaps `advice`. */
export interface OctetAddon {
  /**
   * Must come first, once: `libraries` are folders with the llama.cpp backends, in the order to try them. Without `gpus` no backend
   * that loads a GPU's driver is loaded, then or later.
   */
  initialize(options: { libraries: string[]; gpus: boolean; onLog(line: LogParams): void }): void;
  versions(): Record<string, string>;
  devices(): DeviceInfo[];
  /** null: initialised without `gpus`. */
  gpuBackends(): GpuBackendInfo[] | null;
  machine(): { physicalCores: number; logicalCores: number; memoryBytes: number; freeMemoryBytes: number };
  defaultThreads(): number;
  inspect(params: InspectParams): Promise<InspectResult>;
  /** Loads off the JavaScript thread. `signal.cancelled` is polled through cancelLoad(). */
  load(params: LoadParams, onProgress: (progress: LoadProgressParams) => void): Promise<NativeEngine>;
  /** Makes the load under way reject with code "cancelled" soon. */
  cancelLoad(): void;
  /**
   * Ends the process at once (std::_Exit), waiting for no native thread and running no destructor: process.exit joins the
   * threads of libuv's pool, and a load may hold one for minutes.
   */
  exitNow(code: number): void;
}

export interface NativeEngine {
  readonly loaded: LoadResult;
  /** Starts at once or queues; `onProgress` is called on the JavaScript thread, a few steps at a time. */
  generate(params: GenerateParams, onProgress: (progress: NativeProgress) => void): Promise<GenerateResult>;
  cancel(id: string): void;
  cancelLane(id: string, lane: number): void;
  tokenize(text: string): number[];
  counts(): { running: number; queued: number; lanesInUse: number };
  /** Ends what runs as cancelled and frees everything off the JavaScript thread. Safe to call twice. */
  close(): Promise<void>;
}

export interface NativeProgress {
  prefill?: { done: number; total: number; reused: number };
  steps: StepEvent[];
}
