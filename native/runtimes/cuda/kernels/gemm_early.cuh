// What an epilogue reads beside the finished sums: y, bias, the next norm's weights, cells and turns of a pass's rows. With up to 8 rows of x and all
// but a few warps dividing the columns there is little of it, and a block reads that of its first tile at the start, where it waits for x
// anyway, into shared memory: a trip to the second-level cache or two less behind the last product. Every thread takes up what it put down
// itself. y may be read so early although another block may finish the tile: that one writes when all have given their parts.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/gemm_sums.cuh"

namespace octet::cuda {

/// Which of W's and of x's rows a thread's sums belong to: at[i][j][odd] to row(i) and n(j, odd), at[i][j][2 + odd] to row(i) + 8.
template <int kTiles>
struct SumsPlace {
  int thread, lane, first_row, first_n;
  OCTET_DEVICE SumsPlace(const GemmPlan& plan, const WarpPlace& place, int tile)
      : thread(thread_x_here()), lane(thread % kWarp),
        first_row((tile / plan.tiles_across * plan.row_warps + place.row) * Sums<kTiles>::kPanels * 16 + lane / 4),
        first_n((tile % plan.tiles_across * plan.n_warps + place.n) * kTiles * 8 + lane % 4 * 2) {}
  OCTET_DEVICE int row(int panel) const { return first_row + panel * 16; }
  OCTET_DEVICE int n(int j, int odd) const { return first_n + j * 8 + odd; }
};

/// A thread's words, `stride` apart: [4 kTiles] of y as its sums are, or [2 kTiles] cells and [2 kTiles] turns; two of bias; two of the next norm's
/// weights. Not there where the epilogue is to read for itself.
struct Early {
  const std::uint32_t* words;
  int stride;
  bool there;

  OCTET_DEVICE explicit operator bool() const { return there; }
  OCTET_DEVICE std::uint32_t word(int i) const { return load_shared(words + i * stride); }
  OCTET_DEVICE float number(int i) const { return bits_to_float(word(i)); }
};

template <int kTiles>
constexpr int kEarlyBias = 6 * kTiles;
template <int kTiles>
constexpr int kEarlyNext = kEarlyBias<kTiles> + 2;

template <int kTiles>
OCTET_DEVICE Early early_of(const GemmPlan& plan, const WarpPlace& place, bool first_tile, const std::uint32_t* early) {
  const bool there = kTiles == 1 && plan.reads_early() && first_tile;
  return {early + place.row * kWarp + warp_lane(), plan.row_warps * kWarp, there};
}

/// By the warps that will have the tile's sums.
template <int kTiles>
OCTET_DEVICE void read_early(const Product& p, const WarpPlace& place, int tile, std::uint32_t* early) {
  if (place.k != 0) return;
  const SumsPlace<kTiles> at(p.plan, place, tile);
  const int row = at.row(0), stride = p.plan.row_warps * kWarp;
  std::uint32_t* const to = early + place.row * kWarp + at.lane;
  float rows[4] = {};  // bias, next norm
  OCTET_UNROLL
  for (int lower = 0; lower < 2; ++lower) {
    const int r = row + lower * 8;
    if (r >= p.weights.rows) continue;
    if (p.bias) rows[lower] = p.bias[r];
    if (p.next.weight) rows[2 + lower] = p.next.weight[r];
  }
  if (p.epilogue == Epilogue::kAdd) {
    float words[4 * kTiles];
    OCTET_UNROLL
    for (int e = 0; e < 4 * kTiles; ++e) {
      const int n = at.n(e / 4, e % 2), r = row + e % 4 / 2 * 8;
      words[e] = n < p.n && r < p.weights.rows ? static_cast<const float*>(p.y)[static_cast<std::size_t>(n) * p.y_stride + r] : 0;
    }
    OCTET_UNROLL
    for (int e = 0; e < 4 * kTiles; ++e) to[e * stride] = float_to_bits(words[e]);
  } else if (p.epilogue == Epilogue::kHeads && row < p.weights.rows) {
    const HeadRow of = head_row(p.heads, row);
    int cell[2 * kTiles];
    Turn turn[2 * kTiles];
    OCTET_UNROLL
    for (int i = 0; i < 2 * kTiles; ++i) {
      const int n = at.n(i / 2, i % 2);
      cell[i] = n < p.n ? p.heads.table.cell[n] : -1;
      turn[i] = n < p.n && of.pair < of.pairs.turned ? p.heads.table.turns[static_cast<std::size_t>(n) * of.pairs.turned + of.pair] : Turn{};
    }
    OCTET_UNROLL
    for (int i = 0; i < 2 * kTiles; ++i) {
      to[i * stride] = static_cast<std::uint32_t>(cell[i]);
      to[(2 * kTiles + 2 * i) * stride] = float_to_bits(turn[i].cosine);
      to[(2 * kTiles + 2 * i + 1) * stride] = float_to_bits(turn[i].sine);
    }
  }
  OCTET_UNROLL
  for (int i = 0; i < 4; ++i) to[(kEarlyBias<kTiles> + i) * stride] = float_to_bits(rows[i]);
}

}  // namespace octet::cuda
