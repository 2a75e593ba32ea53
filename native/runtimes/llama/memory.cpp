// Estimates a pair's memory before loading it and reduces context and lanes to what fits.
#include "runtimes/llama/memory.h"

#include <algorithm>
#include <cstdio>

#include "runtimes/llama/model.h"

namespace octet::llama {
namespace {

constexpr int kAutomaticContext = 8192, kContextFloor = 1024, kLeastContext = 256, kContextStep = 256;
constexpr int kCompletionRoom = 1024;  ///< Private cells of a lane beside the first.

std::uint64_t wide(int value) { return static_cast<std::uint64_t>(value); }

}  // namespace

MemoryEstimate estimate_memory(const Footprint& target, const Footprint* draft, LoadOptions::KvType kv_type, int lanes, int cells,
                               MemoryKind kind) {
  const auto weights = [&](const Footprint& model) { return model.weights - (kind == MemoryKind::kGpu ? model.host_weights : 0); };
  MemoryEstimate memory;
  memory.target_weights = weights(target);
  memory.kv_cache = wide(cells) * kv_bytes_per_token(target.shape, kv_type);
  memory.compute = compute_bytes(target.shape, kv_type, lanes, cells, kind, target.copied);
  if (draft) {
    memory.draft_weights = weights(*draft);
    memory.kv_cache += wide(cells) * kv_bytes_per_token(draft->shape, kv_type);
    memory.compute += compute_bytes(draft->shape, kv_type, lanes, cells, kind);
  }
  memory.total = memory.target_weights + memory.draft_weights + memory.kv_cache + memory.compute;
  return memory;
}

std::string what_fits(std::uint64_t available, const std::string& whose) {
  return ": that is what fits into " + readable(available) + " of " + whose + ".";
}

void note_reductions(Fit& fit, const LoadOptions& options, int wanted_context, const std::string& reason) {
  if (fit.context_tokens < wanted_context) {
    fit.notices.push_back("The context is " + std::to_string(fit.context_tokens) + " tokens instead of " + std::to_string(wanted_context) + reason);
  }
  if (fit.lanes < options.lanes) {
    fit.notices.push_back(std::to_string(fit.lanes) + (fit.lanes == 1 ? " lane" : " lanes") + " instead of " + std::to_string(options.lanes) + reason);
  }
}

std::string readable(std::uint64_t bytes) {
  char text[32];
  const double mib = static_cast<double>(bytes) / (1 << 20);
  if (mib < 1024) std::snprintf(text, sizeof text, "%.0f MB", mib);
  else std::snprintf(text, sizeof text, "%.1f GB", mib / 1024);
  return text;
}

int wanted_context(const LoadOptions& options, const Footprint& target, const Footprint* draft) {
  const int trained = draft ? std::min(target.shape.trained_context, draft->shape.trained_context)
                            : target.shape.trained_context;
  return std::min(trained, options.context_tokens > 0 ? options.context_tokens : kAutomaticContext);
}

int cache_tokens(int lanes, int context_tokens) {
  const int cells = context_tokens + (lanes - 1) * std::min(context_tokens, kCompletionRoom) +
                    lanes * (kMaxDraftLength + 1);
  return (cells + kContextStep - 1) / kContextStep * kContextStep;
}

namespace {

Fit fit_within(const LoadOptions& options, const Footprint& target, const Footprint* draft, MemoryKind memory, std::uint64_t available,
               const std::string& reason, const ComputeBytes& compute) {
  const int wanted = wanted_context(options, target, draft);
  Fit fit;
  fit.lanes = options.lanes;
  fit.context_tokens = wanted;
  fit.kv_type = options.kv_type;
  constexpr int kBlock = 32;
  const auto splits = [&](const Footprint* model) {
    return model && (model->shape.key_length % kBlock != 0 || model->shape.value_length % kBlock != 0);
  };
  if (options.kv_type == LoadOptions::KvType::kQ8_0 && (splits(&target) || splits(draft))) {
    fit.kv_type = LoadOptions::KvType::kF16;
    fit.notices.push_back("Keys and values are kept as float16: this model's heads do not divide into q8_0 blocks.");
  }
  const auto update = [&] {
    const int lanes = fit.lanes + fit.spare_lanes;
    fit.cache_tokens = cache_tokens(fit.lanes, fit.context_tokens);
    fit.memory = estimate_memory(target, draft, fit.kv_type, lanes, fit.cache_tokens, memory);
    if (compute) {
      fit.memory.total -= fit.memory.compute;
      fit.memory.compute = compute(lanes, fit.context_tokens, fit.cache_tokens);
      fit.memory.total += fit.memory.compute;
    }
    fit.memory.available = available;
    return fit.memory.total <= available;
  };
  const auto shrink_context = [&](int floor) {
    while (fit.context_tokens > floor && !update()) {
      fit.context_tokens = std::max(floor, (fit.context_tokens - 1) / kContextStep * kContextStep);
    }
    return update();
  };
  bool fits = shrink_context(std::min(wanted, kContextFloor));
  while (!fits && fit.lanes > 1) {
    --fit.lanes;
    fits = update();
  }
  fits = fits || shrink_context(std::min(wanted, kLeastContext));
  if (!fits) {
    throw Error(ErrorCode::kOutOfMemory, "The model needs " + readable(fit.memory.total) + " with one lane and " +
                std::to_string(fit.context_tokens) + " tokens, and " + readable(available) + " are free",
                "Close other programs, leave the draft out, or choose a smaller model.");
  }

  if (fit.lanes == options.lanes && fit.context_tokens == wanted) {
    fit.spare_lanes = options.spare_lanes;
    if (!update()) {
      fit.spare_lanes = 0;
      update();
    }
  }

  if (options.context_tokens > wanted) {
    fit.notices.push_back("The context is " + std::to_string(wanted) + " tokens instead of " +
                          std::to_string(options.context_tokens) + ": the models were trained for no more.");
  }
  note_reductions(fit, options, wanted, reason);
  return fit;
}

}  // namespace

Fit fit_to_memory(const LoadOptions& options, const Footprint& target, const Footprint* draft, MemoryKind memory,
                  std::uint64_t available, const ComputeBytes& compute) {
  return fit_within(options, target, draft, memory, available, what_fits(available), compute);
}

Fit fit_to_less(const Fit& failed, LoadOptions options, const Footprint& target, const Footprint* draft, MemoryKind memory) {
  options.spare_lanes = 0;
  const std::uint64_t weights = failed.memory.target_weights + failed.memory.draft_weights;
  const std::uint64_t less = weights + (failed.memory.total - weights) / 4 * 3;
  return fit_within(options, target, draft, memory, failed.spare_lanes > 0 ? failed.memory.total : less,
                    ": memory ran out as the models were loaded.", {});
}

}  // namespace octet::llama
