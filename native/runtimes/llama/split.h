// A target divided by layers between a GPU that does not hold all of it and the processor: the GPU has the last layers and the output, with
// their part of the cache, the processor the embedding and the first layers. The draft, which runs once for every token that it proposes, is
// on the GPU as a whole. Passes of many rows copy what the processor has of a layer to the GPU and compute it there.
#pragma once

#include <optional>

#include "runtimes/llama/memory.h"

namespace octet::llama {

/// What the GPU has of a model whose last `layers` it holds, and what is left to the machine's memory: the weights, and of the shape no
/// keys and values in layers that are elsewhere. 1 <= layers < all of them.
Footprint gpu_part(const Footprint& model, int layers);
Footprint host_part(const Footprint& model, int layers);

/// Whether a GPU has enough of a target's layers, one in four or more, for a split to be preferred to the processor, whose own time decides
/// where it has most of them.
bool worth_splitting(int gpu_layers, int all_layers);

/// Of what a pair may take of a GPU's memory, what one that is split may: a sixteenth is left, since it takes as much as there is, and whatever
/// else wants memory later comes on top.
std::uint64_t split_bytes(std::uint64_t available);

/// As many layers on the GPU as `gpu_bytes` hold with every lane, at least one, the rest within `machine_bytes`. The context is halved, down to
/// 1024 tokens, only where that makes the split worth it, or possible; spare lanes are given where they cost no layer. Nothing where one
/// layer is too much, or the rest.
std::optional<Fit> fit_split(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::uint64_t gpu_bytes,
                             std::uint64_t machine_bytes);

/// fit_to_less for a split: the layers stay where they are, since their weights are there.
Fit fit_split_to_less(const Fit& failed, const LoadOptions& options, const Footprint& target, const Footprint* draft);

}  // namespace octet::llama
