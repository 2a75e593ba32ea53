#include "runtimes/llama/candidate.h"

#include <algorithm>

#include "runtimes/llama/model_file.h"
#include "runtimes/llama/vocabulary.h"

namespace octet::llama {
namespace {

constexpr int kMostThreads = 256;

std::uint64_t spared(std::uint64_t free) { return free - std::min(free / 20, std::uint64_t{512} << 20); }

}  // namespace

Candidate examine(const std::string& path) {
  Candidate candidate;
  candidate.parts = open_parts(path);
  const std::vector<GgufFile>& parts = candidate.parts;
  check_tokens(parts[0]);
  candidate.vocabulary = open_vocabulary(path);
  if (const std::string reason = unsupported_reason(candidate.vocabulary.get()); !reason.empty()) {
    throw Error(ErrorCode::kModelUnsupported, path + ": " + reason);
  }
  candidate.footprint = {check_shape(parts), weight_bytes(parts), host_weight_bytes(parts)};
  const LayerBytes layers = layer_bytes(parts, candidate.footprint.shape.layers);
  candidate.footprint.layer_weights = layers.each;
  candidate.footprint.largest_layer_tensor = layers.largest_tensor;
  candidate.info = describe(parts);
  candidate.info.fim = fim_tokens(llama_model_get_vocab(candidate.vocabulary.get())).has_value();
  return candidate;
}

std::future<Candidate> examine_draft(const LoadOptions& options) {
  return options.draft.empty() ? std::future<Candidate>() : std::async(std::launch::async, examine, options.draft);
}

void check(const LoadOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::kBadParams, what); };
  if (options.target.empty()) refuse("No target model is given");
  if (options.lanes < 1 || options.lanes > kMaxLanes) {
    refuse("There can be 1 to " + std::to_string(kMaxLanes) + " lanes, not " + std::to_string(options.lanes));
  }
  if (options.spare_lanes < 0 || options.lanes + options.spare_lanes > kMaxLanes) {
    refuse("There can be " + std::to_string(kMaxLanes) + " lanes with spare ones, not " + std::to_string(options.lanes) + " and " + std::to_string(options.spare_lanes));
  }
  if (options.context_tokens < 0) {
    refuse("The context cannot have " + std::to_string(options.context_tokens) + " tokens");
  }
  if (options.threads < 0 || options.threads > kMostThreads) {
    refuse("There can be 1 to " + std::to_string(kMostThreads) + " threads, not " + std::to_string(options.threads));
  }
}

std::uint64_t available_memory(const LoadOptions& options, const Device& device) {
  return options.memory_limit_bytes > 0 ? options.memory_limit_bytes : spared(device.free_memory_bytes);
}

std::uint64_t available_memory(const Machine& machine) { return spared(machine.free_memory_bytes); }

}  // namespace octet::llama
