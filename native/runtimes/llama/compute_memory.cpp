// What llama.cpp reserves for a pass: tensors that live at once, as its allocator packs them. Bounds were found on graphs of its own, of
// many shapes; llama_memory_test.cpp holds them against what it says that it took.
#include "runtimes/llama/compute_memory.h"

#include <algorithm>

#include "runtimes/llama/model.h"

namespace octet::llama {
namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostScoreBytes = 256 * kMib;
constexpr std::uint64_t kFixedBytes = 8 * kMib;    ///< Graphs, tables, thread stacks of one context.
constexpr std::uint64_t kPartialBytes = 8 * kMib;  ///< Partial results on a GPU: 64 KB for each of its cores, 128 of them (ggml-vulkan).
constexpr int kReservedRows = (kPassRows + kSequences - 1) / kSequences * kSequences;  ///< llama.cpp reserves as many rows for each sequence.

std::uint64_t wide(int value) { return static_cast<std::uint64_t>(value); }

int most_of(const std::vector<int>& values) { return *std::max_element(values.begin(), values.end()); }

// Bytes of a pass's rows of float32.
std::uint64_t rows_of(std::uint64_t width) { return wide(kReservedRows) * width * sizeof(float); }

std::uint64_t score_bytes(const ModelShape& shape, int cells) { return rows_of(wide(cells) * wide(most_of(shape.heads))); }

std::uint64_t logit_bytes(const ModelShape& shape, int lanes) {
  ContextOptions options;
  options.lanes = lanes;
  return wide(max_logit_rows(options)) * wide(shape.vocabulary) * sizeof(float);
}

bool computes_scores(const ModelShape& shape, LoadOptions::KvType kv_type, int cells, MemoryKind memory) {
  using KvType = LoadOptions::KvType;
  constexpr int kFlashAttentionStep = 8;  // ggml-vulkan's: others fall back
  if (memory != MemoryKind::kMachine) return shape.key_length % kFlashAttentionStep != 0 || shape.value_length % kFlashAttentionStep != 0;
  return kv_type != KvType::kQ8_0 && (kv_type == KvType::kF32 || shape.sliding) && keeps_scores(shape, cells);
}

}  // namespace

MemoryKind memory_kind(const Device& device) {
  if (device.kind == "gpu") return MemoryKind::kGpu;
  return device.kind == "integratedGpu" ? MemoryKind::kShared : MemoryKind::kMachine;
}

bool keeps_scores(const ModelShape& shape, int cells) {
  return wide(kPassRows) * wide(cells) * wide(most_of(shape.heads)) * sizeof(float) <= kMostScoreBytes;
}

std::uint64_t host_bytes_beside_gpu(const ModelShape& shape, int lanes) {
  return kFixedBytes + logit_bytes(shape, lanes);  // which are copied for the engine
}

std::uint64_t compute_bytes(const ModelShape& shape, LoadOptions::KvType kv_type, int lanes, int cells, MemoryKind memory,
                            const Copies& copied) {
  const std::uint64_t heads = wide(most_of(shape.heads)), kv_heads = wide(std::max(most_of(shape.kv_heads), copied.kv_heads));
  const std::uint64_t both_lengths = wide(shape.key_length + shape.value_length);
  const std::uint64_t hidden = rows_of(wide(shape.embedding));
  const std::uint64_t queries = rows_of(heads * wide(std::max(shape.key_length, shape.value_length)));
  const std::uint64_t keys_and_values = rows_of(kv_heads * both_lengths);
  const std::uint64_t half_cache = wide(cells) * kv_heads * both_lengths * 2;  // one layer's, as float16

  const bool scores = computes_scores(shape, kv_type, cells, memory);
  const std::uint64_t mask = wide(kReservedRows) * wide(cells) * (scores ? 4 : 2) * (shape.sliding ? 2 : 1);
  std::uint64_t attention = 4 * hidden + 3 * queries + 2 * keys_and_values;
  if (scores) attention += score_bytes(shape, cells);
  else if (kv_type == LoadOptions::KvType::kF32) attention += half_cache;
  const std::uint64_t routed = wide(shape.experts_used) * wide(shape.expert_feed_forward);
  const std::uint64_t inner = std::max({3 * wide(shape.feed_forward), 3 * routed, routed + 2 * wide(shape.experts_used) * wide(shape.embedding)});
  const std::uint64_t feed_forward = rows_of(inner) + 5 * hidden + queries + keys_and_values;

  const std::uint64_t logits = logit_bytes(shape, lanes);
  const std::uint64_t copied_cache = wide(cells) * wide(copied.kv_heads) * both_lengths * (kv_type == LoadOptions::KvType::kF32 ? 4 : 2);
  const std::uint64_t layer = std::max(attention + copied_cache, feed_forward + copied.weights);
  const std::uint64_t graph = std::max(mask + layer, logits + 2 * hidden + 2 * queries);
  const std::uint64_t widest = std::max({wide(shape.embedding), wide(shape.feed_forward), routed, heads * wide(shape.value_length)});
  const std::uint64_t converted = wide(kPassRows) * widest * 2;  // what a kernel multiplies, in the form that it wants

  std::uint64_t bytes = graph + converted;
  if (memory != MemoryKind::kGpu) bytes += host_bytes_beside_gpu(shape, lanes);
  if (memory != MemoryKind::kMachine) bytes += kPartialBytes + (kv_type == LoadOptions::KvType::kQ8_0 ? half_cache : 0);
  if (memory == MemoryKind::kShared) bytes += mask + 2 * hidden;  // a pass's input, as the processor writes it
  return bytes;
}

}  // namespace octet::llama
