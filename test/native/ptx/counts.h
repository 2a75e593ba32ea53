// What a kernel did, counted: properties of the code and not of a GPU's clock.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace octet::ptx {

struct KernelCounts {
  std::uint64_t launches = 0, blocks = 0;
  std::uint64_t instructions = 0;       ///< Executed by warps, whatever the number of lanes that took part.
  std::uint64_t lane_instructions = 0;  ///< The same by lanes.
  std::uint64_t mma = 0, ldmatrix = 0, barriers = 0;  ///< By warps.
  std::uint64_t atomics = 0;            ///< By lanes, global and shared.
  /// Shared memory: requests by warps, the wavefronts they take with 32 banks of 4 bytes (a request of 8 bytes a lane goes by
  /// half warps, one of 16 by quarters, ldmatrix by matrices; lanes that name one word share it), and the wavefronts without any
  /// conflict.
  std::uint64_t shared_requests = 0, shared_wavefronts = 0, shared_wavefronts_ideal = 0;
  /// Global loads and stores: requests by warps, 32-byte sectors they touch, and the fewest sectors that hold as many distinct bytes.
  std::uint64_t global_loads = 0, load_sectors = 0, load_sectors_ideal = 0;
  std::uint64_t global_stores = 0, store_sectors = 0, store_sectors_ideal = 0;
  std::uint64_t async_copies = 0, async_sectors = 0, async_sectors_ideal = 0;  ///< cp.async: requests by warps, sectors of the source.

  KernelCounts& operator+=(const KernelCounts& other);
};

/// By the kernel's mangled name.
struct Counts {
  std::map<std::string, KernelCounts, std::less<>> kernels;
  std::string lines_of;  ///< Kernels in whose mangled name this is are counted by lines too; none where it is empty.
  /// Warp instructions and shared wavefronts beyond the ideal, by "file:line" of what is in a folder "kernels", all those kernels together.
  struct Line {
    std::uint64_t instructions = 0, conflicts = 0;
  };
  std::map<std::string, Line, std::less<>> lines;
};

}  // namespace octet::ptx
