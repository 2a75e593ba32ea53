// One unit of packed weights (weight_layout.h) from rows as a GGUF file holds them. The file's blocks, little-endian,
// d and dmin in binary16:
//   Q8_0  32 weights: d, int8 q[32]                    d q
//   Q4_0  32 weights: d, nibbles[16]: low ones are weights 0 .. 15, high ones 16 .. 31       d (q - 8)
//   Q4_K  256 weights: d, dmin, 12 bytes of eight 6-bit scales and minima, nibbles[128]: of each 32 bytes the low ones are
//         a block of 32 weights, the high ones the next       d scale q - dmin minimum
//   Q6_K  256 weights: low nibbles[128], upper two bits[64], int8 scale[16], d               d scale (q - 32)
#pragma once

#include <array>
#include <cstddef>

#include "runtimes/cuda/kernels/weights.h"

namespace octet::cuda {

/// The 16 rows of a unit in their file; null where a row is padding.
using UnitRows = std::array<const std::byte*, 16>;

/// Columns `first_column` .. + 63 of a matrix of `columns`, zeros beyond, into one unit of zeroed memory.
void pack_unit(WeightFormat format, const UnitRows& rows, int first_column, int columns, std::byte* unit);

/// K-quants: the factors of super-block `index` (256 columns) of 16 rows, into zeroed memory.
void pack_super(WeightFormat format, const UnitRows& rows, int index, std::byte* super);

}  // namespace octet::cuda
