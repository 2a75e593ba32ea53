// The addresses that a kernel may touch as global memory: device allocations and pinned host memory, all real host addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace octet::ptx {

class Memory {
 public:
  struct Range {
    std::uintptr_t begin, end;
    std::string what;  ///< For the text of a fault.
  };

  /// Throws std::invalid_argument where the range overlaps one that is there. `bytes` may be 0.
  void add(const void* p, std::size_t bytes, std::string what);
  /// The range that begins at `p`. Throws std::invalid_argument where there is none.
  void remove(const void* p);

  const Range* find(std::uintptr_t address) const;     ///< The range that holds the address, or nullptr.
  std::string around(std::uintptr_t address) const;    ///< "4 bytes past the end of weights (1024 bytes)", for a fault.

 private:
  std::vector<Range> ranges_;  // by begin
};

}  // namespace octet::ptx
