// What becomes of an output tile's finished sums (Epilogue in gemm.h): scaled by the norm of x, then stored, added, gated or turned. Where
// values are read before they are written, a panel's reads all come first, so that they wait for memory together.
#pragma once

#include "runtimes/cuda/kernels/gemm_epilogue.cuh"
#include "runtimes/cuda/kernels/gemm_early.cuh"
#include "runtimes/cuda/kernels/gemm_sums.cuh"

namespace octet::cuda {

template <int kTiles>
OCTET_DEVICE void scale(const Product& p, Sums<kTiles>& sums, const SumsPlace<kTiles>& at, const float* factors) {
  OCTET_UNROLL
  for (int j = 0; j < kTiles; ++j) {
    OCTET_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const float factor = at.n(j, odd) < p.n ? factors[at.n(j, odd)] : 0.0f;
      OCTET_UNROLL
      for (int i = 0; i < Sums<kTiles>::kPanels; ++i) {
        sums.at[i][j][odd] *= factor;
        sums.at[i][j][2 + odd] *= factor;
      }
    }
  }
}

template <int kTiles>
OCTET_DEVICE void put_gated(const Product& p, const Sums<kTiles>& sums, const SumsPlace<kTiles>& at) {
  OCTET_UNROLL
  for (int i = 0; i < Sums<kTiles>::kPanels; ++i) {
    const int output = at.row(i) / 16 * 8 + at.lane / 4;
    if (output >= p.weights.rows / 2) continue;
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      OCTET_UNROLL
      for (int odd = 0; odd < 2; ++odd)
        if (at.n(j, odd) < p.n)
          static_cast<Bf16*>(p.y)[static_cast<std::size_t>(at.n(j, odd)) * p.y_stride + output] = to_bf16(gated(sums.at[i][j][odd], sums.at[i][j][2 + odd]));
    }
  }
}

/// kHeads: a panel is 8 pairs of one head.
template <int kTiles>
OCTET_DEVICE void put_heads(const Product& p, Sums<kTiles>& sums, const SumsPlace<kTiles>& at, const Early& early) {
  const HeadsOutput& out = p.heads;
  OCTET_UNROLL
  for (int i = 0; i < Sums<kTiles>::kPanels; ++i) {
    const int row = at.row(i);
    if (row >= p.weights.rows) continue;
    const HeadRow of = head_row(out, row);
    const float first_bias = early ? early.number(kEarlyBias<kTiles>) : p.bias ? p.bias[row] : 0.0f;
    const float second_bias = early ? early.number(kEarlyBias<kTiles> + 1) : p.bias ? p.bias[row + 8] : 0.0f;
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      OCTET_UNROLL
      for (int odd = 0; odd < 2; ++odd) {
        float &first = sums.at[i][j][odd], &second = sums.at[i][j][2 + odd];
        first += first_bias, second += second_bias;
        if (of.pair >= of.pairs.turned || at.n(j, odd) >= p.n) continue;
        const int word = 2 * kTiles + 4 * j + 2 * odd;
        const Turn turn = early ? Turn{early.number(word), early.number(word + 1)}
                                : out.table.turns[static_cast<std::size_t>(at.n(j, odd)) * of.pairs.turned + of.pair];
        const float x = first, y = second;
        first = x * turn.cosine - y * turn.sine;
        second = x * turn.sine + y * turn.cosine;
      }
    }
    int cell[kTiles][2];
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      OCTET_UNROLL
      for (int odd = 0; odd < 2; ++odd)
        cell[j][odd] = early ? static_cast<int>(early.word(2 * j + odd)) : at.n(j, odd) < p.n ? out.table.cell[at.n(j, odd)] : -1;
    }
    const auto [heads, kv_heads, dim] = out.shape;
    const bool query = of.head < heads, value = of.head >= heads + kv_heads;
    const int plane = query ? of.head : value ? of.head - heads - kv_heads : of.head - heads, stride = (query ? heads : kv_heads) * dim;
    Bf16* const to = (query ? out.q : value ? out.values : out.keys) + plane * dim + of.pairs.first(of.pair);
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      OCTET_UNROLL
      for (int odd = 0; odd < 2; ++odd) {
        if (cell[j][odd] < 0) continue;
        Bf16* const line = to + static_cast<std::size_t>(query ? at.n(j, odd) : cell[j][odd]) * stride;
        const float first = sums.at[i][j][odd], second = sums.at[i][j][2 + odd];
        if (of.pairs.apart(of.pair)) line[0] = to_bf16(first), line[of.pairs.turned] = to_bf16(second);
        else *reinterpret_cast<std::uint32_t*>(line) = pack_bf16(first, second);
      }
    }
  }
}

