// What the CUDA runtime's shared library gives to the addon, and what it takes: descriptions and host memory only, so that
// it needs neither llama.cpp nor Node. It is loaded where an NVIDIA driver is present and absent otherwise.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/network_source.h"
#include "runtimes/cuda/tables.h"
#include "runtimes/runtime.h"

namespace octet::cuda {

struct PairSource {
  const NetworkSource* target = nullptr;
  const NetworkSource* draft = nullptr;  ///< Null: none.
  int vocabulary = 0;                    ///< Tokens both know: RuntimeInfo::vocabulary.
  int lanes = 8, context_tokens = 0, cache_tokens = 0;
  int spare_lanes = 0;                   ///< Of `lanes`, those for requests beside one that takes all others.
  std::span<const Token> end_tokens;     ///< A lane that draws one is idle from then on, before the host knows.
  Precision precision = Precision::kBf16;
  std::string plans_file;                ///< Where measured plans of products are kept, UTF-8 (runtime/tuning.h). Empty: none are measured.
  std::function<void(const std::string&)> log;  ///< One line for a person who looks for the cause of something; may be null.
};

enum class MakingPhase { kTarget, kDraft, kMeasuring };

struct Library {
  int version = 0;
  const char* build = nullptr;  ///< kBuild, of the library.

  /// Throws std::runtime_error where there is no device.
  DeviceInfo (*device)() = nullptr;

  /// Device memory of a network's packed weights.
  std::size_t (*weight_bytes)(const NetworkSource&) = nullptr;

  /// Device memory of all else but weights and cache, for a pair of these sizes.
  std::size_t (*work_bytes)(const PairSource&) = nullptr;

  /// Packs and uploads the weights, and measures plans of products the first time. `progress(what, 0 to 1)` returns false to give up: then
  /// null. Throws std::runtime_error if the device fails or is out of memory.
  std::unique_ptr<Runtime> (*make_runtime)(const PairSource&, const std::function<bool(MakingPhase, float)>& progress) = nullptr;
};

/// Grows with every change of the structures above: a library of another version is not used.
constexpr int kLibraryVersion = 4;

/// Which sources of engine and runtime this was built from: a library of other sources is not used (native/cmake/cuda_build.cmake).
extern const char kBuild[];

}  // namespace octet::cuda

/// The one symbol the shared library exports.
using OctetCudaLibrary = const octet::cuda::Library*();
extern "C" OctetCudaLibrary octet_cuda_library;
