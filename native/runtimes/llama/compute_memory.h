// What llama.cpp takes beside weights and cache, on a device and in the machine's memory.
#pragma once

#include "runtimes/llama/model_check.h"

namespace octet::llama {

/// Whose memory a pair is fitted to: the machine's, a GPU's own, or the machine's in which a GPU computes beside the processor.
enum class MemoryKind { kMachine, kGpu, kShared };

/// Of a device's kind, as Device::kind says it. (Metal calls itself a GPU and counts what it may take of the machine's memory itself.)
MemoryKind memory_kind(const Device& device);

/// What a pass of many rows copies to a GPU that has but some of the layers, one after the other: of the others' weights the largest tensor, and
/// the keys and values of the layer with most heads of them. None: it has all.
struct Copies {
  std::uint64_t weights = 0;  ///< Bytes.
  int kv_heads = 0;
};

/// Bytes of one context of `cells` that computes for so many lanes: an upper bound, within a third of what is taken. Where a GPU has its
/// own memory, what is beside it in the machine's is left out.
std::uint64_t compute_bytes(const ModelShape& shape, LoadOptions::KvType kv_type, int lanes, int cells, MemoryKind memory,
                            const Copies& copied = {});

/// What a context takes of the machine's memory where a GPU computes in its own.
std::uint64_t host_bytes_beside_gpu(const ModelShape& shape, int lanes);

/// Whether the scores of all cells may be kept for a whole pass (see attention() in model.cpp).
bool keeps_scores(const ModelShape& shape, int cells);

}  // namespace octet::llama
