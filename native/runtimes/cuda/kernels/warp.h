// From rows of logits on the device to the distributions tokens are drawn from, without a sort: the engine's warping
// (engine/distribution.h) in two launches over (slice of a row, row). What is kept is always a prefix of one order, logit
// descending and token ascending, so a distribution is its last place and a factor; probabilities are functions of the logits
// (kernels/warped_row.cuh) and are stored nowhere. Results do not depend on the order of blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtimes/cuda/device/stream.h"
#include "runtimes/runtime.h"

namespace octet::cuda {

constexpr int kSliceTokens = 4096;  ///< Of a row, one block each.

/// Sampling as kernels want it: in range, exponentials to base 2.
struct Warping {
  float scale = 1;        ///< log2(e) / temperature.
  float top_p = 1;
  double min_p_offset;    ///< temperature * log(min_p): from the largest logit to the least that is kept.
  int top_k = 0;          ///< 0: all.
  bool greedy = false;
};

/// `vocabulary`: length of a row.
Warping warping_of(const Sampling& sampling, int vocabulary);

/// A row's distribution: weight 2^((logit - max) scale) for tokens not behind the last place, times inverse_mass.
struct WarpedRow {
  float max = 0, scale = 1, inverse_mass = 0;
  float last_logit = 0;
  int last_token = -1;
  float log_sum_exp = 0;  ///< Of all logits, unwarped (temperature 1); only where asked for.
};

/// What the two launches leave each other. One call uses it at a time; between calls its counters are 0.
class WarpScratch {
 public:
  WarpScratch(int rows, int vocabulary);
  static std::size_t bytes(int rows, int vocabulary);

  struct Slice;       ///< What a block found in its slice.
  struct Search;      ///< Where in a row the last place is to be sought.
  struct View {
    int rows, slices, candidates_a_row;
    Slice* slice;             ///< [rows][slices]
    std::uint32_t* mass;      ///< [rows][slices][kDepthBins]
    std::uint32_t* count;     ///< likewise
    Search* search;           ///< [rows]
    std::uint64_t* candidate; ///< [rows][candidates_a_row] tokens there: the logit's bits, and above them the token
    int* listed;              ///< [rows] candidates, beyond candidates_a_row where the list does not hold them
    int* arrived;             ///< [rows] blocks of the launch under way
  };
  const View& view() const { return view_; }

 private:
  DeviceArray<std::byte> memory_;
  View view_;
};

/// Rows to warp, and what comes of them. All pointers are to device memory.
struct WarpRows {
  int rows = 0, vocabulary = 0;
  const float* logits = nullptr;      ///< [rows][stride]; -inf is probability 0
  std::ptrdiff_t stride = 0;
  const int* which = nullptr;         ///< [rows] index into `warping`, or -1: the row is passed over.
  const Warping* warping = nullptr;
  WarpedRow* warped = nullptr;        ///< [rows]
  bool log_sum_exp = false;
  int* bad_logits = nullptr;          ///< Set to 1 where a row has a NaN, +inf or no finite logit; such a row keeps nothing.

  /// Where not null, a token of every row is drawn: in token order the first whose running sum exceeds u times the total;
  /// token 0 of a bad row.
  const float* uniform = nullptr;     ///< [rows] u in [0, 1), multiples of 2^-24.
  Token* drawn = nullptr;             ///< [rows]
  Token* drawn_too = nullptr;         ///< [rows] or null: a second place, `too_stride` apart.
  int too_stride = 1;
};

/// At most as many rows as the scratch has.
void warp_rows(Stream& stream, const WarpScratch& scratch, const WarpRows& call);

}  // namespace octet::cuda
