// Sums of a block's output tile: added over the warps that divide the columns and over the blocks that share the tile, in fixed
// orders.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/gemm_tile.h"

namespace octet::cuda {

/// Where a warp stands in its block's tile.
struct WarpPlace {
  int row, n, k;
  OCTET_DEVICE WarpPlace(const GemmPlan& plan, int thread) {
    const int warp = thread / kWarp, rest = warp / plan.row_warps;
    row = warp % plan.row_warps;
    n = plan.n_warps == 2 ? rest : 0;
    k = plan.k_warps > 1 ? rest : 0;
  }
};

/// A warp's sums: fragments d of mma.m16n8k16, [panel][n8 tile].
template <int kTiles>
struct Sums {
  static constexpr int kPanels = panels_of(kTiles);
  float at[kPanels][kTiles][4];

  OCTET_DEVICE void clear() {
    OCTET_UNROLL
    for (int i = 0; i < kPanels; ++i) {
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) {
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e) at[i][j][e] = 0;
      }
    }
  }
};

OCTET_DEVICE Vector16 as_vector(const float (&x)[4]) {
  return {{float_to_bits(x[0]), float_to_bits(x[1]), float_to_bits(x[2]), float_to_bits(x[3])}};
}

/// The other k warps' sums onto the first's, in order, through `free`, shared memory that nobody uses after a barrier: less than the x of a
/// stage.
template <int kTiles>
OCTET_DEVICE void add_narrow_warps(const GemmPlan& plan, Sums<kTiles>& sums, const WarpPlace& place, std::byte* free) {
  constexpr int kAtOnce = kTiles == 1 ? 4 : 1;  // the registers allow
  auto* const slots = reinterpret_cast<Vector16*>(free) + place.row * kTiles * kWarp + warp_lane();
  const int of_warp = plan.row_warps * kTiles * kWarp, others = plan.k_warps - 1;
  block_sync();
  OCTET_UNROLL
  for (int j = 0; j < kTiles; ++j)
    if (place.k != 0) slots[(place.k - 1) * of_warp + j * kWarp] = as_vector(sums.at[0][j]);
  block_sync();
  if (place.k != 0) return;
  if (others == 1) {  // as of large matrices, whose warps take columns by twos
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      const Vector16 part = slots[j * kWarp];
      OCTET_UNROLL
      for (int e = 0; e < 4; ++e) sums.at[0][j][e] += bits_to_float(part.word[e]);
    }
    return;
  }
  OCTET_ROLLED
  for (int first = 0; first < others; first += kAtOnce) {
    Vector16 part[kAtOnce][kTiles];
    OCTET_UNROLL
    for (int k = 0; k < kAtOnce; ++k) {
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) part[k][j] = first + k < others ? slots[(first + k) * of_warp + j * kWarp] : Vector16{};
    }
    OCTET_UNROLL
    for (int k = 0; k < kAtOnce; ++k) {
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) {
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e) sums.at[0][j][e] += bits_to_float(part[k][j].word[e]);
      }
    }
  }
}

/// The second k warps' sums onto the first's, likewise. Half of the tiles at a time, which fits into the x of a stage.
template <int kTiles>
OCTET_DEVICE void add_wide_warps(Sums<kTiles>& sums, const WarpPlace& place, std::byte* free) {
  constexpr int kPanels = Sums<kTiles>::kPanels, kHalf = (kTiles + kPanels - 1) / kPanels;
  auto* slots = reinterpret_cast<Vector16*>(free) + place.row * kPanels * kHalf * kWarp + warp_lane();
  OCTET_UNROLL
  for (int first = 0; first < kTiles; first += kHalf) {
    block_sync();
    OCTET_UNROLL
    for (int i = 0; i < kPanels; ++i) {
      OCTET_UNROLL
      for (int j = first; j < first + kHalf && j < kTiles; ++j)
        if (place.k == 1) slots[(i * kHalf + j - first) * kWarp] = as_vector(sums.at[i][j]);
    }
    block_sync();
    OCTET_UNROLL
    for (int i = 0; i < kPanels; ++i) {
      OCTET_UNROLL
      for (int j = first; j < first + kHalf && j < kTiles; ++j) {
        if (place.k != 0) continue;
        const Vector16 other = slots[(i * kHalf + j - first) * kWarp];
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e) sums.at[i][j][e] += bits_to_float(other.word[e]);
      }
    }
  }
}

template <int kTiles>
OCTET_DEVICE void add_k_warps(const GemmPlan& plan, Sums<kTiles>& sums, const WarpPlace& place, std::byte* free) {
  if constexpr (Sums<kTiles>::kPanels == 1) add_narrow_warps(plan, sums, place, free);
  else add_wide_warps(sums, place, free);
}

/// Leaves this block's part of a shared tile in the workspace. True, with all parts added up, in the block that comes last.
/// A block has two slots: 0 for the tile that another began, 1 for the tile that it began and another finishes.
template <int kTiles>
OCTET_DEVICE bool add_blocks(const Product& p, Sums<kTiles>& sums, const WarpPlace& place, int tile, int* shared_flag) {
  const GemmPlan& plan = p.plan;
  const int first_step = (tile - plan.rounds * plan.blocks) * plan.steps;
  const int first = plan.share_owner(first_step), last = plan.share_owner(first_step + plan.steps - 1);
  const int thread = (place.n * plan.row_warps + place.row) * Sums<kTiles>::kPanels * kTiles * kWarp + warp_lane();
  const auto slot = [&](int block) {
    return reinterpret_cast<Vector16*>(p.partial_sums + static_cast<std::size_t>(2 * block + (block == first)) * tile_floats(kTiles)) + thread;
  };
  if (place.k == 0) {
    Vector16* mine = slot(block_x());
    OCTET_UNROLL
    for (int i = 0; i < Sums<kTiles>::kPanels; ++i) {
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) mine[(i * kTiles + j) * kWarp] = as_vector(sums.at[i][j]);
    }
  }
  block_sync();
  if (thread_x() == 0) {
    fence();
    const bool is_last = atomic_add(&p.counters[first], 1) == last - first;
    if (is_last) p.counters[first] = 0;
    fence();
    *shared_flag = is_last;
  }
  block_sync();
  if (*shared_flag == 0) return false;
  if (place.k != 0) return true;
  sums.clear();
  constexpr int kVectors = Sums<kTiles>::kPanels * kTiles, kAtOnce = kVectors < 8 ? 8 / kVectors : 1;  // parts whose loads wait together
  for (int block = first; block <= last; block += kAtOnce) {
    Vector16 part[kAtOnce][kVectors];
    OCTET_UNROLL
    for (int b = 0; b < kAtOnce; ++b) {
      const bool there = block + b <= last;
      const Vector16* from = slot(there ? block + b : last);
      OCTET_UNROLL
      for (int v = 0; v < kVectors; ++v) part[b][v] = there ? load_fresh(&from[v * kWarp]) : Vector16{};
    }
    OCTET_UNROLL
    for (int b = 0; b < kAtOnce; ++b) {
      OCTET_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e) sums.at[v / kTiles][v % kTiles][e] += bits_to_float(part[b][v].word[e]);
      }
    }
  }
  return true;
}

}  // namespace octet::cuda
