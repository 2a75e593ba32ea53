// A warp's part of an attention tile: 16 or 32 query rows against a run of cells in shared memory, by mma.m16n8k16.
//
// Scores of a few cells become weights in registers (the layout of a product's result is that of the next one's left operand),
// with running maximum m and sum s a row (Milakov and Gimelshein, 2018; Dao, "FlashAttention-2", 2023):
//   m' = max(m, scores), acc = acc 2^(m - m') + sum of 2^(score - m') v, s likewise; scores in units of log 2
// A masked score is -inf and m starts finite, so that a row that sees nothing keeps s = 0 and no NaN arises.
//
// Queries, keys and values lie as rows of 16-byte pieces, piece p of row r at p ^ (r % 8): neither asynchronous copies nor
// load_matrices meet a bank twice.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/attention_plan.h"

namespace octet::cuda {

constexpr float kNothingSeen = -3.0e38f;  ///< Maximum of no scores.

template <int kDim>
struct SharedRows {
  static_assert(kDim % 64 == 0);
  static constexpr int kBytes = kDim * 2, kPieces = kDim / 8;

  OCTET_DEVICE static int at(int row, int piece) { return row * kBytes + (piece ^ (row & 7)) * 16; }

  /// For load_matrices: row `row` + `line` (`row` a multiple of 8), piece 2 k + `odd`.
  OCTET_DEVICE static int at(int row, int line, int k, int odd) { return (row + line) * kBytes + ((2 * k) ^ (odd ^ line)) * 16; }
};

/// Thread's place in fragments: rows `group` and `group` + 8 of every 16, columns 2 `pair` and the next of every 8.
OCTET_DEVICE int fragment_group() { return warp_lane() / 4; }
OCTET_DEVICE int fragment_pair() { return warp_lane() % 4; }

template <int kDim, int kRowTiles>
class AttentionRows {
 public:
  float acc[kRowTiles][kDim / 8][4];
  float most[kRowTiles][2], total[kRowTiles][2];  ///< Of rows group and group + 8. `total`: of this thread's columns.
  int seen[kRowTiles][2];                         ///< Last cell of the chunk that the row sees; -1: none.

  OCTET_DEVICE void clear() {
    OCTET_UNROLL
    for (int t = 0; t < kRowTiles; ++t) {
      OCTET_UNROLL
      for (int i = 0; i < kDim / 8; ++i) {
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e) acc[t][i][e] = 0;
      }
      OCTET_UNROLL
      for (int half = 0; half < 2; ++half) most[t][half] = kNothingSeen, total[t][half] = 0;
    }
  }

  /// The last cell that all of the warp's rows see.
  OCTET_DEVICE int all_see() const {
    int least = seen[0][0];
    OCTET_UNROLL
    for (int t = 0; t < kRowTiles; ++t) {
      OCTET_UNROLL
      for (int half = 0; half < 2; ++half) least = seen[t][half] < least ? seen[t][half] : least;
    }
    OCTET_UNROLL
    for (int mask = kWarp / 2; mask > 0; mask /= 2) {
      const int other = shuffle_xor(least, mask);
      least = other < least ? other : least;
    }
    return least;
  }

  /// Queries at `queries`, the shared address of the warp's first row.
  OCTET_DEVICE void hold_queries(const std::byte* queries) {
    if constexpr (kHoldsQueries) {
      OCTET_UNROLL
      for (int t = 0; t < kRowTiles; ++t) {
        OCTET_UNROLL
        for (int k = 0; k < kDim / 16; ++k) load_query(held_[t][k], queries, t, k);
      }
    }
  }

  /// `kCells` cells, the first of which is cell `first` of the chunk and lies at row `row` of the stage.
  template <int kCells>
  OCTET_DEVICE void add_cells(const std::byte* queries, const std::byte* keys, const std::byte* values, int row, int first, bool masked,
                              float scale) {
    float scores[kRowTiles][kCells / 8][4];
    multiply_keys<kCells>(queries, keys, row, scores);
    if (masked) mask<kCells>(first, scores);
    to_weights<kCells>(scale, scores);
    multiply_values<kCells>(values, row, scores);
  }

  /// After all cells: `total` of the whole row, in every thread that has its columns.
  OCTET_DEVICE void add_totals() {
    OCTET_UNROLL
    for (int t = 0; t < kRowTiles; ++t) {
      OCTET_UNROLL
      for (int half = 0; half < 2; ++half) {
        total[t][half] += shuffle_xor(total[t][half], 1);
        total[t][half] += shuffle_xor(total[t][half], 2);
      }
    }
  }

 private:
  using Rows = SharedRows<kDim>;
  static constexpr bool kHoldsQueries = kRowTiles * kDim <= 128;  // in registers, for the whole item

  OCTET_DEVICE static void load_query(std::uint32_t (&a)[4], const std::byte* queries, int t, int k) {
    const int matrix = warp_lane() / 8, line = warp_lane() % 8;
    load_matrices(a, queries + Rows::at(t * 16 + matrix % 2 * 8, line, k, matrix / 2));
  }