/// kStore, and kAdd, which leaves what it stores in `sums`.
template <int kTiles>
OCTET_DEVICE void put_sums(const Product& p, Sums<kTiles>& sums, const SumsPlace<kTiles>& at, const Early& early) {
  auto* const y = static_cast<float*>(p.y);
  OCTET_UNROLL
  for (int i = 0; i < Sums<kTiles>::kPanels; ++i) {
    OCTET_UNROLL
    for (int lower = 0; lower < 2; ++lower) {
      const int row = at.row(i) + lower * 8;
      if (row >= p.weights.rows) continue;
      const float bias = early ? early.number(kEarlyBias<kTiles> + lower) : p.bias ? p.bias[row] : 0.0f;
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) {
        OCTET_UNROLL
        for (int odd = 0; odd < 2; ++odd) {
          float& sum = sums.at[i][j][2 * lower + odd];
          sum += bias;
          if (p.epilogue == Epilogue::kAdd && at.n(j, odd) < p.n)
            sum += early ? early.number(4 * j + 2 * lower + odd) : y[static_cast<std::size_t>(at.n(j, odd)) * p.y_stride + row];
        }
      }
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) {
        OCTET_UNROLL
        for (int odd = 0; odd < 2; ++odd)
          if (at.n(j, odd) < p.n) y[static_cast<std::size_t>(at.n(j, odd)) * p.y_stride + row] = sums.at[i][j][2 * lower + odd];
      }
    }
  }
}

/// Of a and b, summed over two lanes that differ in `mask`: a in the lane without it, b in the other.
OCTET_DEVICE float sum_halves(float a, float b, int lane, int mask) {
  const bool upper = (lane & mask) != 0;
  return (upper ? b : a) + shuffle_xor(upper ? a : b, mask);
}

/// The next norm's h and squares, of the stored sums. A warp's rows are a group or a part of one: then its squares meet the other parts' in
/// `free`, shared memory that nobody uses after a barrier.
template <int kTiles>
OCTET_DEVICE void put_next_norm(const Product& p, const Sums<kTiles>& sums, const WarpPlace& place, const SumsPlace<kTiles>& at, int tile,
                                const Early& early, std::byte* free) {
  constexpr int kPanels = Sums<kTiles>::kPanels;
  const int of_group = p.next.group / (16 * kPanels), width = p.weights.rows / p.next.group;  // parts; groups of a row
  const GemmPlan& plan = p.plan;
  auto* const parts = reinterpret_cast<float*>(free);  // [warp of rows][n of the block]
  if (of_group > 1) block_sync();
  if (place.k == 0) {
    float squares[kTiles][2];
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) squares[j][0] = squares[j][1] = 0;
    OCTET_UNROLL
    for (int i = 0; i < kPanels; ++i) {
      OCTET_UNROLL
      for (int lower = 0; lower < 2; ++lower) {
        const int row = at.row(i) + lower * 8;
        if (row >= p.weights.rows) continue;
        const float weight = early ? early.number(kEarlyNext<kTiles> + lower) : p.next.weight[row];
        OCTET_UNROLL
        for (int j = 0; j < kTiles; ++j) {
          OCTET_UNROLL
          for (int odd = 0; odd < 2; ++odd) {
            const float sum = sums.at[i][j][2 * lower + odd];
            squares[j][odd] += sum * sum;
            if (at.n(j, odd) < p.n) p.next.h[static_cast<std::size_t>(at.n(j, odd)) * p.weights.rows + row] = to_bf16(sum * weight);
          }
        }
      }
    }
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      float x = sum_halves(squares[j][0], squares[j][1], at.lane, 16);
      x += shuffle_xor(x, 8);
      x += shuffle_xor(x, 4);
      const int n = (place.n * kTiles + j) * 8 + at.lane % 4 * 2 + at.lane / 16;
      const int row = tile % plan.tiles_across * plan.block_n() + n, group = tile / plan.tiles_across * plan.row_warps + place.row;
      if (at.lane % 16 < 4 && of_group > 1) parts[place.row * plan.block_n() + n] = x;
      if (at.lane % 16 < 4 && of_group == 1 && row < p.n && group < width) p.next.squares[static_cast<std::size_t>(row) * width + group] = x;
    }
  }
  if (of_group == 1) return;
  block_sync();
  const int groups = plan.block_rows() / p.next.group, first_group = tile / plan.tiles_across * groups;
  const int n = tile % plan.tiles_across * plan.block_n() + at.thread;
  if (at.thread >= plan.block_n() || n >= p.n) return;
  for (int group = 0; group < groups && first_group + group < width; ++group) {
    float total = 0;
    for (int part = 0; part < of_group; ++part) total += parts[(group * of_group + part) * plan.block_n() + at.thread];
    p.next.squares[static_cast<std::size_t>(n) * width + first_group + group] = total;
  }
}

/// The epilogue of a finished tile, by the whole block. `free` is shared memory that nobody uses after the next barrier.
template <int kTiles>
OCTET_DEVICE void put_tile(const Product& p, Sums<kTiles>& sums, const WarpPlace& place, int tile, const float* factors, const Early& early,
                           std::byte* free) {
  const SumsPlace<kTiles> at(p.plan, place, tile);
  if (place.k == 0) {
    if (p.norm.squares) scale(p, sums, at, factors);
    if (p.epilogue == Epilogue::kSwiGlu) put_gated(p, sums, at);
    else if (p.epilogue == Epilogue::kHeads) put_heads(p, sums, at, early);
    else put_sums(p, sums, at, early);
  }
  if (p.next.weight) put_next_norm(p, sums, place, at, tile, early, free);
}

}  // namespace octet::cuda
