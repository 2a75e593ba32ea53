// Weight matrices on the device.
//
// A matrix W [rows = outputs][columns = inputs] is kept in its file's precision but in the order in which tensor cores take
// it: tiles of 16 rows by 16 columns, each thread of a warp reading its part of one or several tiles along a row as 16
// bytes at once, so that every weight is read exactly once, coalesced, and needs no sorting on its way into registers.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {

enum class WeightFormat { kF32, kF16, kBf16, kQ8_0, kQ4_0, kQ4_K, kQ6_K };

std::string_view name_of(WeightFormat format);  ///< "Q8_0"

/// A packed matrix in device memory (weight_layout.h says how). Plain data: passed to kernels by value.
struct Matrix {
  WeightFormat format = WeightFormat::kBf16;
  int rows = 0, columns = 0;           ///< As in the file, without padding.
  const std::byte* units = nullptr;    ///< Weights with their block scales.
  const std::byte* supers = nullptr;   ///< K-quants: factors of 256 columns.
};

/// Owns what a Matrix points to.
struct PackedMatrix {
  Matrix matrix;
  DeviceArray<std::byte> memory;
};

/// Bytes of a row of `columns` weights as the file holds them. Throws std::runtime_error where the format does not allow
/// that many columns (whole blocks of 32 or 256).
std::size_t file_row_bytes(WeightFormat format, int columns);

/// Device bytes of the packed matrix: for fitting a model into memory before it is loaded.
std::size_t packed_bytes(WeightFormat format, int rows, int columns);

/// Packs a matrix as it lies in a GGUF file ([rows][file_row_bytes]) and uploads it.
PackedMatrix pack(WeightFormat format, int rows, int columns, std::span<const std::byte> file);

/// The same with rows in another order: row i of the packed matrix is row order[i] of the file.
PackedMatrix pack_in_order(WeightFormat format, int columns, std::span<const std::byte> file, std::span<const int> order);

/// Two matrices of one shape and format as one, Matrix::rows = 2 rows, in which row i of `first` and row i of `second` lie
/// in the same thread's fragment (rows 16 t + g and 16 t + g + 8 of the packed matrix), for the SwiGLU epilogue.
PackedMatrix pack_interleaved(WeightFormat format, int rows, int columns, std::span<const std::byte> first, std::span<const std::byte> second);

}  // namespace octet::cuda
