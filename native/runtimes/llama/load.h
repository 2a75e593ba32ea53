// Loads a draft and target pair with llama.cpp: checks the files, fits them to memory, makes the two contexts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.h"
#include "runtimes/logits_model.h"
#include "runtimes/vocabulary.h"

namespace octet::llama {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

/// Loads the ggml backends found in `folders` (the CPU's best variant from the first that has one; Vulkan, Metal, CUDA from all,
/// unless `with_gpus` is false: then no GPU's driver is touched), once per process, and routes llama.cpp's log: a later call
/// only replaces `log`, which is called on the thread that logs, one line at a time. Throws Error(kDeviceNotFound) if there is
/// no CPU backend in any of them.
void initialize(const std::vector<std::string>& folders, std::function<void(LogLevel, const std::string&)> log, bool with_gpus = true);

/// A backend for GPUs whose library is in one of the folders, and what became of it.
struct GpuBackend {
  enum class State { kUsable, kNoDevice, kUnusable };
  std::string name;    ///< "vulkan", "metal", "cuda", ...
  State state = State::kUsable;
  std::string reason;  ///< Why its library cannot be loaded, in the system's words; empty otherwise.
};

/// Empty where initialize was told to leave GPUs alone.
const std::optional<std::vector<GpuBackend>>& gpu_backends();

struct Device {
  std::string name;         ///< "CPU", "Vulkan0", ...
  std::string description;
  std::string kind;         ///< "cpu", "gpu", "integratedGpu", "accelerator".
  std::uint64_t memory_bytes = 0, free_memory_bytes = 0;
};
std::vector<Device> devices();

struct Machine {
  int physical_cores = 0, logical_cores = 0;  ///< What this process may use (affinity and cgroup counted in).
  std::uint64_t memory_bytes = 0, free_memory_bytes = 0;
};
Machine machine();

/// Compute threads that leave the machine usable; see docs/threads.md for the measurement behind it.
int default_threads();

struct ModelInfo {
  std::string path, name, architecture, quantization;
  std::uint64_t parameters = 0, file_bytes = 0;
  int vocabulary_size = 0, trained_context = 0, layers = 0;
  bool fim = false;
};

struct MemoryEstimate {
  std::uint64_t target_weights = 0, draft_weights = 0, kv_cache = 0, compute = 0, total = 0, available = 0;
  std::uint64_t host = 0;  ///< Of a pair that is split, all that is in the machine's memory, beside `total` on the GPU.
};

struct LoadOptions {
  std::string target;
  std::string draft;             ///< Empty: none.
  std::string device = "auto";   ///< "auto", "cpu", "gpu" or a device's name.
  int threads = 0;               ///< 0: default_threads().
  int lanes = 8;                 ///< 1 to kMaxLanes.
  /// More lanes for requests beside one that takes `lanes`; kMaxLanes with them at most. All are given, or none, where memory holds them with all
  /// else as asked for; they share the cache that is there.
  int spare_lanes = 0;
  int context_tokens = 0;        ///< 0: the model's own, at most 8192, bounded by memory.
  enum class KvType { kF32, kF16, kQ8_0 } kv_type = KvType::kF16;
  std::string cuda_plans;        ///< The CUDA runtime's file of measured plans, UTF-8; empty: it measures none. Not looked at by llama.cpp's.
  std::uint64_t memory_limit_bytes = 0;  ///< 0: what the device has free. Tests set it.
};

enum class LoadPhase { kChecking, kTarget, kDraft, kWarmup };

struct LoadedPair {
  std::unique_ptr<LogitsModel> target, draft;  ///< draft may be null.
  std::shared_ptr<const Vocabulary> vocabulary;
  int shared_vocabulary = 0;  ///< Tokens both know: RuntimeInfo::vocabulary.
  ModelInfo target_info, draft_info;
  Device device;
  MemoryEstimate memory;
  int threads = 0, lanes = 0, spare_lanes = 0, context_tokens = 0, cache_tokens = 0;
  int gpu_layers = 0;  ///< The last layers of the target, on the device, where the others are the processor's; 0: all are on the device.
  int prefill_chunk = 0;             ///< RuntimeInfo::prefill_chunk.
  bool keeps_prefill_chunk = false;  ///< RuntimeInfo::keeps_prefill_chunk: on the CPU, where a pass can be given up, and where the target is split.
  std::vector<std::string> notices;
};

/// `progress(phase, fraction)` returns false to give up: then Error(kCancelled). All failures are Error.
LoadedPair load(const LoadOptions& options, const std::function<bool(LoadPhase, float)>& progress);

struct TensorType {
  std::string type;
  int count = 0;
  std::uint64_t bytes = 0;
};
struct Inspection {
  ModelInfo model;
  bool runnable = false;
  std::vector<std::string> reasons;
  std::uint64_t kv_bytes_per_token = 0;
  std::vector<TensorType> tensor_types;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< Scalars only, as text; long strings cut.
  bool draft_given = false, draft_compatible = false;
  ModelInfo draft;
  std::string draft_reason;
};
/// Reads headers and vocabulary only. Throws Error(kModelNotFound | kModelDamaged).
Inspection inspect(const std::string& path, const std::string& draft_path = {});

}  // namespace octet::llama
