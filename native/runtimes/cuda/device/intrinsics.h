// What a kernel may ask of its device: indices, barriers, warp exchanges, atomics, asynchronous copies, tensor-core
// products. intrinsics_cuda.h has them for nvcc, intrinsics_host.h for fibers.
//
// Rules that both keep:
//  - A warp has 32 threads. Warp primitives are called by all 32 of a warp, with the same arguments where said so, and
//    block_sync by all threads of the block; a thread that has returned counts as arrived nowhere.
//  - Shared memory is dynamic only: shared_memory() is the block's, 16-byte aligned, of the size given at launch. On the
//    host it starts poisoned with NaN.
//  - Blocks may not wait for each other: the host runs them one after another. "The last block to arrive does the rest"
//    works on both: block_sync(), then one thread's fence(), atomic_add on a counter and fence(), then block_sync(). What it publishes
//    and takes up so is the whole block's (PTX's causality order runs through barriers; a fence by each thread before the barrier would be
//    no release by the thread that does the atomic).
#pragma once

#include "runtimes/cuda/device/types.h"

#ifdef __CUDACC__
#include "runtimes/cuda/device/intrinsics_cuda.h"
#else
#include "runtimes/cuda/device/intrinsics_host.h"
#endif

namespace octet::cuda {

constexpr int kWarp = 32;

OCTET_DEVICE int warp_index() { return thread_x() / kWarp; }
OCTET_DEVICE int warp_lane() { return thread_x() % kWarp; }

/// The warp's sum, in every lane, by the same tree on every device.
template <class T>
OCTET_DEVICE T warp_sum(T x) {
  OCTET_UNROLL
  for (int mask = kWarp / 2; mask > 0; mask /= 2) x += shuffle_xor(x, mask);
  return x;
}

OCTET_DEVICE float warp_max(float x) {
  OCTET_UNROLL
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const float other = shuffle_xor(x, mask);
    x = other > x ? other : x;
  }
  return x;
}

}  // namespace octet::cuda
