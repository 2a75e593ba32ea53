// A target divided by layers between a GPU that does not hold all of it and the processor: the GPU has the last layers and the output, with
// their part of the cache, the processor the embedding and the first layers. The draft, which runs once for every token that it proposes, is
// on the GPU as a whole.
#pragma once

#include <optional>

#include "runtimes/llama/memory.h"

namespace octet::llama {

/// What the GPU has of a model whose last `layers` it holds, and what is left to the machine's memory. 1 <= layers < all of them.
Footprint gpu_part(const Footprint& model, int layers);
Footprint host_part(const Footprint& model, int layers);

/// Of a split target's layers so many are worth a GPU: fewer than one in four and the processor's own time decides.
bool worth_splitting(int gpu_layers, int all_layers);

/// Of what a pair may take of a GPU's memory, what one that is split may: a sixteenth is left, since it takes as much as there is, and whatever
/// else wants memory later comes on top.
std::uint64_t split_bytes(std::uint64_t available);

/// As many layers on the GPU as `gpu_bytes` hold with every lane, at least one, the rest within `machine_bytes`. Spare lanes are
/// given up, and the context is halved down to 1024 tokens, only where that makes the split worth it. Nothing where one layer is too much, or the rest.
std::optional<Fit> fit_split(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::uint64_t gpu_bytes,
                             std::uint64_t machine_bytes);

}  // namespace octet::llama
