// What a pair takes of memory, before it is there. The formulas and constants are those that the worker fits a pair to memory with
// (native/runtimes/llama/memory.cpp, split.cpp and compute_memory.cpp, with a float16 cache and dense models of one attention); test/golden/memory
// holds the two together.
import { MAX_DRAFT_LENGTH } from "../../protocol/worker";
import type { ModelFile, Shape } from "./catalogue";

const MIB = 2 ** 20;
const PASS_ROWS = 512;
/** llama.cpp reserves as many rows for each of the worker's 24 sequences. */
const RESERVED_ROWS = 528;
/** A shorter context is of little use. */
export const CONTEXT_FLOOR = 1024;
const CONTEXT_STEP = 256;
const COMPLETION_ROOM = 1024;
const FIXED_BYTES = 8 * MIB;
const PARTIAL_BYTES = 8 * MIB;
const LEAST_LOGIT_ROWS = 64;
const F16 = 2;
const F32 = 4;

export interface Wanted {
  lanes: number;
  /** Longest prompt and completion of a lane, in tokens. */
  contextTokens: number;
}

/** Whose memory: a GPU's own, the machine's in which a GPU computes beside the processor, the machine's alone. */
export type MemoryKind = "gpu" | "integrated" | "ram";

/** Bytes. */
export interface Need {
  weights: number;
  kvCache: number;
  compute: number;
  total: number;
}

export interface Part {
  weights: number;
  /** Those of them that stay in the machine's memory where a GPU has its own. */
  hostWeights: number;
  /** Those of the output matrix. */
  outputWeights: number;
  shape: Shape;
  /** What a pass copies to a GPU that has but some of the layers: the largest of the others' matrices, keys and values of one of them. */
  copied?: { weights: number; kvHeads: number };
}

export const partOf = ({ bytes, hostBytes, outputBytes, shape }: Pick<ModelFile, "bytes" | "hostBytes" | "outputBytes" | "shape">): Part =>
  ({ weights: bytes, hostWeights: hostBytes, outputWeights: outputBytes, shape });

const layerOf = ({ weights, hostWeights, outputWeights, shape }: Part): number => Math.floor((weights - hostWeights - outputWeights) / shape.layers);
/** The output, which may be the embedding, and what belongs to no layer. */
const besideLayers = (part: Part): number => part.weights - part.hostWeights - layerOf(part) * part.shape.layers;
/** The embedding, which stays in the machine's memory. Where it is the output, too, a GPU has a copy. */
export const embeddingOf = (part: Part): number => part.hostWeights || besideLayers(part);

/** A model whose last `layers` a GPU holds, with the output: what lies there, and what is left to the machine's memory. Layers are taken to be equal. */
export function splitOf(part: Part, layers: number): { onGpu: Part; inMemory: Part } {
  const { outputWeights, shape } = part;
  const layer = layerOf(part);
  const rest = shape.layers - layers;
  const onGpu: Part = {
    weights: besideLayers(part) + layer * layers, hostWeights: 0, outputWeights, shape: { ...shape, layers },
    copied: { weights: (outputWeights / shape.vocabulary) * shape.feedForward, kvHeads: shape.kvHeads }, // in the output's format, as the largest are
  };
  return { onGpu, inMemory: { weights: embeddingOf(part) + layer * rest, hostWeights: 0, outputWeights: 0, shape: { ...shape, layers: rest } } };
}

/** Cells for one full-length prompt with its lanes' completions beside it. */
function cacheTokens({ lanes, contextTokens }: Wanted): number {
  const cells = contextTokens + (lanes - 1) * Math.min(contextTokens, COMPLETION_ROOM) + lanes * (MAX_DRAFT_LENGTH + 1);
  return Math.ceil(cells / CONTEXT_STEP) * CONTEXT_STEP;
}

const kvBytesPerToken = ({ layers, kvHeads, keyLength, valueLength }: Shape): number => layers * kvHeads * (keyLength + valueLength) * F16;

const logitBytes = ({ vocabulary }: Shape, lanes: number): number => Math.max(LEAST_LOGIT_ROWS, lanes * (MAX_DRAFT_LENGTH + 1)) * vocabulary * F32;

/** What a context takes of the machine's memory where a GPU computes in its own: it copies the logits. */
export const besideGpu = (shape: Shape, lanes: number): number => FIXED_BYTES + logitBytes(shape, lanes);

/** Of one context: a pass as llama.cpp's allocator packs it, what kernels make of it, and where it is in the machine's memory the logits' copy. */
function computeBytes({ shape, copied = { weights: 0, kvHeads: 0 } }: Part, lanes: number, cells: number, memory: MemoryKind): number {
  const { embedding, heads, kvHeads, keyLength, valueLength, feedForward } = shape;
  const rows = (width: number): number => RESERVED_ROWS * width * F32;
  const hidden = rows(embedding);
  const queries = rows(heads * Math.max(keyLength, valueLength));
  const keysAndValues = rows(kvHeads * (keyLength + valueLength));
  const mask = RESERVED_ROWS * cells * F16;
  const attention = 4 * hidden + 3 * queries + 2 * keysAndValues + cells * copied.kvHeads * (keyLength + valueLength) * F16;
  const inner = rows(3 * feedForward) + 5 * hidden + queries + keysAndValues + copied.weights;
  const graph = Math.max(mask + Math.max(attention, inner), logitBytes(shape, lanes) + 2 * hidden + 2 * queries);
  const converted = PASS_ROWS * Math.max(embedding, feedForward, heads * valueLength) * F16;
  const beside = memory === "gpu" ? 0 : besideGpu(shape, lanes);
  const partial = memory === "ram" ? 0 : PARTIAL_BYTES;
  const input = memory === "integrated" ? mask + 2 * hidden : 0;
  return graph + converted + beside + partial + input;
}

/** Memory of that kind that a loaded pair with a float16 cache takes. */
export function needOf(parts: readonly Part[], wanted: Wanted, memory: MemoryKind): Need {
  const contextTokens = Math.min(wanted.contextTokens, ...parts.map(({ shape }) => shape.trainedContext));
  const cells = cacheTokens({ ...wanted, contextTokens });
  const sum = (value: (part: Part) => number): number => parts.reduce((total, part) => total + value(part), 0);
  const weights = sum((part) => part.weights - (memory === "gpu" ? part.hostWeights : 0));
  const kvCache = sum(({ shape }) => cells * kvBytesPerToken(shape));
  const compute = sum((part) => computeBytes(part, wanted.lanes, cells, memory));
  return { weights, kvCache, compute, total: weights + kvCache + compute };
}

/** A twentieth of the free memory, at most half a gigabyte, is left to others. */
export const availableOf = (freeBytes: number): number => freeBytes - Math.min(Math.floor(freeBytes / 20), 512 * MIB);
