// Device, pinned and shared memory of the race detector: one range of addresses, so that an access's cells, and whether it lies within
// an allocation, to the byte, are found by arithmetic.
#pragma once

#include <span>

#include "runtimes/cuda/device/host/race_cells.h"

namespace octet::cuda::host::races {

constexpr std::size_t kCellBytes = 2;

struct Cell {
  Record write, read, atomics;
};

extern std::byte* memory_start;
constexpr std::size_t kMemoryBytes = std::size_t{4} << 30;

inline bool watched(const void* at) {
  return static_cast<std::size_t>(static_cast<const std::byte*>(at) - memory_start) < kMemoryBytes && memory_start;
}
bool in_shared_memory(const void* at);
std::span<Cell> cells_of(const void* at, std::size_t bytes);
/// Reports what is outside allocations and returns false there.
bool check_bounds(Access kind, const void* at, std::size_t bytes, const Record& mine);
/// Words for a place: of which allocation, and where in it.
std::string describe(const void* at);

/// One thread of the system at a time looks at cells and orders.
class Locked {
 public:
  Locked();
  ~Locked();
  Locked(const Locked&) = delete;
};

}  // namespace octet::cuda::host::races
