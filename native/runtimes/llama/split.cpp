#include "runtimes/llama/split.h"

#include <algorithm>
#include <numeric>

namespace octet::llama {
namespace {

constexpr int kShortContext = 1024;
constexpr int kLeastShare = 4;

std::uint64_t sum(std::span<const std::uint64_t> bytes) { return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0}); }

// The model without `dropped` of its layers, from `first` on.
Footprint without_layers(const Footprint& model, int first, int dropped) {
  Footprint rest = model;
  const auto drop = [&](auto& values) { values.erase(values.begin() + first, values.begin() + first + dropped); };
  rest.shape.layers -= dropped;
  drop(rest.shape.heads);
  drop(rest.shape.kv_heads);
  drop(rest.layer_weights);
  rest.host_weights = 0;
  return rest;
}

std::uint64_t weights_beside_layers(const Footprint& model) { return model.weights - model.host_weights - sum(model.layer_weights); }

// The most layers on the GPU with all that `options` asks for, and nothing reduced.
std::optional<Fit> most_layers(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::uint64_t gpu_bytes,
                               std::uint64_t machine_bytes) {
  for (int layers = target.shape.layers - 1; layers > 0; --layers) {
    Fit fit = fit_to_memory(options, gpu_part(target, layers), draft, MemoryKind::kGpu, UINT64_MAX);
    if (fit.memory.total > gpu_bytes) continue;
    fit.memory.available = gpu_bytes;
    fit.gpu_layers = layers;
    LoadOptions same = options;
    same.context_tokens = fit.context_tokens;
    fit.memory.host = fit_to_memory(same, host_part(target, layers), nullptr, MemoryKind::kMachine, UINT64_MAX).memory.total;
    if (fit.memory.host > machine_bytes) return std::nullopt;
    return fit;
  }
  return std::nullopt;
}

}  // namespace

Footprint gpu_part(const Footprint& model, int layers) {
  Footprint part = without_layers(model, 0, model.shape.layers - layers);
  part.weights = weights_beside_layers(model) + sum(part.layer_weights);
  // One matrix at a time: of a layer a third or so, where the formats are mixed somewhat more.
  part.copied_weights = *std::max_element(model.layer_weights.begin(), model.layer_weights.end()) / 2;
  return part;
}

Footprint host_part(const Footprint& model, int layers) {
  Footprint part = without_layers(model, model.shape.layers - layers, layers);
  const std::uint64_t embedding = model.host_weights > 0 ? model.host_weights : weights_beside_layers(model);
  part.weights = embedding + sum(part.layer_weights);
  return part;
}

bool worth_splitting(int gpu_layers, int all_layers) { return gpu_layers * kLeastShare >= all_layers; }

std::uint64_t split_bytes(std::uint64_t available) { return available - available / 16; }

std::optional<Fit> fit_split(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::uint64_t gpu_bytes,
                             std::uint64_t machine_bytes) {
  if (static_cast<int>(target.layer_weights.size()) != target.shape.layers) return std::nullopt;
  const int wanted = wanted_context(options, target, draft);
  std::optional<Fit> best;
  const auto enough_with = [&](const LoadOptions& asked) {
    std::optional<Fit> fit = most_layers(asked, target, draft, gpu_bytes, machine_bytes);
    if (fit && (!best || fit->gpu_layers > best->gpu_layers)) best = std::move(fit);
    return best && worth_splitting(best->gpu_layers, target.shape.layers);
  };
  LoadOptions less = options;
  bool enough = enough_with(less);
  less.spare_lanes = 0;
  for (int context = wanted; !enough; context = std::max(kShortContext, context / 2)) {
    if (context < wanted) less.context_tokens = context;
    enough = enough_with(less) || context <= kShortContext;
  }
  if (best && best->context_tokens < wanted) best->notices.push_back(shorter_context(best->context_tokens, wanted, gpu_bytes));
  return best;
}

}  // namespace octet::llama
