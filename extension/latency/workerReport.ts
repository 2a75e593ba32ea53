// The worker and its models in the Latency view's words.
import path from "node:path";
import type { WorkerReport } from "../../protocol/latencyView";
import type { ErrorReport } from "../../protocol/webview";
import type { LoadProgressParams, LoadResult, ModelInfo } from "../../protocol/worker";
import { deviceWords } from "../worker/deviceWords";
import type { SupervisorState, WorkerState } from "../worker/supervised";

const NOTHING_LOADED = {
  target: null, draft: null, device: null, threads: null, lanes: null, contextTokens: null, deviceBytes: null, deviceTotalBytes: null,
} satisfies Partial<WorkerReport>;

export const NO_WORKER: WorkerReport = {
  state: "stopped", loadFraction: null, error: null, ...NOTHING_LOADED, residentBytes: null, utilisation: null,
};

const states: Record<WorkerState, WorkerReport["state"]> = {
  stopped: "stopped", starting: "starting", ready: "ready", loading: "loading", restarting: "starting", failed: "failed",
};

export function workerReport({ state, reason, loaded }: SupervisorState): Partial<WorkerReport> {
  const failed: ErrorReport | null = state === "failed"
    ? { code: "workerDied", message: reason ?? "The worker keeps stopping.", advice: null, actions: ["retry", "showLog"] }
    : null;
  return {
    state: states[state],
    ...(state === "loading" ? {} : { loadFraction: null }),
    ...(failed || loaded ? { error: failed } : {}),
    ...(loaded ? report(loaded) : NOTHING_LOADED),
    ...(state === "stopped" || state === "failed" || state === "restarting" ? { residentBytes: null } : {}),
  };
}

/** Shares of a load by phase: reading the target takes most of it. */
const phases: Record<LoadProgressParams["phase"], [from: number, to: number]> = {
  checking: [0, 0.02], target: [0.02, 0.8], draft: [0.8, 0.9], warmup: [0.9, 1],
};

export function loadFraction({ phase, fraction }: LoadProgressParams): number {
  const [from, to] = phases[phase];
  return from + (to - from) * fraction;
}

export function modelName({ name, path: file, quantization }: Pick<ModelInfo, "name" | "path" | "quantization">): string {
  const known = name.trim() || path.basename(file, ".gguf");
  return known.toLowerCase().includes(quantization.toLowerCase()) ? known : `${known} · ${quantization}`;
}

function report(loaded: LoadResult): Partial<WorkerReport> {
  const { target, draft, device, runtime, threads, lanes, contextTokens, memory } = loaded;
  return {
    target: modelName(target),
    draft: draft && modelName(draft),
    device: `${deviceWords(loaded)} · ${runtime}`,
    threads, lanes, contextTokens,
    deviceBytes: memory.total,
    deviceTotalBytes: device.memoryBytes > 0 ? device.memoryBytes : null,
  };
}
