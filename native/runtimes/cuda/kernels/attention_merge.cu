// Partial results of a row and head, one a chunk, merged in chunk order (log-sum-exp):
//   m = max(m_i), s = sum of s_i 2^(m_i - m), out = sum of acc_i 2^(m_i - m) / s
// Bounded by its launch: a row and head reads head_dim floats a part, from the second-level cache.
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/attention_call.cuh"
#include "runtimes/cuda/kernels/attention_tile.cuh"

namespace octet::cuda {
namespace {

constexpr int kMergeThreads = 128, kMergeWarps = kMergeThreads / kWarp, kMostParts = kMostPromptParts + kMostTailParts;
constexpr int kMergedAtOnce = 4;  // whose loads are under way together

/// A warp a row and head. Rows with one part have their output already.
template <int kDim>
OCTET_KERNEL merge_parts(AttentionCall call) {
  wait_for_previous();
  let_next_start();
  constexpr int kColumns = kDim / kWarp;  // of a thread, side by side
  const int row = block_x(), head = block_y() * kMergeWarps + warp_index();
  const int parts = call.plan.parts[row / call.rows_per_lane];
  if (parts == 1 || head >= call.heads) return;
  const std::size_t index = static_cast<std::size_t>(row) * call.heads + head;
  auto* const weights = reinterpret_cast<float*>(shared_memory()) + warp_index() * 2 * kMostParts;
  auto* const totals = weights + kMostParts;
  float most = kNothingSeen;
  for (int part = warp_lane(); part < kMostParts; part += kWarp) {
    const Vector8 scales = part < parts ? call.scales[index * call.most_parts + part] : Vector8{{float_to_bits(kNothingSeen), 0}};
    weights[part] = bits_to_float(scales.word[0]);
    totals[part] = bits_to_float(scales.word[1]);
    most = weights[part] > most ? weights[part] : most;
  }
  most = warp_max(most);
  for (int part = warp_lane(); part < kMostParts; part += kWarp) weights[part] = exp2_of(weights[part] - most);
  warp_sync();
  float total = 0, sums[kColumns] = {};
  const float* from = call.sums + index * call.most_parts * kDim + warp_lane() * kColumns;
  for (int first = 0; first < parts; first += kMergedAtOnce) {
    float part[kMergedAtOnce][kColumns];
    OCTET_UNROLL
    for (int i = 0; i < kMergedAtOnce; ++i) {
      const bool written = totals[first + i] != 0;
      OCTET_UNROLL
      for (int c = 0; c < kColumns; c += 2) {
        const Vector8 two = written ? *reinterpret_cast<const Vector8*>(from + (first + i) * kDim + c) : Vector8{};
        part[i][c] = bits_to_float(two.word[0]);
        part[i][c + 1] = bits_to_float(two.word[1]);
      }
    }
    OCTET_UNROLL
    for (int i = 0; i < kMergedAtOnce; ++i) {
      total += weights[first + i] * totals[first + i];
      OCTET_UNROLL
      for (int c = 0; c < kColumns; ++c) sums[c] += weights[first + i] * part[i][c];
    }
  }
  auto* to = reinterpret_cast<std::uint32_t*>(call.out + index * kDim + warp_lane() * kColumns);
  OCTET_UNROLL
  for (int c = 0; c < kColumns; c += 2) to[c / 2] = total == 0 ? 0u : pack_bf16(sums[c] / total, sums[c + 1] / total);
}

}  // namespace

void merge_attention(Stream& stream, const AttentionCall& call, int rows, int head_dim) {
  launch(stream,
         {.grid = {rows, ceil_div(call.heads, kMergeWarps)}, .threads = kMergeThreads,
          .shared_bytes = kMergeWarps * 2 * kMostParts * sizeof(float), .overlaps_previous = true},
         head_dim == 64 ? merge_parts<64> : merge_parts<128>, call);
}

}  // namespace octet::cuda
