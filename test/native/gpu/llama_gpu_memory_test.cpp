// Memory that llama.cpp takes on a GPU.
#include "llama_taken_memory.h"

using namespace octet;
using namespace octet::llama;

// Widths of Qwen2.5-Coder 1.5B and of Qwen3 0.6B. The software driver puts no product of more than 128 MiB on its device: 65,536
// tokens at most.
TEST_CASE("gpu: what llama.cpp takes on a device is no more than the estimate and not much less" * doctest::skip(gpu_libraries().empty())) {
  for (const ModelShape& shape : {shape_of(1536, 12, 2, 128, 8960, 65536), shape_of(1024, 16, 8, 128, 3072, 65536)}) {
    const Wanted wanted{.tied = shape.embedding == 1024};
    const Taken taken = take(shape, wanted, "gpu");
    check_taken(taken, shape, wanted, MemoryKind::kGpu);
    check_taken(taken, shape, wanted, MemoryKind::kShared);
    CHECK(taken.cache == doctest::Approx(static_cast<double>(taken.estimate.kv_cache) / kMib).epsilon(1e-3));
    CHECK(taken.weights == doctest::Approx(static_cast<double>(taken.estimate.target_weights) / kMib).epsilon(1e-3));
  }
}
