// What a pair will take, and how many lanes and how much context fit.
#pragma once

#include "runtimes/llama/compute_memory.h"

namespace octet::llama {

struct Footprint {
  ModelShape shape;
  std::uint64_t weights = 0;       ///< Bytes.
  std::uint64_t host_weights = 0;  ///< Those of them that stay in the machine's memory where a GPU has its own.
  std::vector<std::uint64_t> layer_weights;  ///< Of each layer, where they are known.
  std::uint64_t largest_layer_tensor = 0;    ///< Bytes.
  Copies copied;                             ///< Where it is but the part of a model that a GPU has (split.h).
};

struct Fit {
  int lanes = 0, context_tokens = 0, cache_tokens = 0;
  int spare_lanes = 0;  ///< All that were asked for, or none.
  int gpu_layers = 0;   ///< The last layers of the target, on the GPU, where the others are the processor's (split.h); 0: all are on one device.
  LoadOptions::KvType kv_type = LoadOptions::KvType::kF16;
  MemoryEstimate memory;
  std::vector<std::string> notices;  ///< A sentence for each thing that is not as asked for.
};

/// The longest context a lane can have by the models' training, or what was asked for if that is less.
int wanted_context(const LoadOptions& options, const Footprint& target, const Footprint* draft);

/// Cells for one full-length prompt with its lanes' completions beside it, a multiple of 256.
int cache_tokens(int lanes, int context_tokens);

/// What the models take with so many lanes and cells, with llama.cpp's buffers; nothing is said of what is available.
MemoryEstimate estimate_memory(const Footprint& target, const Footprint* draft, LoadOptions::KvType kv_type, int lanes, int cells,
                               MemoryKind kind);

/// Bytes beside weights and cache.
using ComputeBytes = std::function<std::uint64_t(int lanes, int context_tokens, int cache_tokens)>;

/// Reduces the context down to 1024 tokens, then the lanes down to one, then the context down to 256, until the
/// estimate is within `available` bytes of that memory. Keys and values are float16 where blocks of 32 do not divide the heads.
/// Spare lanes are given where nothing had to be reduced. Throws Error(kOutOfMemory) if even the least does not fit. Without `compute`,
/// llama.cpp's buffers are estimated.
Fit fit_to_memory(const LoadOptions& options, const Footprint& target, const Footprint* draft, MemoryKind memory,
                  std::uint64_t available, const ComputeBytes& compute = {});

/// What to ask for where the memory held less than `failed` said, the weights being there: that without spare lanes first, then three
/// quarters of all else.
Fit fit_to_less(const Fit& failed, LoadOptions options, const Footprint& target, const Footprint* draft, MemoryKind memory);

/// Says in `fit` what it has less of than was asked for, each with the reason, such as what_fits() gives.
void note_reductions(Fit& fit, const LoadOptions& options, int wanted_context, const std::string& reason);

/// ": that is what fits into 4.0 GB of memory."
std::string what_fits(std::uint64_t available, const std::string& whose = "memory");

/// "512 MB", "9.6 GB".
std::string readable(std::uint64_t bytes);

}  // namespace octet::llama
