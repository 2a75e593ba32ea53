// A draw by inverse CDF over many small non-negative masses: a sum by blocks, then one by one within a block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "engine/row_kernels.h"

namespace octet {

/// The first index whose running sum exceeds u times the total, u in [0, 1); none if the total is 0.
/// block_sum(first, n): the float64 sum of mass(first) ... mass(first + n - 1). Never returns an index of mass 0.
template <class BlockSum, class Mass>
std::optional<std::size_t> draw_by_blocks(std::size_t count, float u, BlockSum block_sum, Mass mass) {
  const auto length = [&](std::size_t first) { return std::min(kRowBlock, count - first); };
  double total = 0;
  for (std::size_t first = 0; first < count; first += kRowBlock) total += block_sum(first, length(first));
  const double target = total * u;
  double before = 0;
  for (std::size_t first = 0; first < count; first += kRowBlock) {
    const double after = before + block_sum(first, length(first));
    if (after > target) {
      // Within the block the order of additions differs, so the sum may fall short of `after` by rounding.
      std::size_t drawn = count;
      for (std::size_t i = first; i < first + length(first); ++i) {
        if (mass(i) == 0) continue;
        drawn = i;
        before += mass(i);
        if (before > target) break;
      }
      return drawn;
    }
    before = after;
  }
  return std::nullopt;
}

}  // namespace octet
