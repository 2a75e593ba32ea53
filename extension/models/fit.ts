// Whether a pair of the catalogue fits this machine, before it is downloaded. The formulas and constants are those that the
// worker fits a pair to memory with (native/runtimes/llama/memory.cpp); a test holds the two together.
import type { DeviceInfo, HelloResult } from "../../protocol/worker";
import { MAX_DRAFT_LENGTH } from "../../protocol/worker";
import type { CataloguePair, Shape } from "./catalogue";
import { formatBytes, formatPart } from "./words";

const MIB = 2 ** 20;
const PASS_ROWS = 512;
const CONTEXT_STEP = 256;
const COMPLETION_ROOM = 1024;
const CONTEXT_FLOOR = 1024;
const MOST_SCORE_BYTES = 256 * MIB;
const FIXED_BYTES = 8 * MIB;
const LEAST_LOGIT_ROWS = 64;
const F16 = 2;
const F32 = 4;

export interface Wanted {
  lanes: number;
  /** Longest prompt and completion of a lane, in tokens. */
  contextTokens: number;
}

/** Bytes. */
export interface Need {
  weights: number;
  kvCache: number;
  compute: number;
  total: number;
}

export interface Part {
  weights: number;
  shape: Shape;
}

/** Cells for one full-length prompt with its lanes' completions beside it. */
function cacheTokens({ lanes, contextTokens }: Wanted): number {
  const cells = contextTokens + (lanes - 1) * Math.min(contextTokens, COMPLETION_ROOM) + lanes * (MAX_DRAFT_LENGTH + 1);
  return Math.ceil(cells / CONTEXT_STEP) * CONTEXT_STEP;
}

const kvBytesPerToken = ({ layers, kvHeads, keyLength, valueLength }: Shape): number => layers * kvHeads * (keyLength + valueLength) * F16;

/** Buffers of one context: activations of a pass, attention scores where they are kept, the mask, logits on device and host. */
function computeBytes({ embedding, heads, keyLength, feedForward, vocabulary }: Shape, lanes: number, cells: number): number {
  const widths = 4 * embedding + 2 * heads * keyLength + 3 * feedForward;
  const scores = PASS_ROWS * cells * heads * F32;
  const mask = PASS_ROWS * cells * F32;
  const logits = 2 * Math.max(LEAST_LOGIT_ROWS, lanes * (MAX_DRAFT_LENGTH + 1)) * vocabulary * F32;
  return FIXED_BYTES + PASS_ROWS * widths * F32 + (scores <= MOST_SCORE_BYTES ? scores : 0) + mask + logits;
}

/** Memory of a loaded pair with a float16 cache. */
export function needOf(parts: readonly Part[], wanted: Wanted): Need {
  const contextTokens = Math.min(wanted.contextTokens, ...parts.map(({ shape }) => shape.trainedContext));
  const cells = cacheTokens({ ...wanted, contextTokens });
  const sum = (value: (part: Part) => number): number => parts.reduce((total, part) => total + value(part), 0);
  const weights = sum((part) => part.weights);
  const kvCache = sum(({ shape }) => cells * kvBytesPerToken(shape));
  const compute = sum(({ shape }) => computeBytes(shape, wanted.lanes, cells));
  return { weights, kvCache, compute, total: weights + kvCache + compute };
}

/** A twentieth of the free memory, at most half a gigabyte, is left to others. */
export const availableOf = (freeBytes: number): number => freeBytes - Math.min(Math.floor(freeBytes / 20), 512 * MIB);

export interface Fit {
  /** "integrated": a GPU that computes in the machine's own memory. */
  where: "gpu" | "integrated" | "ram" | "nowhere";
  /** The device it goes to; for "nowhere" the one with most memory. */
  device: string;
  /** With less context than wanted; at least 1024 tokens. */
  reduced: boolean;
  /** There is a GPU, and it is in memory for all that. */
  tooLargeForGpu: boolean;
  needBytes: number;
  availableBytes: number;
}

export type Machine = Pick<HelloResult, "devices" | "machine">;

