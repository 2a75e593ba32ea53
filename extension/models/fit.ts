// Whether a pair of the catalogue fits this machine, and where the worker would put it (native/runtimes/llama/placement.cpp, split.cpp), before it is
// downloaded; test/golden/memory holds the two together.
import type { DeviceInfo, HelloResult } from "../../protocol/worker";
import type { CataloguePair } from "./catalogue";
import { availableOf, CONTEXT_FLOOR, needOf, partOf, type MemoryKind, type Wanted } from "./need";
import { isWorthSplitting, mostLayers } from "./split";
import { formatBytes, formatPart } from "./words";

/** So many lanes on a GPU of its own memory are better than every lane anywhere else. */
const GPU_LANES = 2;

export interface Fit {
  /** "integrated": a GPU that computes in the machine's own memory; "split": a GPU that holds some of the target's layers, and memory. */
  where: MemoryKind | "split" | "nowhere";
  /** The device it goes to; for "nowhere" the one with most memory. */
  device: string;
  /** Completions at once; for "nowhere" those that were wanted. */
  lanes: number;
  /** There is no room for as many as were wanted; the context is short, too. */
  fewerLanes: boolean;
  /** With less context than wanted; at least 1024 tokens. */
  reduced: boolean;
  /** There is a GPU, and it is in memory for all that. */
  tooLargeForGpu: boolean;
  /** Of a split pair what the GPU would have to hold for all of it. */
  needBytes: number;
  availableBytes: number;
  /** Of the target, for "split". */
  layers?: { onGpu: number; all: number };
}

export interface Machine extends Pick<HelloResult, "devices" | "machine"> {
  /** Models may not go to the processor alone. */
  gpusOnly?: boolean;
}

/** What is left of the machine where models may go to `device` alone: "auto", "cpu", "gpu" or a device's name. null: there is none such. */
export function machineWith(device: string, { devices, machine }: Machine): Machine | null {
  if (device === "auto") return { devices, machine };
  const kinds: Partial<Record<string, DeviceInfo["kind"][]>> = { cpu: ["cpu"], gpu: ["gpu", "integratedGpu"] };
  const kept = devices.filter(({ name, kind }) => name === device || kinds[device]?.includes(kind));
  if (kept.length === 0) return null;
  return { devices: kept, machine, gpusOnly: !kept.some(({ kind }) => kind === "cpu") };
}

interface Place {
  where: MemoryKind;
  /** A pair may be split between it and memory: not with the CUDA runtime, and not by Metal, which counts what it may take of the machine's memory. */
  canSplit: boolean;
  device: string;
  availableBytes: number;
}

/**
 * Where the worker would put the pair: the first device that holds it with every lane and 1024 tokens, GPUs of their own memory, integrated
 * ones, the processor; but before the others any GPU that holds two lanes so, else one that holds the draft and enough of the target's layers;
 * and where none holds that much the one with most lanes. What would go in with fewer than 1024 tokens alone is said not to fit: such a
 * context is of little use.
 */
export function fitOf(pair: CataloguePair, machine: Machine, wanted: Wanted): Fit {
  const [target, draft] = [partOf(pair.target), partOf(pair.draft)];
  const short = { ...wanted, contextTokens: Math.min(wanted.contextTokens, CONTEXT_FLOOR) };
  const need = (where: MemoryKind, changes: Partial<Wanted> = {}): number => needOf([target, draft], { ...short, ...changes }, where).total;
  const places = placesOf(machine);
  const rated = places.map((place) => {
    const lanes = mostLanes(wanted.lanes, (count) => need(place.where, { lanes: count }) <= place.availableBytes);
    const enough = lanes >= (place.where === "gpu" ? Math.min(GPU_LANES, wanted.lanes) : wanted.lanes);
    return { place, lanes, preferred: !enough ? 0 : place.where === "gpu" ? 2 : 1 };
  });
  const best = rated.reduce((a, b) => (b.preferred > a.preferred || (b.preferred === a.preferred && b.lanes > a.lanes) ? b : a));
  const some = { fewerLanes: false, reduced: false, tooLargeForGpu: false, lanes: wanted.lanes };
  if (best.preferred < 2) {
    const memoryBytes = availableOf(machine.machine.freeMemoryBytes);
    const splits = places.filter(({ canSplit }) => canSplit).flatMap((place) => {
      const found = mostLayers(target, draft, wanted, place.availableBytes, memoryBytes);
      return found ? [{ place, ...found }] : [];
    });
    const split = splits.length === 0 ? null : splits.reduce((a, b) => (b.layers > a.layers ? b : a));
    if (split && (best.lanes === 0 || isWorthSplitting(split.layers, target))) {
      const { device, availableBytes } = split.place;
      return { ...some, where: "split", device, reduced: split.reduced, needBytes: need("gpu", wanted), availableBytes, layers: { onGpu: split.layers, all: target.shape.layers } };
    }
  }
  if (best.lanes === 0) {
    const { where, device, availableBytes } = places.reduce((a, b) => (b.availableBytes > a.availableBytes ? b : a));
    return { ...some, where: "nowhere", device, needBytes: need(where), availableBytes };
  }
  const { place: { where, device, availableBytes }, lanes } = best;
  const whole = need(where, wanted);
  const reduced = whole > availableBytes;
  return {
    where, device, availableBytes, lanes, reduced, fewerLanes: lanes < wanted.lanes,
    tooLargeForGpu: where === "ram" && places.length > 1,
    needBytes: reduced ? need(where, { lanes }) : whole,
  };
}

