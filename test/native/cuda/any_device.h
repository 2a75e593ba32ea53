// What a test may ask of the host in a GPU's place, so that one body runs on both: other orders of blocks and threads, and work done as late
// as a GPU may. A GPU does both by itself: there these do nothing.
#pragma once

#include <cstdint>

#ifndef OCTET_CUDA_GPU
#include "runtimes/cuda/device/host/block.h"
#include "runtimes/cuda/device/host/deferral.h"
#endif

namespace octet::cuda::testing {

/// While one lives, threads of a block and blocks of a grid run in the order of this seed; 0: ascending, as without.
class BlockOrder {
 public:
  explicit BlockOrder([[maybe_unused]] std::uint64_t seed) {
#ifndef OCTET_CUDA_GPU
    host::shuffle_order(seed);
#endif
  }
  ~BlockOrder() {
#ifndef OCTET_CUDA_GPU
    host::shuffle_order(0);
#endif
  }
  BlockOrder(const BlockOrder&) = delete;
};

/// While one lives, what is put on a stream waits until it is waited for.
#ifndef OCTET_CUDA_GPU
using AsLateAsAGpuMay = host::DeferredWork;
#else
struct AsLateAsAGpuMay {
  AsLateAsAGpuMay() {}
  ~AsLateAsAGpuMay() {}
};
#endif

}  // namespace octet::cuda::testing
