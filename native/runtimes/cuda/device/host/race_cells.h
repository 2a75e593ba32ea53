// The last accesses of every two bytes of device, pinned and shared memory, and the check of a new one against them.
#pragma once

#include "runtimes/cuda/device/host/race_order.h"

namespace octet::cuda::host::races {

enum class Access { kRead, kWrite, kAtomic };

/// Reports where the access is out of bounds, or no order puts an earlier one that it disturbs before it; and records it.
/// Ignores what is not device memory: stacks, kernels' arguments, what warps exchange through. `pc`: see place_of.
void access(Access kind, const void* at, std::size_t bytes, std::uint32_t pc);

void forget_lists();  ///< Of readers; every record lies before the floor.

}  // namespace octet::cuda::host::races