/** Where the worker would put the pair: the first device that holds every lane with 1024 tokens; GPUs of their own memory, integrated ones, the processor. */
export function fitOf(pair: CataloguePair, machine: Machine, wanted: Wanted): Fit {
  const parts = [pair.target, pair.draft].map(({ bytes, shape }) => ({ weights: bytes, shape }));
  const whole = needOf(parts, wanted).total;
  const least = needOf(parts, { ...wanted, contextTokens: Math.min(wanted.contextTokens, CONTEXT_FLOOR) }).total;
  const places = placesOf(machine);
  const place = places.find(({ availableBytes }) => least <= availableBytes);
  if (!place) {
    const largest = places.reduce((a, b) => (b.availableBytes > a.availableBytes ? b : a));
    return { where: "nowhere", device: largest.device, reduced: false, tooLargeForGpu: false, needBytes: least, availableBytes: largest.availableBytes };
  }
  const reduced = whole > place.availableBytes;
  const tooLargeForGpu = place.where === "ram" && places.length > 1;
  return { ...place, reduced, tooLargeForGpu, needBytes: reduced ? least : whole };
}

function placesOf({ devices, machine }: Machine): Pick<Fit, "where" | "device" | "availableBytes">[] {
  const places = (where: "gpu" | "integrated", wanted: DeviceInfo["kind"]): Pick<Fit, "where" | "device" | "availableBytes">[] =>
    devices.filter(({ kind }) => kind === wanted).map(({ description, name, freeMemoryBytes }) => ({
      where, device: description || name, availableBytes: availableOf(freeMemoryBytes),
    }));
  return [...places("gpu", "gpu"), ...places("integrated", "integratedGpu"), { where: "ram", device: "memory", availableBytes: availableOf(machine.freeMemoryBytes) }];
}

/** "fits on NVIDIA H100: needs 6.5 GB of 79 GB". */
export function fitSentence({ where, device, reduced, tooLargeForGpu, needBytes, availableBytes }: Fit): string {
  const numbers = `needs ${formatBytes(needBytes)} of ${formatBytes(availableBytes)} free`;
  const cut = reduced ? ", with a shorter context" : "";
  if (where === "gpu") return `fits on ${device}${cut}: ${numbers}`;
  if (where === "integrated") return `fits on ${device}${cut}, slower than on a graphics card: ${numbers}`;
  if (where === "ram") return `fits in memory${cut}, slow ${tooLargeForGpu ? "as it is too large for the GPU" : "without a GPU"}: ${numbers}`;
  return `does not fit: ${numbers}`;
}

/** The same where there is little room, first what decides: "Fits: needs 6.5 of 79 GB on NVIDIA H100." */
export function fitBrief({ where, device, reduced, tooLargeForGpu, needBytes, availableBytes }: Fit): string {
  const numbers = `needs ${formatPart(needBytes, availableBytes)}`;
  const less = reduced ? " with less context" : "";
  if (where === "gpu") return `Fits: ${numbers}${less} on ${device}.`;
  if (where === "integrated") return `Fits: ${numbers}${less}, not fast, on ${device}.`;
  if (where === "ram") return `Fits: ${numbers}${less}, slow${reduced ? "" : tooLargeForGpu ? ", too large for the GPU" : " without a GPU"}.`;
  return `Does not fit: ${numbers}.`;
}

export interface Ranked {
  pair: CataloguePair;
  fit: Fit;
  recommended: boolean;
}

/**
 * Best for this machine first: on a graphics card the largest that fits, on an integrated GPU and in memory, where every token waits for
 * the machine's own memory, the smallest; then what fits only with less context; of equals the base model, which is better at filling in. The first is recommended, if it fits.
 */
export function rank(pairs: readonly CataloguePair[], machine: Machine, wanted: Wanted): Ranked[] {
  const order = ["gpu", "integrated", "ram", "nowhere"];
  const group = ({ where, reduced }: Fit): number => 2 * order.indexOf(where) + Number(reduced);
  const size = ({ pair, fit }: { pair: CataloguePair; fit: Fit }): number => (fit.where === "gpu" ? -pair.parameters : pair.parameters);
  return pairs
    .map((pair) => ({ pair, fit: fitOf(pair, machine, wanted) }))
    .sort((a, b) => group(a.fit) - group(b.fit) || size(a) - size(b) || Number(b.pair.base) - Number(a.pair.base))
    .map((entry, index) => ({ ...entry, recommended: index === 0 && entry.fit.where !== "nowhere" }));
}
