// Loads a pair into the CUDA runtime: checks and describes the files, fits them to the device's memory, makes the runtime.
#pragma once

#include <functional>

#include "runtimes/cuda/library.h"
#include "runtimes/llama/load.h"

namespace octet::cuda {

struct LoadedPair {
  std::unique_ptr<Runtime> runtime;
  std::shared_ptr<const Vocabulary> vocabulary;
  llama::ModelInfo target_info, draft_info;
  llama::Device device;
  llama::MemoryEstimate memory;
  int lanes = 0, spare_lanes = 0;
  std::vector<std::string> notices;
};

/// The device as doctor and the status name it.
llama::Device describe_device(const Library& library);

/// Whether `request` ("auto", "gpu", "cuda", ...) asks for this runtime's device, alone or among others.
bool wants(const std::string& request);

/// The GPU has less room than llama::is_enough() asks for, and is not named by "cuda".
struct LittleRoom : Error {
  explicit LittleRoom(const std::string& message) : Error(ErrorCode::kOutOfMemory, message) {}
};

/// Throws Error as llama::load does, LittleRoom, and Error(kModelUnsupported) naming what this runtime cannot run.
LoadedPair load(const Library& library, const llama::LoadOptions& options, const std::function<bool(llama::LoadPhase, float)>& progress);

}  // namespace octet::cuda
