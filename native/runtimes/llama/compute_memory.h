// What llama.cpp takes beside weights and cache, on a device and in the machine's memory.
#pragma once

#include "runtimes/llama/model_check.h"

namespace octet::llama {

/// Whose memory a pair is fitted to: the machine's, a GPU's own, or the machine's in which a GPU computes beside the processor.
enum class MemoryKind { kMachine, kGpu, kShared };

/// Of a device's kind, as Device::kind says it. (Metal calls itself a GPU and counts what it may take of the machine's memory itself.)
MemoryKind memory_kind(const Device& device);

/// Bytes of one context of `cells` that computes for so many lanes: an upper bound, within a third of what is taken. Where a GPU has its
/// own memory, what is beside it in the machine's is left out. `copied_weights`: Footprint::copied_weights.
std::uint64_t compute_bytes(const ModelShape& shape, LoadOptions::KvType kv_type, int lanes, int cells, MemoryKind memory,
                            std::uint64_t copied_weights = 0);

/// Whether the scores of all cells may be kept for a whole pass (see attention() in model.cpp).
bool keeps_scores(const ModelShape& shape, int cells);

}  // namespace octet::llama
