// Which cells of the KV cache belong to whom: contiguous regions, first fit. Knows nothing of devices.
#pragma once

#include <map>
#include <optional>

namespace octet::cuda {

struct Region {
  int start = 0, length = 0;
  int end() const { return start + length; }
};

class Cells {
 public:
  explicit Cells(int count) : count_(count) {}

  int count() const { return count_; }
  int used() const { return used_; }

  /// The first gap that holds `length` cells (at least one); none if there is no such gap.
  std::optional<Region> take(int length);

  /// Grows a taken region to `length` cells without moving it; false (nothing changes) if others are in the way.
  bool grow(Region& region, int length);

  /// Gives the cells behind the first `length` back; all of them for 0.
  void shrink(Region& region, int length);

 private:
  int count_, used_ = 0;
  std::map<int, int> taken_;  // start to length
};

}  // namespace octet::cuda
