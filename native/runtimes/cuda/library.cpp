// The shared library's one door.
#include "runtimes/cuda/library.h"

#include <stdexcept>
#include <string>

#include "runtimes/cuda/runtime/sizes.h"

#ifdef _WIN32
#define OCTET_EXPORT __declspec(dllexport)
#else
#define OCTET_EXPORT __attribute__((visibility("default")))
#endif

namespace octet::cuda {
namespace {

RuntimeOptions options_of(const PairSource& source) {
  return {.vocabulary = source.vocabulary, .lanes = source.lanes, .context_tokens = source.context_tokens,
          .cache_tokens = source.cache_tokens, .spare_lanes = source.spare_lanes, .end_tokens = {source.end_tokens.begin(), source.end_tokens.end()}, .precision = source.precision};
}

DeviceBytes bytes_of(const PairSource& source, const DeviceInfo& device) {
  const auto pass_of = [&](const NetworkSource& network) { return pass_needs(network, source.precision); };
  return device_bytes(pass_of(*source.target), source.draft ? std::optional(pass_of(*source.draft)) : std::nullopt, options_of(source), device);
}

std::size_t weight_bytes(const NetworkSource& source) { return packed_bytes(source); }

std::size_t work_bytes(const PairSource& source) { return bytes_of(source, device_info()).work; }

std::unique_ptr<Runtime> make_runtime(const PairSource& source, const std::function<bool(MakingPhase, float)>& progress) {
  const DeviceInfo device = device_info();
  const DeviceBytes bytes = bytes_of(source, device);
  const std::size_t wanted = bytes.cache + bytes.work + packed_bytes(*source.target) + (source.draft ? packed_bytes(*source.draft) : 0);
  if (wanted > device.free_bytes)  // before minutes of packing
    throw std::runtime_error("out of memory: " + std::to_string(wanted >> 20) + " MB are needed, and " +
                             std::to_string(device.free_bytes >> 20) + " MB are free");
  const auto told = [&](MakingPhase phase) -> std::function<bool(float)> {
    return [&progress, phase](float fraction) { return !progress || progress(phase, fraction); };
  };
  std::optional<Network> target = load_network(*source.target, told(MakingPhase::kTarget)), draft;
  if (!target) return nullptr;
  if (source.draft && !(draft = load_network(*source.draft, told(MakingPhase::kDraft)))) return nullptr;
  RuntimeOptions options = options_of(source);
  options.tuning.file = source.plans_file;
  options.tuning.build = kBuild;
  options.tuning.progress = told(MakingPhase::kMeasuring);
  options.tuning.log = source.log;
  return make_cuda_runtime(std::move(*target), std::move(draft), options);
}

constexpr Library kLibrary{.version = kLibraryVersion, .build = kBuild, .device = device_info, .weight_bytes = weight_bytes, .work_bytes = work_bytes,
                           .make_runtime = make_runtime};

}  // namespace
}  // namespace octet::cuda

extern "C" OCTET_EXPORT const octet::cuda::Library* octet_cuda_library() { return &octet::cuda::kLibrary; }
