// Where the tokens of a batch lie: device arrays that every kernel of a forward pass reads. All lengths and positions are
// data, never launch dimensions, so that one recorded graph serves every ragged batch of its shape.
//
// The KV cache of a layer is [cells][kv_heads][head_dim] for keys and the same for values. A lane sees its prompt's
// cells (shared with other lanes, positions 0 .. prompt_length - 1) and then its own tail:
//   cell(position) = position < prompt_length ? prompt_start + position : tail_start + position - prompt_length
// A prompt being computed is a lane of its own with prompt_length = 0 and tail_start = its region.
#pragma once

#include "runtimes/cuda/device/keywords.h"

namespace octet::cuda {

constexpr int kMaxSlots = 17;  ///< kMaxLanes lanes and one prompt under way (the last).

/// A lane's place in the cache, indexed by slot.
struct Place {
  int prompt_start;
  int prompt_length;
  int tail_start;
};

OCTET_BOTH int cell_of(const Place& place, int position) {
  return position < place.prompt_length ? place.prompt_start + position : place.tail_start + position - place.prompt_length;
}

/// One forward pass over `lanes * rows_per_lane` rows; row i * rows_per_lane + j is row j of the i-th lane of the batch.
/// Lanes of one prompt stand side by side. An inactive row (position -1) is computed but neither written to the cache,
/// nor attends (its attention output is 0); its logits mean nothing. Active rows of a lane stand together, positions
/// ascending by one; inactive ones may stand before and behind them.
struct Batch {
  int lanes;
  int rows_per_lane;
  const int* slot;       ///< [lanes] slot of the i-th lane of the batch, or -1: all its rows are inactive.
  const int* token;      ///< [lanes * rows_per_lane] token ids; anything valid in inactive rows.
  const int* position;   ///< [lanes * rows_per_lane] position in the lane, or -1 = inactive.
  const Place* place;    ///< [kMaxSlots] by slot.

  OCTET_BOTH int rows() const { return lanes * rows_per_lane; }
};

/// Element type of activations and of the KV cache. kBf16: tensor cores, float32 sums, residual stream in float32.
/// kFloat32: everything in float32 without tensor cores; exact enough to compare tokens with another engine.
enum class Precision { kBf16, kFloat32 };

}  // namespace octet::cuda
