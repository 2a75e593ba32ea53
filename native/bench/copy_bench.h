// The device's own copy, the yardstick of every memory-bound kernel.
#pragma once

#include "runtimes/cuda/device/stream.h"

namespace octet::bench {

/// GB/s of a device-to-device copy of `bytes`, reads and writes counted.
double measure_copy(cuda::Stream& stream, std::size_t bytes);

}  // namespace octet::bench
