// What a load leaves: an engine, and what to tell the client about it.
#pragma once

#include <memory>

#include "addon/cuda_library.h"
#include "engine/engine.h"
#include "runtimes/llama/load.h"

namespace octet::addon {

struct Loaded {
  std::unique_ptr<Engine> engine;
  llama::ModelInfo target, draft;
  bool has_draft = false;
  std::string runtime;
  llama::Device device;
  llama::MemoryEstimate memory;
  int threads = 0, lanes = 0, spare_lanes = 0, context_tokens = 0, cache_tokens = 0;
  int gpu_layers = 0;  ///< llama::LoadedPair's.
  std::vector<std::string> notices;
  double load_ms = 0;
};

/// Loads the pair and starts an engine on it. `progress` as in llama::load. Throws Error.
Loaded start_engine(const llama::LoadOptions& options, const std::function<bool(llama::LoadPhase, float)>& progress);

/// The same with `cuda` as the CUDA runtime, whether or not it is the one beside the addon.
Loaded start_engine(const llama::LoadOptions& options, const std::function<bool(llama::LoadPhase, float)>& progress, const CudaLibrary& cuda);

}  // namespace octet::addon
