#include "runtimes/llama/placement.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "runtimes/llama/candidate.h"

namespace octet::llama {
namespace {

constexpr int kRoomyContext = 1024;
constexpr int kGpuLanes = 2;

// The fewest lanes with which a device is preferred to those behind it.
int lanes_enough(const LoadOptions& options, MemoryKind memory) {
  return memory == MemoryKind::kGpu ? std::min(kGpuLanes, options.lanes) : options.lanes;
}

// What the pair takes there with these lanes and 1024 tokens, or all that it was trained for.
std::uint64_t least_bytes(const LoadOptions& options, const Footprint& target, const Footprint* draft, MemoryKind memory) {
  LoadOptions least = options;
  least.lanes = lanes_enough(options, memory);
  least.spare_lanes = 0;
  least.context_tokens = std::min(kRoomyContext, wanted_context(options, target, draft));
  return fit_to_memory(least, target, draft, memory, UINT64_MAX).memory.total;
}

std::string why_the_processor(const LoadOptions& options, const Footprint& target, const Footprint* draft, const Device& passed_over) {
  const MemoryKind memory = memory_kind(passed_over);
  const char* const fewer = memory == MemoryKind::kShared && options.lanes > 1 ? ", ask for fewer completions," : "";
  return "The processor is used: " + passed_over.description + " has " + readable(available_memory(options, passed_over)) +
         " of memory to spare, and the models want " + readable(least_bytes(options, target, draft, memory)) + ". End what else uses it" + fewer +
         " or choose a smaller pair.";
}

}  // namespace

Placement place(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::span<const Device> devices) {
  const int roomy_context = std::min(kRoomyContext, wanted_context(options, target, draft));
  // Better than any other: enough on a GPU, or every lane; then more lanes, then more context.
  const auto worth = [&](const Placement& place) {
    const MemoryKind memory = memory_kind(devices[place.device]);
    const bool enough = place.fit.lanes >= lanes_enough(options, memory) && place.fit.context_tokens >= roomy_context;
    const int preferred = !enough ? 0 : memory == MemoryKind::kGpu ? 2 : 1;
    const int context = std::min(place.fit.context_tokens, roomy_context);
    return std::tuple(preferred, place.fit.lanes, context);
  };
  std::optional<Placement> best;
  std::optional<Error> failure;
  for (std::size_t index = 0; index < devices.size(); ++index) {
    try {
      Placement here{index, fit_to_memory(options, target, draft, memory_kind(devices[index]), available_memory(options, devices[index]))};
      if (!best || worth(here) > worth(*best)) best = std::move(here);
    } catch (const Error& error) {
      if (error.code != ErrorCode::kOutOfMemory) throw;
      failure.emplace(error);
    }
  }
  if (!best) throw *failure;
  const Device& first = devices.front();
  if (memory_kind(devices[best->device]) == MemoryKind::kMachine && memory_kind(first) != MemoryKind::kMachine) {
    best->fit.notices.push_back(why_the_processor(options, target, draft, first));
  }
  return std::move(*best);
}

}  // namespace octet::llama
