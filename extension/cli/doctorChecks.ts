// What octet doctor says about the machine, the models and what was chosen. Each check is one line, and advice where needed.
import type { DeviceInfo, HelloResult, LoadResult } from "../../protocol/worker";
import { formatBytes, formatCount, formatParameters, plural } from "./format";
import { crashNotice } from "../worker/driverCrashes";
import { hardwareHere } from "../worker/gpus/hardware";
import { isGpu } from "../worker/gpus/wanted";
import { whyNoGpu } from "../worker/gpus/why";
import type { Pair } from "./models";
import type { WorkerApi } from "./workerApi";

export interface Check {
  name: string;
  /** broken: Octet cannot work. caution: it works, but look at this. info: neither good nor bad. */
  state: "ok" | "info" | "caution" | "broken";
  text: string;
  /** What to do. */
  advice?: string;
}

const LITTLE_MEMORY = 1e9;

export function machineChecks(hello: HelloResult): Check[] {
  const versions = Object.entries(hello.versions).map(([part, version]) => `${part} ${version}`);
  return [
    { name: "worker", state: "ok", text: versions.join(", ") },
    runtimeCheck("llama", hello.devices, "llama.cpp found no device.", "Reinstall Octet: its llama.cpp libraries are missing."),
    cudaCheck(hello),
    ...hello.devices.map(deviceCheck),
    memoryCheck(hello.machine),
    threadsCheck(hello),
  ];
}

function runtimeCheck(runtime: DeviceInfo["runtime"], devices: readonly DeviceInfo[], missing: string, advice: string): Check {
  const names = devices.filter((device) => device.runtime === runtime).map((device) => device.name);
  return names.length > 0
    ? { name: "runtime", state: "ok", text: `${runtime}: ${names.join(", ")}` }
    : { name: "runtime", state: "broken", text: `${runtime}: ${missing}`, advice };
}

function cudaCheck({ devices, gpuBackends }: HelloResult): Check {
  const names = devices.filter((device) => device.runtime === "cuda").map((device) => device.name);
  return names.length > 0
    ? { name: "runtime", state: "ok", text: `cuda: ${names.join(", ")}` }
    : { name: "runtime", state: "info", text: `cuda: not in use: ${gpuBackends ? "no NVIDIA driver, or not part of this build" : "GPUs are left alone"}` };
}

function deviceCheck({ name, description, kind, memoryBytes, freeMemoryBytes }: DeviceInfo): Check {
  const memory = memoryBytes > 0 ? `, ${formatBytes(freeMemoryBytes)} free of ${formatBytes(memoryBytes)}` : "";
  const kinds = { cpu: "processor", gpu: "GPU", integratedGpu: "integrated GPU", accelerator: "accelerator" };
  return { name: "device", state: "ok", text: `${name}: ${description}, ${kinds[kind]}${memory}` };
}

/** Why only the processor is there to use; nothing where a GPU is, or none is seen. `device`: what the models are on, if any. */
export function gpuCheck({ hello, driverCrash }: Pick<WorkerApi, "hello" | "driverCrash">, device: DeviceInfo | null): Check[] {
  const why = whyNoGpu({
    hello, device, driverCrash, setting: "--device", hardware: hardwareHere(), platform: process.platform, arch: process.arch,
  });
  return why ? [{ name: "gpu", state: hello.gpuBackends === null && !driverCrash ? "info" : "caution", ...why }] : [];
}

function memoryCheck({ memoryBytes, freeMemoryBytes }: HelloResult["machine"]): Check {
  const text = `${formatBytes(freeMemoryBytes)} free of ${formatBytes(memoryBytes)}`;
  return freeMemoryBytes < LITTLE_MEMORY
    ? { name: "memory", state: "caution", text, advice: "Large models will not fit; close something, or use fewer lanes." }
    : { name: "memory", state: "ok", text };
}

function threadsCheck({ defaultThreads, machine }: HelloResult): Check {
  const { physicalCores, logicalCores } = machine;
  const cores = `${plural(physicalCores, "core")}${logicalCores > physicalCores ? ` (${logicalCores} logical)` : ""}`;
  const why = defaultThreads < physicalCores ? "the rest stays free, since waiting threads slow every step" : "hyper-threads would add nothing";
  return { name: "threads", state: "ok", text: `${defaultThreads} by default on ${cores}: ${why}` };
}

/** Looks at the pair's files without loading them. */
export async function modelChecks(worker: WorkerApi, pair: Pair): Promise<Check[]> {
  try {
    const found = await worker.inspect({ path: pair.target, draft: pair.draft ?? undefined });
    const checks: Check[] = [modelCheck("target", found.model, found.runnable, found.reasons.join(" "))];
    if (found.draft) checks.push(modelCheck("draft", found.draft.model, found.draft.compatible, found.draft.reason));
    else checks.push({ name: "draft", state: "info", text: "none: drafts are looked up in the text" });
    return checks;
  } catch (error) {
    const { message, advice } = error as { message: string; advice?: string };
    return [{ name: "models", state: "broken", text: message, advice: advice ?? "Reinstall Octet, or name models with --target and --draft." }];
  }
}

function modelCheck(name: string, model: LoadResult["target"], good: boolean, reason: string): Check {
  const facts = `${model.name} ${model.quantization}, ${formatParameters(model.parameters)} parameters, ${formatBytes(model.fileBytes)}, ${model.path}`;
  return good
    ? { name, state: "ok", text: facts }
    : { name, state: "broken", text: `${facts}: ${reason}`, advice: "Choose another file; octet inspect says what a file is." };
}

/** What a load chose, and why. */
export function describeLoaded(loaded: LoadResult, wantedDevice: string, { hello, driverCrash }: Pick<WorkerApi, "hello" | "driverCrash">): Check[] {
  const { device, memory, split } = loaded;
  const why = wantedDevice !== "auto" ? "as asked"
    : driverCrash ? "the GPU's driver failed"
      : split ? "it holds some of the models"
      : device.kind !== "cpu" ? "the fastest device that the models fit"
        : hello.devices.some(isGpu) ? "the models fit no other device" : "no GPU was found";
  const notices = loaded.notices.filter((notice) => !driverCrash || notice !== crashNotice(driverCrash)); // the device's line says it
  const uses = [
    `${device.name} (${why})`,
    ...(split ? [`${split.layersOnDevice} of ${plural(loaded.target.layers, "layer")} there`] : []),
    ...(device.kind === "cpu" || split ? [plural(loaded.threads, "thread")] : []),
    `${loaded.lanes} lanes of ${formatCount(loaded.contextTokens)} tokens`,
    `${formatBytes(memory.total)} of ${formatBytes(memory.available)} available`,
    ...(split ? [`${formatBytes(split.machineMemoryBytes)} in the machine's memory`] : []),
    loaded.draft ? "with draft model" : "without draft model",
  ];
  return [
    { name: "in use", state: "ok", text: uses.join(", ") },
    ...notices.map((notice): Check => ({ name: "note", state: "caution", text: notice })),
  ];
}
