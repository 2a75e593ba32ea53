#include "runtimes/llama/placement.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "runtimes/llama/candidate.h"
#include "runtimes/llama/split.h"

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

// What the pair lacks on a GPU, for a sentence that begins with what became of it.
std::string what_it_wants(const LoadOptions& options, const Footprint& target, const Footprint* draft, const Device& gpu) {
  const MemoryKind memory = memory_kind(gpu);
  const char* const fewer = memory == MemoryKind::kShared && options.lanes > 1 ? ", ask for fewer completions," : "";
  return gpu.description + " has " + readable(available_memory(options, gpu)) + " of memory to spare, and the models want " +
         readable(least_bytes(options, target, draft, memory)) + ". End what else uses it" + fewer + " or choose a smaller pair.";
}

// Metal's devices compute in the machine's memory: what they cannot hold the processor would read no faster.
bool has_own_memory(const Device& device) { return memory_kind(device) == MemoryKind::kGpu && device.name.rfind("MTL", 0) != 0; }

std::optional<Placement> best_split(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::span<const Device> devices,
                                    std::uint64_t machine_bytes) {
  std::optional<Placement> best;
  for (std::size_t index = 0; index < devices.size(); ++index) {
    const Device& gpu = devices[index];
    if (!has_own_memory(gpu)) continue;
    std::optional<Fit> fit = fit_split(options, target, draft, split_bytes(available_memory(options, gpu)), machine_bytes);
    if (!fit || (best && best->fit.gpu_layers >= fit->gpu_layers)) continue;
    const int layers = fit->gpu_layers;
    const std::string split = std::to_string(layers) + " of " + std::to_string(target.shape.layers) + (layers == 1 ? " layers is" : " layers are") +
                              " on the GPU, the others on the processor: ";
    best = Placement{index, *std::move(fit), {split + what_it_wants(options, target, draft, gpu)}};
  }
  return best;
}

}  // namespace

bool is_enough(const LoadOptions& options, const Footprint& target, const Footprint* draft, MemoryKind memory, const Fit& fit) {
  return fit.lanes >= lanes_enough(options, memory) && fit.context_tokens >= std::min(kRoomyContext, wanted_context(options, target, draft));
}

Placement place(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::span<const Device> devices,
                std::uint64_t machine_bytes) {
  // Better than any other: enough on a GPU, or every lane; then more lanes, then more context.
  const auto worth = [&](const Placement& place) {
    const MemoryKind memory = memory_kind(devices[place.device]);
    const int preferred = !is_enough(options, target, draft, memory, place.fit) ? 0 : memory == MemoryKind::kGpu ? 2 : 1;
    return std::tuple(preferred, place.fit.lanes, std::min(place.fit.context_tokens, kRoomyContext));
  };
  std::optional<Placement> best;
  std::optional<Error> failure;
  for (std::size_t index = 0; index < devices.size(); ++index) {
    try {
      Placement here{index, fit_to_memory(options, target, draft, memory_kind(devices[index]), available_memory(options, devices[index])), {}};
      if (!best || worth(here) > worth(*best)) best = std::move(here);
    } catch (const Error& error) {
      if (error.code != ErrorCode::kOutOfMemory) throw;
      failure.emplace(error);
    }
  }
  const bool enough_on_gpu = best && std::get<0>(worth(*best)) == 2;
  if (!enough_on_gpu) {
    std::optional<Placement> split = best_split(options, target, draft, devices, machine_bytes);
    const bool too_short = !best || best->fit.context_tokens < std::min(kRoomyContext, wanted_context(options, target, draft));
    if (split && (too_short || worth_splitting(split->fit.gpu_layers, target.shape.layers))) return *std::move(split);
  }
  if (!best) throw *failure;
  const Device& first = devices.front();
  if (memory_kind(devices[best->device]) == MemoryKind::kMachine && memory_kind(first) != MemoryKind::kMachine) {
    best->notices.push_back("The processor is used: " + what_it_wants(options, target, draft, first));
  }
  return *std::move(best);
}

}  // namespace octet::llama
