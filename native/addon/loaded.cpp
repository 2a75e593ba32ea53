#include "addon/loaded.h"

#include <chrono>

#include "engine/host_runtime.h"

namespace octet::addon {

Loaded start_engine(const llama::LoadOptions& options, const std::function<bool(llama::LoadPhase, float)>& progress) {
  const auto start = std::chrono::steady_clock::now();
  llama::LoadedPair pair = llama::load(options, progress);
  const RuntimeInfo info{.name = "llama",
                         .device = pair.device.description,
                         .max_lanes = pair.lanes,
                         .context_tokens = pair.context_tokens,
                         .cache_tokens = pair.cache_tokens,
                         .vocabulary = pair.shared_vocabulary,
                         .has_draft = pair.draft != nullptr};
  Loaded loaded{.target = pair.target_info,
                .draft = pair.draft_info,
                .has_draft = pair.draft != nullptr,
                .runtime = info.name,
                .device = pair.device,
                .memory = pair.memory,
                .threads = pair.threads,
                .lanes = pair.lanes,
                .context_tokens = pair.context_tokens,
                .cache_tokens = pair.cache_tokens,
                .notices = pair.notices};
  loaded.engine = std::make_unique<Engine>(
      std::make_unique<HostRuntime>(info, std::move(pair.target), std::move(pair.draft)), pair.vocabulary);
  loaded.load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return loaded;
}

}  // namespace octet::addon