/** 0: not even one. */
function mostLanes(wanted: number, fits: (lanes: number) => boolean): number {
  let lanes = wanted;
  while (lanes > 0 && !fits(lanes)) lanes--;
  return lanes;
}

function placesOf({ devices, machine, gpusOnly = false }: Machine): Place[] {
  const places = (where: "gpu" | "integrated", wanted: DeviceInfo["kind"]): Place[] =>
    devices.filter(({ kind }) => kind === wanted).map(({ description, name, runtime, freeMemoryBytes }) => ({
      where, device: description || name, availableBytes: availableOf(freeMemoryBytes),
      canSplit: where === "gpu" && runtime === "llama" && !name.startsWith("MTL"),
    }));
  const memory: Place = { where: "ram", device: "memory", availableBytes: availableOf(machine.freeMemoryBytes), canSplit: false };
  return [...places("gpu", "gpu"), ...places("integrated", "integratedGpu"), ...(gpusOnly ? [] : [memory])];
}

const atOnce = (lanes: number): string => (lanes === 1 ? "one completion at a time" : `${lanes} completions at once`);

/** "fits on NVIDIA H100: needs 6.5 GB of 79 GB". */
export function fitSentence({ where, device, lanes, fewerLanes, reduced, tooLargeForGpu, needBytes, availableBytes, layers }: Fit): string {
  const numbers = `needs ${formatBytes(needBytes)} of ${formatBytes(availableBytes)} free`;
  const cut = fewerLanes ? `, with a short context and ${atOnce(lanes)}` : reduced ? ", with a shorter context" : "";
  if (where === "gpu") return `fits on ${device}${cut}: ${numbers}`;
  if (layers) return `fits in part on ${device}${cut}, ${layers.onGpu} of ${layers.all} layers, ${formatPart(availableBytes, needBytes)}, the rest in memory: slower than on the card alone`;
  if (where === "integrated") return `fits on ${device}${cut}, slower than on a graphics card: ${numbers}`;
  if (where === "ram") return `fits in memory${cut}, slow ${tooLargeForGpu ? "as it is too large for the GPU" : "without a GPU"}: ${numbers}`;
  return `does not fit: ${numbers}`;
}

/** The same where there is little room, first what decides: "Fits: needs 6.5 of 79 GB on NVIDIA H100." */
export function fitBrief({ where, device, lanes, fewerLanes, reduced, tooLargeForGpu, needBytes, availableBytes }: Fit): string {
  const numbers = `needs ${formatPart(needBytes, availableBytes)}`;
  const some = `${lanes} at ${lanes === 1 ? "a time" : "once"}`;
  const less = fewerLanes ? `, ${some},` : reduced ? " with less context" : "";
  if (where === "gpu") return reduced ? `Fits: ${numbers} on the GPU, ${fewerLanes ? some : "less context"}.` : `Fits: ${numbers} on ${device}.`;
  if (where === "split") return `Fits: ${formatPart(availableBytes, needBytes)} on the GPU, ${reduced ? "with less context" : "rest in RAM"}.`;
  if (where === "integrated") return `Fits: ${numbers}${less}${fewerLanes ? "" : ","} not fast, on ${device}.`;
  if (where === "ram" && fewerLanes) return `Fits: ${numbers}${less} slow.`;
  if (where === "ram") return `Fits: ${numbers}${less}, slow${reduced ? "" : tooLargeForGpu ? ", too large for the GPU" : " without a GPU"}.`;
  return `Does not fit: ${numbers}.`;
}

export interface Ranked {
  pair: CataloguePair;
  fit: Fit;
  recommended: boolean;
}

/**
 * Best for this machine first: on a graphics card the largest that fits, in part there, on an integrated GPU and in memory, where every token
 * waits for the machine's own memory, the smallest; then what fits only with less context, then what fits with fewer completions at once; of equals the
 * base model, which is better at filling in. The first is recommended, if it fits.
 */
export function rank(pairs: readonly CataloguePair[], machine: Machine, wanted: Wanted): Ranked[] {
  const order = ["gpu", "split", "integrated", "ram", "nowhere"];
  const group = ({ where, reduced, fewerLanes }: Fit): number => 3 * order.indexOf(where) + Number(reduced) + Number(fewerLanes);
  const size = ({ pair, fit }: { pair: CataloguePair; fit: Fit }): number => (fit.where === "gpu" ? -pair.parameters : pair.parameters);
  return pairs
    .map((pair) => ({ pair, fit: fitOf(pair, machine, wanted) }))
    .sort((a, b) => group(a.fit) - group(b.fit) || size(a) - size(b) || Number(b.pair.base) - Number(a.pair.base))
    .map((entry, index) => ({ ...entry, recommended: index === 0 && entry.fit.where !== "nowhere" }));
}
