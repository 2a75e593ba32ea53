#include "runtimes/cuda/kernels/pack_unit.h"

#include <cstdint>
#include <cstring>

#include "runtimes/cuda/kernels/weight_layout.h"

namespace octet::cuda {
namespace {

using std::uint8_t;
using std::uint32_t;

int byte_at(const std::byte* p, int i) { return std::to_integer<int>(p[i]); }

void put_byte(std::byte* to, int value) { *to = static_cast<std::byte>(value); }

void or_word(std::byte* to, uint32_t bits) {
  uint32_t word;
  std::memcpy(&word, to, 4);
  word |= bits;
  std::memcpy(to, &word, 4);
}

void put_nibble(std::byte* unit, const FragmentPlace& place, int code) {
  or_word(unit + place.lane * 16 + place.tile * 4, static_cast<uint32_t>(code) << (4 * place.a + 16 * place.odd));
}

void pack_f32(const std::byte* row, int r, int first, int width, std::byte* unit) {
  std::memcpy(unit + r * kUnitColumns * 4, row + first * std::size_t{4}, width * std::size_t{4});
}

void pack_16(const std::byte* row, int r, int first, int width, std::byte* unit) {
  for (int c = 0; c < width; ++c) {
    const FragmentPlace place = fragment_place(r, c);
    std::memcpy(unit + place.tile * 512 + place.lane * 16 + place.element() * 2, row + (first + c) * std::size_t{2}, 2);
  }
}

void pack_q8_0(const std::byte* row, int r, int first, int width, std::byte* unit) {
  for (int b = 0; b < width / 32; ++b) {
    const std::byte* block = row + (first / 32 + b) * std::size_t{34};
    std::memcpy(unit + 1024 + r % 8 * 8 + b * 4 + r / 8 * 2, block, 2);
    for (int c = 0; c < 32; ++c) {
      const FragmentPlace place = fragment_place(r, b * 32 + c);
      put_byte(unit + place.tile / 2 * 512 + place.lane * 16 + place.tile % 2 * 8 + place.element(), byte_at(block, 2 + c) ^ 128);
    }
  }
}

void pack_q4_0(const std::byte* row, int r, int first, int width, std::byte* unit) {
  for (int b = 0; b < width / 32; ++b) {
    const std::byte* block = row + (first / 32 + b) * std::size_t{18};
    std::memcpy(unit + 512 + r % 8 * 8 + b * 4 + r / 8 * 2, block, 2);
    for (int c = 0; c < 32; ++c) {
      const int two = byte_at(block, 2 + c % 16);
      put_nibble(unit, fragment_place(r, b * 32 + c), c < 16 ? two & 15 : two >> 4);
    }
  }
}

void pack_q4_k(const std::byte* row, int r, int first, std::byte* unit) {
  const std::byte* block = row + first / kSuperColumns * std::size_t{144};
  const std::byte* six = block + 4;
  const int quarter = first % kSuperColumns / kUnitColumns;
  for (int b = 0; b < 2; ++b) {
    const int j = 2 * quarter + b;
    const int scale = j < 4 ? byte_at(six, j) & 63 : (byte_at(six, j + 4) & 15) | byte_at(six, j - 4) >> 6 << 4;
    const int minimum = j < 4 ? byte_at(six, j + 4) & 63 : byte_at(six, j + 4) >> 4 | byte_at(six, j) >> 6 << 4;
    put_byte(unit + 512 + r % 8 * 8 + b * 4 + r / 8 * 2, scale);
    put_byte(unit + 512 + r % 8 * 8 + b * 4 + r / 8 * 2 + 1, minimum);
    for (int c = 0; c < 32; ++c) {
      const int two = byte_at(block, 16 + quarter * 32 + c);
      put_nibble(unit, fragment_place(r, b * 32 + c), b == 0 ? two & 15 : two >> 4);
    }
  }
}

void pack_q6_k(const std::byte* row, int r, int first, std::byte* unit) {
  const std::byte* block = row + first / kSuperColumns * std::size_t{210};
  const int quarter = first % kSuperColumns / kUnitColumns, half = quarter / 2, high_nibble = quarter % 2;
  const std::byte *low = block + half * 64, *high = block + 128 + half * 32, *scales = block + 192;
  for (int c = 0; c < kUnitColumns; ++c) {
    const FragmentPlace place = fragment_place(r, c);
    put_nibble(unit, place, high_nibble ? byte_at(low, c) >> 4 : byte_at(low, c) & 15);
    const int two = byte_at(high, c % 32) >> (4 * high_nibble + c / 32 * 2) & 3;
    or_word(unit + 512 + place.lane * 8 + place.tile / 2 * 4, static_cast<uint32_t>(two) << (2 * place.a + place.tile % 2 * 8 + 16 * place.odd));
  }
  for (int tile = 0; tile < 4; ++tile) put_byte(unit + 768 + r % 8 * 8 + r / 8 * 4 + tile, byte_at(scales, quarter * 4 + tile) ^ 128);
}

}  // namespace

void pack_unit(WeightFormat format, const UnitRows& rows, int first_column, int columns, std::byte* unit) {
  const int width = columns - first_column < kUnitColumns ? columns - first_column : kUnitColumns;
  for (int r = 0; r < kUnitRows; ++r) {
    if (!rows[r]) continue;
    switch (format) {
      case WeightFormat::kF32: pack_f32(rows[r], r, first_column, width, unit); break;
      case WeightFormat::kF16:
      case WeightFormat::kBf16: pack_16(rows[r], r, first_column, width, unit); break;
      case WeightFormat::kQ8_0: pack_q8_0(rows[r], r, first_column, width, unit); break;
      case WeightFormat::kQ4_0: pack_q4_0(rows[r], r, first_column, width, unit); break;
      case WeightFormat::kQ4_K: pack_q4_k(rows[r], r, first_column, unit); break;
      case WeightFormat::kQ6_K: pack_q6_k(rows[r], r, first_column, unit); break;
    }
  }
}

void pack_super(WeightFormat format, const UnitRows& rows, int index, std::byte* super) {
  for (int r = 0; r < kUnitRows; ++r) {
    if (!rows[r]) continue;
    if (format == WeightFormat::kQ4_K) std::memcpy(super + r % 8 * 8 + r / 8 * 4, rows[r] + index * std::size_t{144}, 4);
    else std::memcpy(super + r % 8 * 4 + r / 8 * 2, rows[r] + index * std::size_t{210} + 208, 2);
  }
}

}  // namespace octet::cuda
