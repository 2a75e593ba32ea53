// Packing whole matrices: sizes, rows of units in parallel, upload. What a unit holds: pack_unit.h.
#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include "runtimes/cuda/kernels/pack_unit.h"
#include "runtimes/cuda/kernels/weight_layout.h"
#include "runtimes/cuda/kernels/weights.h"

namespace octet::cuda {
namespace {

/// A GGUF format's blocks: weights in one, bytes of one.
struct FileBlock {
  int weights, bytes;
};

FileBlock file_block(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return {1, 4};
    case WeightFormat::kF16:
    case WeightFormat::kBf16: return {1, 2};
    case WeightFormat::kQ8_0: return {32, 34};
    case WeightFormat::kQ4_0: return {32, 18};
    case WeightFormat::kQ4_K: return {256, 144};
    case WeightFormat::kQ6_K: return {256, 210};
  }
  throw std::runtime_error("Unknown weight format");
}

std::size_t units_bytes(WeightFormat format, int rows, int columns) {
  return static_cast<std::size_t>(units_down(rows)) * units_across(columns) * layout_of(format).unit();
}

std::size_t supers_bytes(WeightFormat format, int rows, int columns) {
  return static_cast<std::size_t>(units_down(rows)) * supers_across(columns) * layout_of(format).super;
}

/// Packs `packed_rows` rows; row_of(i) is the packed row i in its file, or null for padding.
template <class RowOf>
PackedMatrix pack_rows(WeightFormat format, int packed_rows, int columns, const RowOf& row_of) {
  const std::size_t unit_bytes = units_bytes(format, packed_rows, columns), super_bytes = supers_bytes(format, packed_rows, columns);
  std::vector<std::byte> host(unit_bytes + super_bytes);
  const int down = units_down(packed_rows), across = units_across(columns), supers = supers_across(columns);
  const UnitLayout layout = layout_of(format);
  std::atomic<int> next = 0;
  const auto work = [&] {
    for (int i; (i = next++) < down;) {
      UnitRows rows;
      for (int r = 0; r < kUnitRows; ++r) rows[r] = row_of(i * kUnitRows + r);
      std::byte* units = host.data() + static_cast<std::size_t>(i) * across * layout.unit();
      for (int j = 0; j < across; ++j) pack_unit(format, rows, j * kUnitColumns, columns, units + static_cast<std::size_t>(j) * layout.unit());
      std::byte* factors = host.data() + unit_bytes + static_cast<std::size_t>(i) * supers * layout.super;
      if (layout.super != 0)
        for (int j = 0; j < supers; ++j) pack_super(format, rows, j, factors + static_cast<std::size_t>(j) * layout.super);
    }
  };
  const unsigned helpers = host.size() < (std::size_t{1} << 20) ? 0 : std::min(std::max(std::thread::hardware_concurrency(), 1u) - 1, 15u);
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < helpers; ++i) threads.emplace_back(work);
    work();
  }
  PackedMatrix packed{.matrix = {.format = format, .rows = packed_rows, .columns = columns}, .memory = DeviceArray<std::byte>(host)};
  packed.matrix.units = packed.memory.data();
  packed.matrix.supers = super_bytes ? packed.memory.data() + unit_bytes : nullptr;
  return packed;
}

void check(WeightFormat format, int rows, int columns, std::size_t bytes) {
  if (rows < 1 || columns < 1) throw std::runtime_error("A weight matrix is empty");
  const std::size_t expected = file_row_bytes(format, columns) * rows;
  if (bytes != expected)
    throw std::runtime_error("A weight matrix has " + std::to_string(bytes) + " bytes, not the " + std::to_string(expected) + " of " +
                             std::to_string(rows) + " x " + std::to_string(columns) + " in " + std::string(name_of(format)));
}

}  // namespace

std::string_view name_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return "F32";
    case WeightFormat::kF16: return "F16";
    case WeightFormat::kBf16: return "BF16";
    case WeightFormat::kQ8_0: return "Q8_0";
    case WeightFormat::kQ4_0: return "Q4_0";
    case WeightFormat::kQ4_K: return "Q4_K";
    case WeightFormat::kQ6_K: return "Q6_K";
  }
  return "?";
}

std::size_t file_row_bytes(WeightFormat format, int columns) {
  const FileBlock block = file_block(format);
  if (columns % block.weights != 0)
    throw std::runtime_error("A row of " + std::to_string(columns) + " weights is not made of whole blocks of " +
                             std::to_string(block.weights) + ", as " + std::string(name_of(format)) + " wants");
  return static_cast<std::size_t>(columns / block.weights) * block.bytes;
}

std::size_t packed_bytes(WeightFormat format, int rows, int columns) {
  return units_bytes(format, rows, columns) + supers_bytes(format, rows, columns);
}

PackedMatrix pack(WeightFormat format, int rows, int columns, std::span<const std::byte> file) {
  check(format, rows, columns, file.size());
  const std::size_t row_bytes = file_row_bytes(format, columns);
  return pack_rows(format, rows, columns, [&](int i) { return i < rows ? file.data() + i * row_bytes : nullptr; });
}

PackedMatrix pack_in_order(WeightFormat format, int columns, std::span<const std::byte> file, std::span<const int> order) {
  const int rows = static_cast<int>(order.size());
  check(format, rows, columns, file.size());
  const std::size_t row_bytes = file_row_bytes(format, columns);
  const auto row_of = [&](int i) {
    return i < rows ? file.data() + static_cast<std::size_t>(order[static_cast<std::size_t>(i)]) * row_bytes : nullptr;
  };
  return pack_rows(format, rows, columns, row_of);
}

PackedMatrix pack_interleaved(WeightFormat format, int rows, int columns, std::span<const std::byte> first, std::span<const std::byte> second) {
  check(format, rows, columns, first.size());
  check(format, rows, columns, second.size());
  const std::size_t row_bytes = file_row_bytes(format, columns);
  const auto row_of = [&](int packed) {
    const int i = packed / 16 * 8 + packed % 8;
    return i < rows ? (packed % 16 < 8 ? first : second).data() + i * row_bytes : nullptr;
  };
  return pack_rows(format, 2 * rows, columns, row_of);
}

}  // namespace octet::cuda
