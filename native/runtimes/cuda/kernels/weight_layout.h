// How packed weights lie in memory: known to the packer, to kernels and to weight_at (formats.cuh).
//
// A matrix is cut into units of 16 rows x 64 columns (padded with zeros), stored row of units by row of units. A unit is
// one record: weights, then block scales. It holds four tiles of 16 x 16, and a lane's part of a tile is its A fragment of
// mma.m16n8k16: with g = lane / 4, t = lane % 4, eight elements, number 2 a + odd (register a, half odd) being
//   row g + 8 (a % 2), column 2 t + odd + 8 (a / 2).
// In a record, `lane` reads 16 bytes at a time, at 16 lane:
//   16 bits  [tile 4][lane]{element 8}
//   Q8_0     [tile pair 2][lane]{tile 2, element 8}: q + 128 in a byte
//   Q4_*     [lane]{tile 4}: a word each, element (a, odd) in bits 4 a + 16 odd ..
//   Q6_K     as Q4 for the low four bits of q + 32, then [lane]{tile pair 2}: a word each, the upper two bits of element
//            (a, odd) of tile 2 p + i in bits 2 a + 8 i + 16 odd ..
//   F32      [row 16][column 64]: never a fragment
// Block scales, 8 bytes for each g, all that a lane needs at once:
//   Q8_0, Q4_0  half d       [g][block of 32 columns: 2][row g or g + 8: 2]
//   Q4_K        6-bit, byte  [g][block of 32: 2][row: 2]{scale, minimum}
//   Q6_K        q + 128      [g][row: 2][block of 16: 4]
// K-quants also have factors of 16 rows x 256 columns ("super-blocks"), an array of their own in the order of units:
//   Q4_K  half [g][row: 2]{d, dmin}        weight = d scale q - dmin minimum
//   Q6_K  half [g][row: 2] d               weight = d scale q
#pragma once

#include "runtimes/cuda/device/keywords.h"
#include "runtimes/cuda/kernels/weights.h"

namespace octet::cuda {

constexpr int kUnitRows = 16, kUnitColumns = 64, kSuperColumns = 256;

/// Bytes of a unit's parts; `super` for each 16 x 256.
struct UnitLayout {
  int weights, high_bits, scales, super;
  OCTET_BOTH constexpr int unit() const { return weights + high_bits + scales; }
};

OCTET_BOTH constexpr UnitLayout layout_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return {4096, 0, 0, 0};
    case WeightFormat::kF16:
    case WeightFormat::kBf16: return {2048, 0, 0, 0};
    case WeightFormat::kQ8_0: return {1024, 0, 64, 0};
    case WeightFormat::kQ4_0: return {512, 0, 64, 0};
    case WeightFormat::kQ4_K: return {512, 0, 64, 64};
    case WeightFormat::kQ6_K: return {512, 256, 64, 32};
  }
  return {};
}

OCTET_BOTH constexpr int units_down(int rows) { return (rows + kUnitRows - 1) / kUnitRows; }
OCTET_BOTH constexpr int units_across(int columns) { return (columns + kUnitColumns - 1) / kUnitColumns; }
OCTET_BOTH constexpr int supers_across(int columns) { return (columns + kSuperColumns - 1) / kSuperColumns; }

/// Where an element of a unit lies: its tile, the lane that holds it, register and half.
struct FragmentPlace {
  int tile, lane, a, odd;
  OCTET_BOTH constexpr int element() const { return 2 * a + odd; }
};

OCTET_BOTH constexpr FragmentPlace fragment_place(int row, int column) {
  return {column / 16, row % 8 * 4 + column % 8 / 2, row / 8 + column % 16 / 8 * 2, column % 2};
}

/// Row of a matrix by pack_interleaved that holds row i of the first or the second.
OCTET_BOTH constexpr int interleaved_row(int i, bool second) { return i / 8 * 16 + i % 8 + (second ? 8 : 0); }

}  // namespace octet::cuda
