#include "runtimes/llama/placement.h"

#include <algorithm>
#include <optional>

#include "runtimes/llama/candidate.h"

namespace octet::llama {
namespace {

constexpr int kRoomyContext = 1024;

// What the pair takes with every lane and 1024 tokens, or all that it was trained for.
std::uint64_t roomy_bytes(const LoadOptions& options, const Footprint& target, const Footprint* draft) {
  LoadOptions least = options;
  least.context_tokens = std::min(kRoomyContext, wanted_context(options, target, draft));
  return fit_to_memory(least, target, draft, UINT64_MAX).memory.total;
}

}  // namespace

Placement place(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::span<const Device> devices) {
  const auto chosen = [&](std::size_t index, Fit fit) {
    const Device& passed_over = devices.front();
    if (index > 0 && passed_over.kind != "cpu" && devices[index].kind == "cpu") {
      fit.notices.push_back("The processor is used: " + passed_over.description + " has " + readable(available_memory(options, passed_over)) +
                            " of memory to spare, and the models want " + readable(roomy_bytes(options, target, draft)) +
                            ". End what else uses it, ask for fewer completions, or choose a smaller pair.");
    }
    return Placement{index, std::move(fit)};
  };
  std::optional<Placement> second_best;
  std::optional<Error> failure;
  for (std::size_t index = 0; index < devices.size(); ++index) {
    try {
      Fit fit = fit_to_memory(options, target, draft, available_memory(options, devices[index]));
      const bool roomy = fit.lanes == options.lanes &&
                         fit.context_tokens >= std::min(kRoomyContext, wanted_context(options, target, draft));
      if (roomy) return chosen(index, std::move(fit));
      second_best = {index, std::move(fit)};
    } catch (const Error& error) {
      if (error.code != ErrorCode::kOutOfMemory) throw;
      failure.emplace(error);
    }
  }
  if (!second_best) throw *failure;
  return chosen(second_best->device, std::move(second_best->fit));
}

}  // namespace octet::llama
