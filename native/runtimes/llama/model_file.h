// Opens a model file with llama.cpp, its failures turned into Error.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runtimes/llama/backends.h"

namespace octet::llama {

/// Whether it is a buffer that a device has no room for of which ggml or llama.cpp say this.
bool ran_out_of_memory(const std::string& reason);
inline constexpr const char* kMachineMemoryAdvice = "Close other programs, or choose a smaller model.";
inline constexpr const char* kGpuMemoryAdvice = "End what else uses the GPU, choose a smaller model, or set the device to cpu.";

/// Loads the weights onto the device: all, or those of the last `layers` and the output. `progress(fraction)` returns false to give up: then Error(kCancelled).
/// Throws Error(kModelDamaged | kModelUnsupported | kOutOfMemory).
ModelHandle open_weights(const std::string& path, ggml_backend_dev_t device, std::optional<int> layers,
                         const std::function<bool(float)>& progress);

/// Loads the hyper-parameters and the vocabulary alone. Throws Error(kModelDamaged | kModelUnsupported).
ModelHandle open_vocabulary(const std::string& path);

/// Why Octet cannot run this model (no text decoder, or a cache that cannot be rolled back); empty if it can.
std::string unsupported_reason(const llama_model* model);

}  // namespace octet::llama
