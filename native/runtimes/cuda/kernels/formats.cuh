// Weights by their place in the matrix, exactly as the file's format defines them: for gathered rows (the embedding) and
// for the float32 products.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/weight_layout.h"

namespace octet::cuda {

template <class T>
OCTET_DEVICE T read_as(const std::byte* from) { return *reinterpret_cast<const T*>(from); }

/// Weight [row][column] as float32. `row` counts the packed matrix's rows (interleaved_row).
template <WeightFormat kFormat>
OCTET_DEVICE float weight_at(const Matrix& matrix, int row, int column) {
  constexpr UnitLayout kLayout = layout_of(kFormat);
  const int down = row / kUnitRows, across = column / kUnitColumns, r = row % kUnitRows, c = column % kUnitColumns;
  const std::byte* unit = matrix.units + (static_cast<std::size_t>(down) * units_across(matrix.columns) + across) * kLayout.unit();
  const FragmentPlace place = fragment_place(r, c);
  const int group = r % 8, upper = r / 8;
  const std::byte* scales = unit + kLayout.weights + kLayout.high_bits + group * 8;
  const std::byte* super = matrix.supers +
      (static_cast<std::size_t>(down) * supers_across(matrix.columns) + column / kSuperColumns) * kLayout.super;
  const auto nibble = [&] { return static_cast<int>(read_as<std::uint32_t>(unit + place.lane * 16 + place.tile * 4) >> (4 * place.a + 16 * place.odd) & 15u); };
  if constexpr (kFormat == WeightFormat::kF32) {
    return read_as<float>(unit + (r * kUnitColumns + c) * 4);
  } else if constexpr (kFormat == WeightFormat::kF16 || kFormat == WeightFormat::kBf16) {
    using Element = std::conditional_t<kFormat == WeightFormat::kF16, Half, Bf16>;
    return to_float(read_as<Element>(unit + place.tile * 512 + place.lane * 16 + place.element() * 2));
  } else if constexpr (kFormat == WeightFormat::kQ8_0) {
    const int code = read_as<std::uint8_t>(unit + place.tile / 2 * 512 + place.lane * 16 + place.tile % 2 * 8 + place.element());
    return to_float(read_as<Half>(scales + c / 32 * 4 + upper * 2)) * static_cast<float>(code - 128);
  } else if constexpr (kFormat == WeightFormat::kQ4_0) {
    return to_float(read_as<Half>(scales + c / 32 * 4 + upper * 2)) * static_cast<float>(nibble() - 8);
  } else if constexpr (kFormat == WeightFormat::kQ4_K) {
    const int scale = read_as<std::uint8_t>(scales + c / 32 * 4 + upper * 2), minimum = read_as<std::uint8_t>(scales + c / 32 * 4 + upper * 2 + 1);
    const std::byte* factors = super + group * 8 + upper * 4;
    return to_float(read_as<Half>(factors)) * static_cast<float>(scale) * static_cast<float>(nibble()) -
           to_float(read_as<Half>(factors + 2)) * static_cast<float>(minimum);
  } else {
    const std::uint32_t high = read_as<std::uint32_t>(unit + kLayout.weights + place.lane * 8 + place.tile / 2 * 4);
    const int code = nibble() | static_cast<int>(high >> (2 * place.a + place.tile % 2 * 8 + 16 * place.odd) & 3u) << 4;
    const int scale = read_as<std::uint8_t>(scales + upper * 4 + place.tile) - 128;
    return to_float(read_as<Half>(super + group * 4 + upper * 2)) * static_cast<float>(scale) * static_cast<float>(code - 32);
  }
}

OCTET_DEVICE float weight_at(const Matrix& matrix, int row, int column) {
  switch (matrix.format) {
    case WeightFormat::kF32: return weight_at<WeightFormat::kF32>(matrix, row, column);
    case WeightFormat::kF16: return weight_at<WeightFormat::kF16>(matrix, row, column);
    case WeightFormat::kBf16: return weight_at<WeightFormat::kBf16>(matrix, row, column);
    case WeightFormat::kQ8_0: return weight_at<WeightFormat::kQ8_0>(matrix, row, column);
    case WeightFormat::kQ4_0: return weight_at<WeightFormat::kQ4_0>(matrix, row, column);
    case WeightFormat::kQ4_K: return weight_at<WeightFormat::kQ4_K>(matrix, row, column);
    case WeightFormat::kQ6_K: return weight_at<WeightFormat::kQ6_K>(matrix, row, column);
  }
  return 0;
}

}  // namespace octet::cuda
