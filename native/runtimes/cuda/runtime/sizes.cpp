#include "runtimes/cuda/runtime/sizes.h"

#include <algorithm>

#include "runtimes/cuda/runtime/kv_cache.h"

namespace octet::cuda {
namespace {

constexpr int kPromptRows = 1024;   // enough that a chunk's products are bound by arithmetic on every GPU
constexpr int kCatchUpRows = 32;

}  // namespace

Sizes sizes_of(const Architecture& target, const Architecture* draft, const RuntimeOptions& options) {
  Sizes sizes;
  sizes.prompt_rows = std::clamp(options.context_tokens, 1, kPromptRows);
  StepLimits& limits = sizes.limits;
  limits.lanes = options.lanes;
  limits.draft_length = options.most_draft_length;
  limits.vocabulary = options.vocabulary;
  limits.target_vocabulary = target.vocabulary;
  limits.draft_vocabulary = draft ? draft->vocabulary : 0;
  limits.tail_tokens = options.context_tokens + 1;
  limits.catch_up_rows = draft ? std::min(kCatchUpRows, options.context_tokens) : 0;
  sizes.target_rows = std::max(sizes.prompt_rows, options.lanes * (limits.draft_length + 1));
  sizes.draft_rows = draft ? std::max(sizes.prompt_rows, options.lanes * std::max(2, limits.catch_up_rows)) : 0;
  return sizes;
}

DeviceBytes device_bytes(const PassNeeds& target, const std::optional<PassNeeds>& draft, const RuntimeOptions& options, const DeviceInfo& device) {
  const Sizes sizes = sizes_of(target.architecture, draft ? &draft->architecture : nullptr, options);
  DeviceBytes bytes;
  const auto add = [&](const PassNeeds& shape, int rows) {
    bytes.cache += KvCache::bytes(shape.architecture, options.cache_tokens, options.precision);
    bytes.work += Activations::bytes(shape, options.precision, rows, device);
  };
  add(target, sizes.target_rows);
  if (draft) add(*draft, sizes.draft_rows);
  bytes.work += StepMemory::bytes(sizes.limits, device) + kMostGraphPasses * kGraphPassBytes;
  return bytes;
}

}  // namespace octet::cuda