  template <int kCells>
  OCTET_DEVICE void multiply_keys(const std::byte* queries, const std::byte* keys, int row, float (&scores)[kRowTiles][kCells / 8][4]) {
    OCTET_UNROLL
    for (int t = 0; t < kRowTiles; ++t) {
      OCTET_UNROLL
      for (int j = 0; j < kCells / 8; ++j) {
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e) scores[t][j][e] = 0;
      }
    }
    const int matrix = warp_lane() / 8, line = warp_lane() % 8;
    OCTET_UNROLL
    for (int k = 0; k < kDim / 16; ++k) {
      std::uint32_t a[kRowTiles][4];
      OCTET_UNROLL
      for (int t = 0; t < kRowTiles; ++t) {
        if constexpr (kHoldsQueries) {
          OCTET_UNROLL
          for (int i = 0; i < 4; ++i) a[t][i] = held_[t][k][i];
        } else {
          load_query(a[t], queries, t, k);
        }
      }
      OCTET_UNROLL
      for (int j = 0; j < kCells / 16; ++j) {
        std::uint32_t b[4];
        load_matrices(b, keys + Rows::at(row + j * 16 + matrix / 2 * 8, line, k, matrix % 2));
        const std::uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
        OCTET_UNROLL
        for (int t = 0; t < kRowTiles; ++t) {
          mma_bf16(scores[t][2 * j], a[t], first);
          mma_bf16(scores[t][2 * j + 1], a[t], second);
        }
      }
    }
  }

  template <int kCells>
  OCTET_DEVICE void mask(int first, float (&scores)[kRowTiles][kCells / 8][4]) const {
    const float unseen = bits_to_float(0xff800000u);
    OCTET_UNROLL
    for (int t = 0; t < kRowTiles; ++t) {
      OCTET_UNROLL
      for (int j = 0; j < kCells / 8; ++j) {
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e)
          if (first + j * 8 + 2 * fragment_pair() + e % 2 > seen[t][e / 2]) scores[t][j][e] = unseen;
      }
    }
  }

  template <int kCells>
  OCTET_DEVICE void to_weights(float scale, float (&scores)[kRowTiles][kCells / 8][4]) {
    float keep[kRowTiles][2];
    bool higher = false;  // than something seen before: until then the sums are zeros
    OCTET_UNROLL
    for (int t = 0; t < kRowTiles; ++t) {
      OCTET_UNROLL
      for (int half = 0; half < 2; ++half) {
        float high = scores[t][0][2 * half];
        OCTET_UNROLL
        for (int j = 0; j < kCells / 8; ++j) {
          OCTET_UNROLL
          for (int e = 2 * half; e < 2 * half + 2; ++e) high = scores[t][j][e] > high ? scores[t][j][e] : high;
        }
        OCTET_UNROLL
        for (int exchange = 1; exchange <= 2; ++exchange) {
          const float other = shuffle_xor(high, exchange);
          high = other > high ? other : high;
        }
        const float before = most[t][half], now = high * scale > before ? high * scale : before;
        keep[t][half] = exp2_of(before - now);
        higher = higher || (now > before && before > kNothingSeen);
        float sum = 0;
        OCTET_UNROLL
        for (int j = 0; j < kCells / 8; ++j) {
          OCTET_UNROLL
          for (int e = 2 * half; e < 2 * half + 2; ++e) {
            scores[t][j][e] = exp2_of(fma_of(scores[t][j][e], scale, -now));
            sum += scores[t][j][e];
          }
        }
        total[t][half] = total[t][half] * keep[t][half] + sum;
        most[t][half] = now;
      }
    }
    if (ballot(higher) == 0) return;  // every factor is 1
    OCTET_UNROLL
    for (int t = 0; t < kRowTiles; ++t) {
      OCTET_UNROLL
      for (int i = 0; i < kDim / 8; ++i) {
        OCTET_UNROLL
        for (int e = 0; e < 4; ++e) acc[t][i][e] *= keep[t][e / 2];
      }
    }
  }

  template <int kCells>
  OCTET_DEVICE void multiply_values(const std::byte* values, int row, const float (&weights)[kRowTiles][kCells / 8][4]) {
    const int matrix = warp_lane() / 8, line = warp_lane() % 8;
    OCTET_UNROLL
    for (int j = 0; j < kCells / 16; ++j) {
      std::uint32_t a[kRowTiles][4];
      OCTET_UNROLL
      for (int t = 0; t < kRowTiles; ++t) {
        OCTET_UNROLL
        for (int i = 0; i < 4; ++i) a[t][i] = pack_bf16(weights[t][2 * j + i / 2][i % 2 * 2], weights[t][2 * j + i / 2][i % 2 * 2 + 1]);
      }
      OCTET_UNROLL
      for (int d = 0; d < kDim / 16; ++d) {
        std::uint32_t b[4];
        load_matrices_transposed(b, values + Rows::at(row + j * 16 + matrix % 2 * 8, line, d, matrix / 2));
        const std::uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
        OCTET_UNROLL
        for (int t = 0; t < kRowTiles; ++t) {
          mma_bf16(acc[t][2 * d], a[t], first);
          mma_bf16(acc[t][2 * d + 1], a[t], second);
        }
      }
    }
  }

  std::uint32_t held_[kRowTiles][kHoldsQueries ? kDim / 16 : 1][4];
};

}  // namespace octet::cuda
