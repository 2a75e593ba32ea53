// What becomes of an output tile's finished sums (Epilogue in gemm.h): scaled by the norm of x, then stored, added, gated or turned. Where
// values are read before they are written, a panel's reads all come first, so that they wait for memory together.
#pragma once

#include "runtimes/cuda/kernels/gemm_epilogue.cuh"
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
OCTET_DEVICE void put_heads(const Product& p, Sums<kTiles>& sums, const SumsPlace<kTiles>& at) {
  const HeadsOutput& out = p.heads;
  const auto [heads, kv_heads, dim] = out.shape;
  OCTET_UNROLL
  for (int i = 0; i < Sums<kTiles>::kPanels; ++i) {
    const int row = at.row(i), joint = out.first_row + row, head = joint / dim, t = joint - head * dim;
    if (row >= p.weights.rows) continue;
    const bool query = head < heads, value = head >= heads + kv_heads;
    const HeadPairs pairs = value ? HeadPairs{} : out.pairs;
    const int pair = t / 16 * 8 + t % 8;
    const float first_bias = p.bias ? p.bias[row] : 0.0f, second_bias = p.bias ? p.bias[row + 8] : 0.0f;
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      OCTET_UNROLL
      for (int odd = 0; odd < 2; ++odd) {
        float &first = sums.at[i][j][odd], &second = sums.at[i][j][2 + odd];
        first += first_bias, second += second_bias;
        if (pair >= pairs.turned || at.n(j, odd) >= p.n) continue;
        const Turn turn = out.table.turns[static_cast<std::size_t>(at.n(j, odd)) * pairs.turned + pair];
        const float x = first, y = second;
        first = x * turn.cosine - y * turn.sine;
        second = x * turn.sine + y * turn.cosine;
      }
    }
    int cell[kTiles][2];
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      OCTET_UNROLL
      for (int odd = 0; odd < 2; ++odd) cell[j][odd] = at.n(j, odd) < p.n ? out.table.cell[at.n(j, odd)] : -1;
    }
    const int plane = query ? head : value ? head - heads - kv_heads : head - heads, stride = (query ? heads : kv_heads) * dim;
    Bf16* const to = (query ? out.q : value ? out.values : out.keys) + plane * dim + pairs.first(pair);
    OCTET_UNROLL
    for (int j = 0; j < kTiles; ++j) {
      OCTET_UNROLL
      for (int odd = 0; odd < 2; ++odd) {
        if (cell[j][odd] < 0) continue;
        Bf16* const line = to + static_cast<std::size_t>(query ? at.n(j, odd) : cell[j][odd]) * stride;
        const float first = sums.at[i][j][odd], second = sums.at[i][j][2 + odd];
        if (pairs.apart(pair)) line[0] = to_bf16(first), line[pairs.turned] = to_bf16(second);
        else *reinterpret_cast<std::uint32_t*>(line) = pack_bf16(first, second);
      }
    }
  }
}

/// kStore, and kAdd, which leaves what it stores in `sums`.
template <int kTiles>
OCTET_DEVICE void put_sums(const Product& p, Sums<kTiles>& sums, const SumsPlace<kTiles>& at) {
  auto* const y = static_cast<float*>(p.y);
  OCTET_UNROLL
  for (int i = 0; i < Sums<kTiles>::kPanels; ++i) {
    OCTET_UNROLL
    for (int lower = 0; lower < 2; ++lower) {
      const int row = at.row(i) + lower * 8;
      if (row >= p.weights.rows) continue;
      const float bias = p.bias ? p.bias[row] : 0.0f;
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) {
        OCTET_UNROLL
        for (int odd = 0; odd < 2; ++odd) {
          float& sum = sums.at[i][j][2 * lower + odd];
          sum += bias;
          if (p.epilogue == Epilogue::kAdd && at.n(j, odd) < p.n) sum += y[static_cast<std::size_t>(at.n(j, odd)) * p.y_stride + row];
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

/// The next norm's h and squares, of the stored sums. A warp's rows are a part of a group: its squares meet the other parts' in `free`,
/// shared memory that nobody uses now.
template <int kTiles>
OCTET_DEVICE void put_next_norm(const Product& p, const Sums<kTiles>& sums, const WarpPlace& place, const SumsPlace<kTiles>& at, int tile,
                                std::byte* free) {
  constexpr int kPanels = Sums<kTiles>::kPanels, kParts = kNormGroup / (16 * kPanels);
  const GemmPlan& plan = p.plan;
  auto* const parts = reinterpret_cast<float*>(free);  // [warp of rows][n of the block]
  block_sync();
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
        const float weight = p.next.weight[row];
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
      if (at.lane % 16 < 4) parts[place.row * plan.block_n() + n] = x;
    }
  }
  block_sync();
  const int groups = plan.block_rows() / kNormGroup, first_group = tile / plan.tiles_across * groups, width = p.weights.rows / kNormGroup;
  const int n = tile % plan.tiles_across * plan.block_n() + at.thread;
  if (at.thread >= plan.block_n() || n >= p.n) return;
  for (int group = 0; group < groups && first_group + group < width; ++group) {
    float total = 0;
    OCTET_UNROLL
    for (int part = 0; part < kParts; ++part) total += parts[(group * kParts + part) * plan.block_n() + at.thread];
    p.next.squares[static_cast<std::size_t>(n) * width + first_group + group] = total;
  }
}

/// The epilogue of a finished tile, by the whole block. `free` is shared memory that nobody uses after the next barrier.
template <int kTiles>
OCTET_DEVICE void put_tile(const Product& p, Sums<kTiles>& sums, const WarpPlace& place, int tile, const float* factors, std::byte* free) {
  const SumsPlace<kTiles> at(p.plan, place, tile);
  if (place.k == 0) {
    if (p.norm.squares) scale(p, sums, at, factors);
    if (p.epilogue == Epilogue::kSwiGlu) put_gated(p, sums, at);
    else if (p.epilogue == Epilogue::kHeads) put_heads(p, sums, at);
    else put_sums(p, sums, at);
  }
  if (p.next.weight) put_next_norm(p, sums, place, at, tile, free);
}

}  // namespace octet::cuda
