// A target that is split between a GPU and the processor: it is where the fit says, takes what it says, and computes the same.
#include <doctest/doctest.h>

#include "llama_gpu.h"
#include "llama_made_up_model.h"
#include "llama_referee.h"
#include "llama_taken_memory.h"
#include "runtimes/llama/candidate.h"
#include "runtimes/llama/model.h"
#include "runtimes/llama/model_file.h"
#include "runtimes/llama/split.h"

using namespace octet;
using namespace octet::llama;

namespace {

/// Asks for the GPU with memory for so many of the target's layers and no more. (With more than a lane, fewer would make the starter fit.)
LoadOptions with_layers(LoadOptions options, int layers) {
  options.lanes = 1;
  std::optional<Candidate> draft;
  if (!options.draft.empty()) draft = examine(options.draft);
  const Footprint part = gpu_part(examine(options.target).footprint, layers);
  const std::uint64_t bytes = fit_to_memory(options, part, draft ? &draft->footprint : nullptr, MemoryKind::kGpu, UINT64_MAX).memory.total;
  options.memory_limit_bytes = bytes / 15 * 16 + 16;  // of which split_bytes leaves a sixteenth
  return options;
}

/// A context of a target whose first layer is the processor's, and nothing computed.
Taken check_split(const std::function<void(const std::string& path)>& write, const Wanted& wanted, bool closely = true) {
  start_backends();
  const test::TemporaryFolder folder;
  const std::string path = folder / "model.gguf";
  write(path);
  const Footprint whole = examine(path).footprint;
  const int layers = whole.shape.layers - 1, cells = cache_tokens(wanted.lanes, wanted.context_tokens);
  MemoryLog log;
  {
    ModelHandle model = open_weights(path, matching_devices("gpu").at(0).handle, layers, [](float) { return true; });
    const ContextOptions options{.cache_tokens = cells, .lanes = wanted.lanes, .kv_type = wanted.kv_type, .on_gpu = true, .split = true};
    make_model(std::move(model), make_thread_pool(2), options);
  }
  Taken& taken = log.taken;
  taken.cells = cells;
  const Footprint part = gpu_part(whole, layers), rest = host_part(whole, layers);
  taken.copied = part.copied;
  const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / kMib; };
  const auto cache = [&](const Footprint& model) { return mib(static_cast<std::uint64_t>(cells) * kv_bytes_per_token(model.shape, wanted.kv_type)); };
  constexpr double kRounded = 0.01;  // the log's two places
  CHECK(std::abs(taken.weights - mib(part.weights)) <= kRounded);
  CHECK(std::abs(taken.cache - cache(part)) <= kRounded);
  CHECK(std::abs(taken.host_cache - cache(rest)) <= kRounded);
  CHECK(taken.host_weights >= mib(rest.weights) - kRounded);
  if (closely) check_taken(taken, part.shape, wanted, MemoryKind::kGpu);
  CHECK(mib(compute_bytes(part.shape, wanted.kv_type, wanted.lanes, cells, MemoryKind::kGpu, part.copied)) >= taken.device);
  const std::uint64_t beside = estimate_memory(rest, nullptr, wanted.kv_type, wanted.lanes, cells, MemoryKind::kMachine).compute;
  CHECK(mib(beside) >= taken.host + copied_logits(whole.shape, wanted.lanes));
  return taken;
}

}  // namespace

GPU_CASE("a target of which the device holds some layers gives the processor's logits") {
  const auto cpu = load_pair(exact_options(float_copy(kTargetFile)));
  const auto split = load_pair(with_layers(gpu_options(float_copy(kTargetFile)), 4));
  CHECK(on_gpu(split).gpu_layers == 4);
  const double apart = difference(walk(*split.target), walk(*cpu.target));
  MESSAGE("logits within " << apart);
  CHECK(apart < kTolerance);
}

GPU_CASE("a split pair decodes as on the processor, and says what is where") {
  LoadedPair pair = load_pair(with_layers(gpu_options(float_copy(kTargetFile), float_copy(kDraftFile)), 3));
  CHECK(on_gpu(pair).gpu_layers == 3);
  CHECK(pair.keeps_prefill_chunk);
  CHECK(pair.prefill_chunk == 512);
  REQUIRE(pair.notices.size() == 1);
  CHECK(pair.notices[0].find("3 of 6 layers are on the GPU, the others on the processor: ") == 0);
  CHECK(pair.memory.total <= pair.memory.available);
  CHECK(pair.memory.host > 0);
  LlamaEngine octet(std::move(pair));
  Referee referee(kTolerance);
  for (const char* const policy : {"fixed:3", "auto"}) {
    const Request request = octet.request(kPrompts[0], policy, 0, 1, 30);
    referee.check_greedy(request, run(*octet.engine, request));
  }
}

// Of the layers that the processor has, a pass of many rows copies one matrix after the other to the device, and keys and values.
GPU_CASE("what a split target takes on the device and beside it is no more than the estimate and not much less") {
  const auto layered = [](ModelShape shape, int layers) {
    shape.layers = layers;
    shape.heads.assign(static_cast<std::size_t>(layers), shape.heads[0]);
    shape.kv_heads.assign(static_cast<std::size_t>(layers), shape.kv_heads[0]);
    return shape;
  };
  const auto made_up = [](const ModelShape& shape) { return [shape](const std::string& path) { write_made_up_model(path, shape, false); }; };
  ModelShape experts = shape_of(1024, 16, 4, 128, 768, 16384);
  experts.experts_used = 4;
  experts.expert_feed_forward = 768;
  check_split(made_up(layered(shape_of(1536, 12, 2, 128, 8960, 16384), 3)), {.lanes = 2, .context_tokens = 1024});
  check_split(made_up(layered(shape_of(2048, 16, 16, 128, 5504, 16384), 3)), {.context_tokens = 8192});
  check_split(made_up(layered(shape_of(2048, 16, 16, 128, 5504, 16384), 3)), {.context_tokens = 16384});
  check_split(made_up(layered(experts, 3)), {});
}

// Without flash attention it would be 103 MiB: the scores of all cells.
GPU_CASE("a split target with sliding windows keeps no scores of all cells") {
  const Taken taken = check_split([](const std::string& path) { write_sliding_window_model(path, 16, 16384); }, {.context_tokens = 8192}, false);
  CHECK(taken.device < 25);
  const Wanted exact{.context_tokens = 8192, .kv_type = LoadOptions::KvType::kF32};
  check_split([](const std::string& path) { write_sliding_window_model(path, 16, 16384); }, exact, false);
}
