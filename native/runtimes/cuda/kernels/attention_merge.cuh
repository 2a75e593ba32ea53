// Partial results of a row and head, one a chunk, merged in chunk order (log-sum-exp):
//   m = max(m_i), s = sum of s_i 2^(m_i - m), out = sum of acc_i 2^(m_i - m) / s
// A thread has four columns; loads of eight parts or sixteen are under way together, the first of them with those of m_i and s_i.
#pragma once

#include "runtimes/cuda/kernels/attention_call.cuh"
#include "runtimes/cuda/kernels/attention_tile.cuh"

namespace octet::cuda {

/// Threads of a row and head.
template <int kDim>
constexpr int kMergeThreads = kDim / 4;

/// Floats of shared memory between the rows and heads of a block, weights and totals of each: those of one warp in banks of their own.
template <int kDim>
constexpr int kMergeStride = 2 * kMostParts + kMergeThreads<kDim> % kWarp;

/// Shared memory in which this many threads merge: every row and head has its parts' weights and sums there.
template <int kDim>
constexpr std::size_t merge_bytes(int threads) {
  return threads / kMergeThreads<kDim> * kMergeStride<kDim> * sizeof(float);
}

/// Row and head `index` (row * heads + head) of `parts` parts, the same for the whole warp, which calls it together, kAtOnce of them at a time.
/// `weights`: the shared memory of merge_bytes. Without `valid` (`index` can still be read) nothing is written.
template <int kDim, int kAtOnce>
OCTET_DEVICE void merge_row(const AttentionCall& call, std::size_t index, int parts, float* weights, bool valid) {
  constexpr int kThreads = kMergeThreads<kDim>;
  static_assert(kMostParts % kAtOnce == 0);
  const int mine = thread_x() % kThreads;
  weights += thread_x() / kThreads * kMergeStride<kDim>;
  float* const totals = weights + kMostParts;
  const float* const from = call.sums + index * call.most_parts * kDim + mine * 4;
  Vector16 part[kAtOnce];
  const auto load = [&](int first) {
    OCTET_UNROLL
    for (int i = 0; i < kAtOnce; ++i)
      part[i] = first + i < parts ? load_fresh(reinterpret_cast<const Vector16*>(from + (first + i) * kDim)) : Vector16{};
  };
  load(0);
  warp_sync();  // the row before this one is done with them
  float most = kNothingSeen;
  for (int part = mine; part < kMostParts; part += kThreads) {
    const Vector8 scales = part < parts ? load_fresh(&call.scales[index * call.most_parts + part]) : Vector8{{float_to_bits(kNothingSeen), 0}};
    weights[part] = bits_to_float(scales.word[0]);
    totals[part] = bits_to_float(scales.word[1]);
    most = weights[part] > most ? weights[part] : most;
  }
  OCTET_UNROLL
  for (int mask = kThreads / 2; mask > 0; mask /= 2) {
    const float other = shuffle_xor(most, mask);
    most = other > most ? other : most;
  }
  for (int part = mine; part < kMostParts; part += kThreads) weights[part] = exp2_of(weights[part] - most);
  warp_sync();
  float total = 0, sums[4] = {};
  for (int first = 0; first < parts; first += kAtOnce) {
    if (first > 0) load(first);
    OCTET_UNROLL
    for (int i = 0; i < kAtOnce; ++i) {
      const bool written = totals[first + i] != 0;  // else what lies there is another pass's
      total += weights[first + i] * totals[first + i];
      OCTET_UNROLL
      for (int c = 0; c < 4; ++c) sums[c] += weights[first + i] * (written ? bits_to_float(part[i].word[c]) : 0);
    }
  }
  if (!valid) return;
  auto* const to = reinterpret_cast<Vector8*>(call.out + index * kDim + mine * 4);
  *to = total == 0 ? Vector8{} : Vector8{{pack_bf16(sums[0] / total, sums[1] / total), pack_bf16(sums[2] / total, sums[3] / total)}};
}

/// All rows of a lane, for the block's key-value head, by a block of kAttentionThreads.
template <int kDim>
OCTET_DEVICE void merge_lane(const AttentionCall& call, int lane, float* weights) {
  const int parts = call.plan.parts[lane], rows = call.rows_per_lane * call.group;
  for (int first = 0; first < rows; first += kAttentionThreads / kMergeThreads<kDim>) {
    const int i = first + thread_x() / kMergeThreads<kDim>;
    const bool valid = i < rows;
    const AttentionTarget target(call, lane * rows + (valid ? i : 0));
    merge_row<kDim, 8>(call, target.index(call), parts, weights, valid);
  }
}

}  // namespace octet::cuda
