// Heads of queries, keys and values: in what order their rows stand in the joint product, how they turn by position, and where a
// pass's rows leave them.
//
// Rotary embedding turns two dimensions of a head at a time. In the joint product a head's dimensions stand in pairs: pair p is rows
// interleaved_row(p, false) and + 8 of the head (weight_layout.h), so that both meet in one thread of a tensor-core tile. Pairs that turn
// come first; the others, and a value's, are neighbours. Heads whose dimensions are no multiple of 16 keep the file's order.
#pragma once

#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/weight_layout.h"

namespace octet::cuda {

struct HeadShape {
  int heads, kv_heads, head_dim;

  OCTET_BOTH bool pairs_rows() const { return head_dim % 16 == 0; }
  OCTET_BOTH int rows() const { return (heads + 2 * kv_heads) * head_dim; }
};

/// Which dimensions of a head make a pair.
struct HeadPairs {
  int turned = 0;       ///< Pairs that turn, of head_dim / 2.
  bool halves = false;  ///< These are (i, i + turned), as in NeoX; else (2 i, 2 i + 1).

  OCTET_BOTH bool apart(int pair) const { return halves && pair < turned; }
  OCTET_BOTH int first(int pair) const { return apart(pair) ? pair : 2 * pair; }
  OCTET_BOTH int second(int pair) const { return apart(pair) ? pair + turned : 2 * pair + 1; }
};

/// The file's row of row `row` of the joint product of queries, keys and values.
OCTET_BOTH int file_row_of(const HeadShape& shape, const HeadPairs& pairs, int row) {
  if (!shape.pairs_rows()) return row;
  const int head = row / shape.head_dim, t = row % shape.head_dim, pair = t / 16 * 8 + t % 8;
  const HeadPairs of_head = head < shape.heads + shape.kv_heads ? pairs : HeadPairs{};
  return head * shape.head_dim + (t % 16 < 8 ? of_head.first(pair) : of_head.second(pair));
}

/// Cosine and sine of a pair's angle, times RopeParameters::magnitude.
struct alignas(8) Turn {
  float cosine, sine;
};

/// What every layer wants to know of a pass's rows, worked out once.
struct RowTable {
  int* cell = nullptr;    ///< [rows] of keys and values; -1: inactive.
  Turn* turns = nullptr;  ///< [rows][HeadPairs::turned]; undefined in inactive rows.
};

/// Where a tensor-core product of queries, keys and values leaves them, or of some of their heads.
struct HeadsOutput {
  HeadShape shape{};
  HeadPairs pairs;
  int first_row = 0;  ///< Of the joint product, a multiple of 16.
  RowTable table;
  Bf16* q = nullptr;     ///< [rows][heads][head_dim], not scaled.
  Bf16* keys = nullptr;  ///< [cells][kv_heads][head_dim]
  Bf16* values = nullptr;
};

/// What a row of such a product is: head and pair, and how the head's pairs stand.
struct HeadRow {
  int head, pair;
  HeadPairs pairs;
};

/// `row` of the product, of the first or the second dimensions of pairs.
OCTET_BOTH HeadRow head_row(const HeadsOutput& out, int row) {
  const int joint = out.first_row + row, head = joint / out.shape.head_dim, t = joint - head * out.shape.head_dim;
  const bool value = head >= out.shape.heads + out.shape.kv_heads;
  return {head, t / 16 * 8 + t % 8, value ? HeadPairs{} : out.pairs};
}

}  // namespace octet::cuda
