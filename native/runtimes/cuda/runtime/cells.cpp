#include "runtimes/cuda/runtime/cells.h"

#include <stdexcept>

namespace octet::cuda {

std::optional<Region> Cells::take(int length) {
  if (length < 1) throw std::logic_error("a region has at least one cell");
  int gap = 0;
  for (const auto& [start, taken] : taken_) {
    if (start - gap >= length) break;
    gap = start + taken;
  }
  if (count_ - gap < length) return std::nullopt;
  taken_.emplace(gap, length);
  used_ += length;
  return Region{gap, length};
}

bool Cells::grow(Region& region, int length) {
  const auto at = taken_.find(region.start);
  if (at == taken_.end()) throw std::logic_error("not a taken region");
  const auto next = std::next(at);
  const int limit = next == taken_.end() ? count_ : next->first;
  if (length < region.length || region.start + length > limit) return false;
  used_ += length - region.length;
  at->second = region.length = length;
  return true;
}

void Cells::shrink(Region& region, int length) {
  const auto at = taken_.find(region.start);
  if (at == taken_.end() || length > region.length) throw std::logic_error("not a taken region");
  used_ -= region.length - length;
  at->second = region.length = length;
  if (length == 0) taken_.erase(at);
}

}  // namespace octet::cuda
