// Weights made on the device, for benchmarks of published shapes whose files are not at hand.
#pragma once

#include "runtimes/cuda/kernels/weights.h"

namespace octet::cuda {

/// A packed matrix of pseudo-random weights, uniform or nearly so in [-amplitude, amplitude], the same for the same seed on
/// every device. Padding is zero for the 16-bit formats and random for the others: `columns` is to be whole units of 64 for
/// those, or whole super-blocks of 256 for K-quants. Throws std::invalid_argument otherwise.
PackedMatrix synthesise(Stream& stream, WeightFormat format, int rows, int columns, float amplitude, std::uint32_t seed);

}  // namespace octet::cuda
