#include "runtimes/llama/split.h"

#include <algorithm>
#include <numeric>

namespace octet::llama {
namespace {

constexpr int kShortContext = 1024;
constexpr int kLeastShare = 4;

std::uint64_t sum(std::span<const std::uint64_t> bytes) { return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0}); }

// The output, which may be the embedding, and what belongs to no layer.
std::uint64_t weights_beside_layers(const Footprint& model) { return model.weights - model.host_weights - sum(model.layer_weights); }

// The embedding, which stays in the machine's memory. Where it is the output, too, the GPU has a copy.
std::uint64_t embedding_bytes(const Footprint& model) { return model.host_weights > 0 ? model.host_weights : weights_beside_layers(model); }

// The machine's memory that is taken beside the GPU's: by the target's first layers, and by the draft, whose embedding is there, and its logits.
std::uint64_t host_bytes(const Fit& fit, const Footprint& target, const Footprint* draft) {
  const int lanes = fit.lanes + fit.spare_lanes;
  const Footprint rest = host_part(target, fit.gpu_layers);
  const std::uint64_t bytes = estimate_memory(rest, nullptr, fit.kv_type, lanes, fit.cache_tokens, MemoryKind::kMachine).total;
  return draft ? bytes + embedding_bytes(*draft) + host_bytes_beside_gpu(draft->shape, lanes) : bytes;
}

// `fit` with so many layers on the GPU.
Fit with_layers(Fit fit, int layers, const Footprint& target, const Footprint* draft, std::uint64_t gpu_bytes) {
  fit.gpu_layers = layers;
  fit.memory = estimate_memory(gpu_part(target, layers), draft, fit.kv_type, fit.lanes + fit.spare_lanes, fit.cache_tokens, MemoryKind::kGpu);
  fit.memory.available = gpu_bytes;
  fit.memory.host = host_bytes(fit, target, draft);
  return fit;
}

// The most layers on the GPU with every lane and this context; 0 of them where one is too much.
Fit most_layers(const Fit& asked, const Footprint& target, const Footprint* draft, std::uint64_t gpu_bytes) {
  for (int layers = target.shape.layers - 1; layers > 0; --layers) {
    Fit fit = with_layers(asked, layers, target, draft, gpu_bytes);
    if (fit.memory.total <= gpu_bytes) return fit;
  }
  return {};
}

}  // namespace

Footprint gpu_part(const Footprint& model, int layers) {
  Footprint part = model;
  const auto others = static_cast<std::size_t>(model.shape.layers - layers);
  std::vector<int>& kv_heads = part.shape.kv_heads;
  part.copied = {model.largest_layer_tensor, *std::max_element(kv_heads.begin(), kv_heads.begin() + static_cast<std::ptrdiff_t>(others))};
  std::fill_n(kv_heads.begin(), others, 0);
  part.weights = weights_beside_layers(model) + sum(std::span(model.layer_weights).subspan(others));
  part.host_weights = 0;
  return part;
}

Footprint host_part(const Footprint& model, int layers) {
  Footprint part = model;
  const auto own = static_cast<std::size_t>(model.shape.layers - layers);
  std::fill(part.shape.kv_heads.begin() + static_cast<std::ptrdiff_t>(own), part.shape.kv_heads.end(), 0);
  part.weights = embedding_bytes(model) + sum(std::span(model.layer_weights).first(own));
  part.host_weights = 0;
  return part;
}

bool worth_splitting(int gpu_layers, int all_layers) { return gpu_layers * kLeastShare >= all_layers; }

std::uint64_t split_bytes(std::uint64_t available) { return available - available / 16; }

std::optional<Fit> fit_split(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::uint64_t gpu_bytes,
                             std::uint64_t machine_bytes) {
  if (static_cast<int>(target.layer_weights.size()) != target.shape.layers || target.shape.layers < 2) return std::nullopt;
  const int wanted = wanted_context(options, target, draft);
  LoadOptions asked = options;
  asked.spare_lanes = 0;
  std::optional<Fit> best;
  bool machine_is_short = false;  // with the context that was asked for
  for (int context = wanted;; context = std::max(kShortContext, context / 2)) {
    if (context < wanted) asked.context_tokens = context;
    Fit fit = most_layers(fit_to_memory(asked, target, draft, MemoryKind::kGpu, UINT64_MAX), target, draft, gpu_bytes);
    const bool fits = fit.gpu_layers > 0 && fit.memory.host <= machine_bytes;
    if (context == wanted) machine_is_short = fit.gpu_layers > 0 && !fits;
    const bool worth = fits && worth_splitting(fit.gpu_layers, target.shape.layers);
    if (fits && (!best || worth)) best = std::move(fit);
    if (worth || context <= kShortContext) break;
  }
  if (!best) return std::nullopt;
  if (best->context_tokens < wanted) {
    note_reductions(*best, options, wanted, machine_is_short ? what_fits(machine_bytes, "the machine's memory") : what_fits(gpu_bytes));
    return best;
  }
  Fit roomy = *best;
  roomy.spare_lanes = options.spare_lanes;
  roomy = with_layers(std::move(roomy), best->gpu_layers, target, draft, gpu_bytes);
  return roomy.memory.total <= gpu_bytes && roomy.memory.host <= machine_bytes ? roomy : best;
}

Fit fit_split_to_less(const Fit& failed, const LoadOptions& options, const Footprint& target, const Footprint* draft) {
  Fit fit = fit_to_less(failed, options, gpu_part(target, failed.gpu_layers), draft, MemoryKind::kGpu);
  fit.gpu_layers = failed.gpu_layers;
  fit.memory.host = host_bytes(fit, target, draft);
  return fit;
}

}  // namespace octet::llama
