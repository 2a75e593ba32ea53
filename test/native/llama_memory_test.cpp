// Memory that llama.cpp takes on the processor.
#include "llama_taken_memory.h"

using namespace octet;
using namespace octet::llama;

namespace {

const ModelShape kHalf = shape_of(896, 14, 2, 64, 4864, 151936);         // Qwen2.5-Coder 0.5B
const ModelShape kOneAndHalf = shape_of(1536, 12, 2, 128, 8960, 151936);  // and 1.5B
const ModelShape kSeven = shape_of(3584, 28, 4, 128, 18944, 152064);      // and 7B
const ModelShape kManyHeads = shape_of(1024, 16, 8, 128, 3072, 151936);   // Qwen3 0.6B
const ModelShape kWideHeads = shape_of(896, 16, 8, 256, 4864, 65536);     // queries wider than all else

void check(const ModelShape& shape, const Wanted& wanted, bool passes = false) {
  const Taken taken = take(shape, wanted, "cpu", passes);
  check_taken(taken, shape, wanted, MemoryKind::kMachine);
  CHECK(taken.estimate.compute == compute_bytes(shape, wanted.kv_type, wanted.lanes, taken.cells, MemoryKind::kMachine));
}

}  // namespace

TEST_CASE("memory: what llama.cpp takes on the processor is no more than the estimate and not much less") {
  for (const ModelShape& shape : {kHalf, kOneAndHalf, kSeven, kManyHeads, kWideHeads}) check(shape, {});
  check(kOneAndHalf, {.lanes = 1, .context_tokens = 1024});
  check(kSeven, {.lanes = 16, .context_tokens = 2048});
  check(kManyHeads, {.lanes = 2, .context_tokens = 1024, .kv_type = LoadOptions::KvType::kF32});
  check(kHalf, {.kv_type = LoadOptions::KvType::kQ8_0});
}

TEST_CASE("memory: passes take no more than was reserved for them") {
  ModelShape shape = kHalf;
  shape.vocabulary = 16384;
  check(shape, {}, true);
  check(shape, {.lanes = 4, .context_tokens = 512, .kv_type = LoadOptions::KvType::kF32}, true);
}

TEST_CASE("memory: experts and sliding windows are read from the file, and counted") {
  ModelShape shape = shape_of(2048, 16, 4, 128, 768, 32768);
  shape.experts_used = 4;
  shape.expert_feed_forward = shape.feed_forward;
  check(shape, {});
  shape.experts_used = shape.expert_feed_forward = 0;
  shape.vocabulary = 8192;
  const auto bytes = [&] { return take(shape, {}, "cpu").estimate.compute; };
  const std::uint64_t plain = bytes();
  shape.sliding = true;
  const int cells = 11776;
  CHECK(bytes() - plain == std::uint64_t{528} * cells * 2);  // a second mask
}
