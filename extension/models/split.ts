// How a target is divided between a GPU that does not hold all of it and the machine's memory (native/runtimes/llama/split.cpp).
import { besideGpu, CONTEXT_FLOOR, embeddingOf, needOf, splitOf, type Part, type Wanted } from "./need";

/** Fewer than one layer in four on the GPU, and the processor's own time decides. */
const LEAST_SHARE = 4;

export const isWorthSplitting = (layers: number, { shape }: Part): boolean => layers * LEAST_SHARE >= shape.layers;

/** Of what a pair may take of a GPU's memory, what one that is split may: it takes as much as there is. */
const splitBytes = (available: number): number => available - Math.floor(available / 16);

export interface Layers {
  /** Of the target, on the GPU. */
  layers: number;
  /** With less context than wanted. */
  reduced: boolean;
}

/**
 * As many of the target's layers as hold beside the draft in what a GPU has available, at least one, the rest within `memoryBytes`; with the context that is
 * wanted, or half of it and so on, where that alone makes the split worth it, or possible. null: one is too much, or the rest.
 */
export function mostLayers(target: Part, draft: Part, { lanes, contextTokens }: Wanted, available: number, memoryBytes: number): Layers | null {
  const wanted = Math.min(contextTokens, target.shape.trainedContext, draft.shape.trainedContext);
  let best: Layers | null = null;
  for (let context = wanted; ; context = Math.max(CONTEXT_FLOOR, Math.floor(context / 2))) {
    const layers = fitting(target, draft, { lanes, contextTokens: context }, splitBytes(available), memoryBytes);
    const isWorth = layers > 0 && isWorthSplitting(layers, target);
    if (layers > 0 && (!best || isWorth)) best = { layers, reduced: context < wanted };
    if (isWorth || context <= CONTEXT_FLOOR) return best;
  }
}

function fitting(target: Part, draft: Part, wanted: Wanted, gpuBytes: number, memoryBytes: number): number {
  for (let layers = target.shape.layers - 1; layers > 0; layers--) {
    const { onGpu, inMemory } = splitOf(target, layers);
    if (needOf([onGpu, draft], wanted, "gpu").total > gpuBytes) continue;
    const inRam = needOf([inMemory], wanted, "ram").total + embeddingOf(draft) + besideGpu(draft.shape, wanted.lanes);
    return inRam <= memoryBytes ? layers : 0;
  }
  return 0;
}
