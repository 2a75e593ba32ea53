// The reading end of a folded norm (folded_norm.h).
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/folded_norm.h"

namespace octet::cuda {

/// 1 / rms of `n` rows into shared memory, by the block's `warps` but the first `busy`: each takes every so-manyth row, kAtOnce of them at a time
/// so that their loads wait for memory together. Lanes take every 32nd group and their sums meet in a fixed tree. The block has to synchronise
/// before it reads.
template <int kAtOnce>
OCTET_DEVICE void find_row_factors(const InputNorm& norm, int n, int width, int warps, int busy, float* factors) {
  const int groups = width / norm.group, free_warps = warps - busy;
  if (warp_index() < busy) return;
  for (int first = warp_index() - busy; first < n; first += kAtOnce * free_warps) {
    float total[kAtOnce];
    OCTET_UNROLL
    for (int r = 0; r < kAtOnce; ++r) total[r] = 0;
    for (int group = warp_lane(); group < groups; group += 2 * kWarp) {
      float near[kAtOnce], far[kAtOnce];
      OCTET_UNROLL
      for (int r = 0; r < kAtOnce; ++r) {
        const int row = first + r * free_warps;
        const float* const from = norm.squares + static_cast<std::size_t>(row) * norm.stride + group;
        near[r] = row < n ? from[0] : 0.0f;
        far[r] = row < n && group + kWarp < groups ? from[kWarp] : 0.0f;
      }
      OCTET_UNROLL
      for (int r = 0; r < kAtOnce; ++r) total[r] += near[r] + far[r];
    }
    OCTET_UNROLL
    for (int r = 0; r < kAtOnce; ++r) {
      const float mean = warp_sum(total[r]) / static_cast<float>(width);
      const int row = first + r * free_warps;
      if (warp_lane() == 0 && row < n) factors[row] = inverse_sqrt(mean + norm.epsilon);
    }
  }
}

}  // namespace octet::cuda
