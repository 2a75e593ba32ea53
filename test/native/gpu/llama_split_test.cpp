// A target that is split between a GPU and the processor: it is where the fit says, takes what it says, and computes the same.
#include <doctest/doctest.h>

#include "llama_gpu.h"
#include "llama_referee.h"
#include "llama_taken_memory.h"

using namespace octet;
using namespace octet::llama;

namespace {

/// Asks for the GPU with memory for so many of the target's layers and no more. (With more than a lane, fewer would make the starter fit.)
LoadOptions with_layers(LoadOptions options, int layers) {
  options.lanes = 1;
  options.memory_limit_bytes = bytes_for_layers(options, layers);
  return options;
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
  CHECK_FALSE(pair.keeps_prefill_chunk);
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

// Widths of Qwen2.5-Coder 1.5B. Of the layers that the processor has, a pass of many rows copies one matrix after the other to the device.
GPU_CASE("what a split target takes on the device and beside it is no more than the estimate and not much less") {
  ModelShape shape = shape_of(1536, 12, 2, 128, 8960, 16384);
  shape.layers = 3;
  shape.heads.assign(3, 12);
  shape.kv_heads.assign(3, 2);
  const Wanted wanted{.lanes = 2, .context_tokens = 1024, .tied = false, .gpu_layers = 2};
  const Taken taken = take(shape, wanted, "gpu");
  const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / kMib; };
  const MemoryEstimate& estimate = taken.estimate;
  CHECK(taken.weights == doctest::Approx(mib(estimate.target_weights)).epsilon(1e-3));
  CHECK(taken.cache == doctest::Approx(mib(estimate.kv_cache)).epsilon(1e-3));
  CHECK(estimate.compute == compute_bytes(shape, wanted.kv_type, wanted.lanes, taken.cells, MemoryKind::kGpu, taken.copied_weights));
  check_taken(taken, shape, wanted, MemoryKind::kGpu, taken.copied_weights);
  // The processor's buffers are those of a pass that it computes alone, as where a device multiplies nothing for it.
  const double beside = taken.host_weights + taken.host_cache + taken.host + copied_logits(shape, wanted.lanes);
  MESSAGE("beside it took " << beside << " MiB, estimated " << mib(estimate.host));
  CHECK(mib(estimate.host) >= beside);
  CHECK(mib(estimate.host) <= beside + mib(compute_bytes(shape, wanted.kv_type, wanted.lanes, taken.cells, MemoryKind::kMachine)));
}
