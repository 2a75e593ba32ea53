// Two small kernels that show what every other one relies on: fragments as mma lays them out, matrices loaded from shared
// memory, asynchronous copies, warp exchanges, the last block to arrive. For the device layer's own test.
#pragma once

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/device/types.h"

namespace octet::cuda {

/// d[16][8] = a[16][16] b[16][8], all row-major.
void probe_multiply(Stream& stream, const Bf16* a, const Bf16* b, float* d);

/// The last of `blocks` to count itself in `counter` (0 before) writes the ballot of odd lanes and the sum 0 + .. + 31.
void probe_last_block(Stream& stream, int blocks, int* counter, int* last, float* total);

}  // namespace octet::cuda
