// What the kernels of attention are given, and where they find or leave partial results.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/attention_plan.h"

namespace octet::cuda {

struct AttentionCall {
  AttentionPlan plan;
  int most_items, group, most_parts, lanes, rows_per_lane, heads, kv_heads;
  const Bf16 *q, *keys, *values;
  float scale;      // of scores, in units of log 2
  Vector8* scales;  // [rows][heads][most_parts]: m and s, two floats
  float* sums;      // [rows][heads][most_parts][head_dim]
  Bf16* out;
  int* given;       // [lanes][kv_heads] parts that are there, 0 between launches; null: a launch of its own merges
};

/// Where the results of a query go.
struct AttentionTarget {
  int row, head, parts;

  OCTET_DEVICE AttentionTarget(const AttentionCall& call, int query)
      : row(query / call.group), head(block_y() * call.group + query % call.group), parts(call.plan.parts[row / call.rows_per_lane]) {}

  OCTET_DEVICE std::size_t index(const AttentionCall& call) const { return static_cast<std::size_t>(row) * call.heads + head; }
  OCTET_DEVICE std::size_t part(const AttentionCall& call, int part) const { return index(call) * call.most_parts + part; }

  OCTET_DEVICE void put_scales(const AttentionCall& call, int part_index, float most, float total) const {
    if (parts > 1) call.scales[part(call, part_index)] = {{float_to_bits(most), float_to_bits(total)}};
  }

  /// Two columns from `column` on.
  template <int kDim>
  OCTET_DEVICE void put(const AttentionCall& call, int part_index, float total, int column, float x, float y) const {
    if (parts == 1) {
      auto* to = reinterpret_cast<std::uint32_t*>(call.out + index(call) * kDim + column);
      *to = total == 0 ? 0u : pack_bf16(x / total, y / total);
    } else if (parts > 1 && total != 0) {
      *reinterpret_cast<Vector8*>(call.sums + part(call, part_index) * kDim + column) = {{float_to_bits(x), float_to_bits(y)}};
    }
  }

  /// Four columns from `column` on, a multiple of 4.
  template <int kDim>
  OCTET_DEVICE void put_four(const AttentionCall& call, int part_index, float total, int column, const float (&x)[4]) const {
    if (parts == 1) {
      auto* to = reinterpret_cast<Vector8*>(call.out + index(call) * kDim + column);
      *to = total == 0 ? Vector8{} : Vector8{{pack_bf16(x[0] / total, x[1] / total), pack_bf16(x[2] / total, x[3] / total)}};
    } else if (parts > 1 && total != 0) {
      *reinterpret_cast<Vector16*>(call.sums + part(call, part_index) * kDim + column) = {
          {float_to_bits(x[0]), float_to_bits(x[1]), float_to_bits(x[2]), float_to_bits(x[3])}};
    }
  }
};

/// The second launch, where the last block does not merge: rows of more than one part, and zeros for inactive lanes.
void merge_attention(Stream& stream, const AttentionCall& call, int rows, int head_dim);

}  // namespace octet::cuda
