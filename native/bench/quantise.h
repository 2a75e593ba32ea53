// Rows of float32 weights as a GGUF file holds them (pack_unit.h lists the formats), rounded to nearest: for weights that a benchmark
// makes. Cruder than llama.cpp's, which searches for the best scales, and lossless for values that a file of the same Q8_0 blocks held.
#pragma once

#include <span>

#include "runtimes/cuda/kernels/weights.h"

namespace octet::bench {

/// `values` is one row, whole blocks of the format; `to` holds cuda::file_row_bytes of it.
void quantise_row(cuda::WeightFormat format, std::span<const float> values, std::byte* to);

/// The values of one row.
void dequantise_row(cuda::WeightFormat format, const std::byte* from, std::span<float> values);

}  // namespace octet::bench
