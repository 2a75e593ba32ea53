#include "addon/loaded.h"

#include <chrono>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "engine/host_runtime.h"
#include "runtimes/cuda/model/load.h"

namespace octet::addon {
namespace {

using Progress = std::function<bool(llama::LoadPhase, float)>;

Loaded start_llama(const llama::LoadOptions& options, const Progress& progress) {
  llama::LoadedPair pair = llama::load(options, progress);
  const RuntimeInfo info{.name = "llama",
                         .device = pair.device.description,
                         .max_lanes = pair.lanes + pair.spare_lanes,
                         .context_tokens = pair.context_tokens,
                         .cache_tokens = pair.cache_tokens,
                         .vocabulary = pair.shared_vocabulary,
                         .has_draft = pair.draft != nullptr,
                         .prefill_chunk = pair.prefill_chunk,
                         .keeps_prefill_chunk = pair.keeps_prefill_chunk};
  Loaded loaded{.target = pair.target_info,
                .draft = pair.draft_info,
                .has_draft = pair.draft != nullptr,
                .runtime = info.name,
                .device = pair.device,
                .memory = pair.memory,
                .threads = pair.threads,
                .lanes = pair.lanes,
                .spare_lanes = pair.spare_lanes,
                .context_tokens = pair.context_tokens,
                .cache_tokens = pair.cache_tokens,
                .gpu_layers = pair.gpu_layers,
                .notices = pair.notices};
  loaded.engine = std::make_unique<Engine>(
      std::make_unique<HostRuntime>(info, std::move(pair.target), std::move(pair.draft)), pair.vocabulary);
  return loaded;
}

Loaded start_cuda(const cuda::Library& library, const llama::LoadOptions& options, const Progress& progress) {
  cuda::LoadedPair pair = cuda::load(library, options, progress);
  const RuntimeInfo info = pair.runtime->info();
  Loaded loaded{.target = pair.target_info,
                .draft = pair.draft_info,
                .has_draft = info.has_draft,
                .runtime = info.name,
                .device = pair.device,
                .memory = pair.memory,
                .threads = 1,
                .lanes = pair.lanes,
                .spare_lanes = pair.spare_lanes,
                .context_tokens = info.context_tokens,
                .cache_tokens = info.cache_tokens,
                .notices = pair.notices};
  loaded.engine = std::make_unique<Engine>(std::move(pair.runtime), pair.vocabulary);
  return loaded;
}

// Where the CUDA runtime may be used but cannot take this pair, llama.cpp does, and the reason becomes a notice.
Loaded start_best(const llama::LoadOptions& options, const Progress& progress, const CudaLibrary& cuda) {
  const bool only_cuda = options.device == "cuda";
  if (!cuda::wants(options.device)) return start_llama(options, progress);
  if (!cuda.library) {
    if (only_cuda)
      throw Error(ErrorCode::kDeviceNotFound, "The device \"cuda\" cannot be used: " + cuda.reason, "Set the device to auto, gpu or cpu.");
    return start_llama(options, progress);
  }
  std::string reason;
  bool is_small = false;
  try {
    return start_cuda(*cuda.library, options, progress);
  } catch (const Error& error) {
    is_small = dynamic_cast<const cuda::LittleRoom*>(&error) != nullptr;
    const bool llama_may = error.code == ErrorCode::kModelUnsupported || error.code == ErrorCode::kOutOfMemory;
    if (only_cuda || !llama_may) throw;
    reason = error.what();
  }
  try {
    Loaded loaded = start_llama(options, progress);
    loaded.notices.push_back("Decoding with llama.cpp instead of the CUDA runtime: " + reason);
    return loaded;
  } catch (const Error& error) {
    const bool no_room = error.code == ErrorCode::kOutOfMemory || error.code == ErrorCode::kDeviceNotFound;
    if (!is_small || !no_room) throw;
  }
  // Nor has a device of llama.cpp's: then as little as the GPU holds.
  llama::LoadOptions least = options;
  least.device = "cuda";
  return start_cuda(*cuda.library, least, progress);
}

// What reading the files took and gave back: with large vocabularies, tens of megabytes that the allocator would keep.
void return_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace

Loaded start_engine(const llama::LoadOptions& options, const Progress& progress) {
  if (!cuda::wants(options.device)) return start_engine(options, progress, CudaLibrary());
  if (!llama::gpu_backends()) return start_engine(options, progress, CudaLibrary{nullptr, "GPUs are left alone"});
  return start_engine(options, progress, cuda_library());
}

Loaded start_engine(const llama::LoadOptions& options, const Progress& progress, const CudaLibrary& cuda) {
  const auto start = std::chrono::steady_clock::now();
  Loaded loaded = start_best(options, progress, cuda);
  return_freed_memory();
  loaded.load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return loaded;
}

}  // namespace octet::addon
