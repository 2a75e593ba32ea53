// One block a unit of 16 x 64 weights (weight_layout.h). Every 4-byte word of it is a function of its place and the seed.
// Bounded by the bytes written.
#include <stdexcept>

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/synthetic.h"
#include "runtimes/cuda/kernels/weight_layout.h"

namespace octet::cuda {
namespace {

// A mixing of 64 bits into 32 (the finaliser of MurmurHash3, by A. Appleby, public domain).
OCTET_DEVICE std::uint32_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  return static_cast<std::uint32_t>(x >> 32);
}

OCTET_DEVICE float uniform_of(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f; }

OCTET_DEVICE std::uint16_t half_bits(float x) {  // truncated; 0 below the least normal number
  const std::uint32_t bits = float_to_bits(x);
  if ((bits & 0x7fffffffu) < 0x38800000u) return 0;
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000u) | (((bits >> 13) - 0x1c000u) & 0x7fffu));
}

struct Synthesis {
  WeightFormat format;
  int rows, columns, units_across;
  std::byte* units;
  std::byte* supers;
  float amplitude;
  std::uint32_t seed;
};

// A pair of 16-bit weights: of the same row, columns `column` and `column + 1`.
OCTET_DEVICE std::uint32_t pair_of(const Synthesis& s, std::uint32_t random, int row, int column) {
  if (row >= s.rows || column >= s.columns) return 0;
  const float low = uniform_of(random) * s.amplitude, high = column + 1 < s.columns ? uniform_of(random * 2654435761u) * s.amplitude : 0.0f;
  if (s.format == WeightFormat::kBf16) return pack_bf16(low, high);
  return half_bits(low) | std::uint32_t{half_bits(high)} << 16;
}

// Word `w` of the block scales: factors such that quantised weights span about [-amplitude, amplitude].
OCTET_DEVICE std::uint32_t scale_word(const Synthesis& s) {
  switch (s.format) {
    case WeightFormat::kQ8_0: return half_bits(s.amplitude / 128) * 0x10001u;
    case WeightFormat::kQ4_0: return half_bits(s.amplitude / 8) * 0x10001u;
    case WeightFormat::kQ4_K: return 0x20202020u;  // scale 32, minimum 32
    default: return 0x81818181u;                   // Q6_K: scale 1
  }
}

OCTET_KERNEL synthesise_units(Synthesis s) {
  const UnitLayout layout = layout_of(s.format);
  const std::uint64_t unit = static_cast<std::uint64_t>(block_y()) * s.units_across + block_x();
  auto* const words = reinterpret_cast<std::uint32_t*>(s.units + unit * layout.unit());
  const int random_words = (layout.weights + layout.high_bits) / 4, all = layout.unit() / 4;
  const int first_row = block_y() * kUnitRows, first_column = block_x() * kUnitColumns;
  for (int w = thread_x(); w < all; w += threads_x()) {
    const std::uint32_t random = mix((unit << 12 | static_cast<std::uint64_t>(w)) ^ static_cast<std::uint64_t>(s.seed) << 40);
    if (w >= random_words) {
      words[w] = scale_word(s);
    } else if (s.format == WeightFormat::kF32) {
      const int row = first_row + w / kUnitColumns, column = first_column + w % kUnitColumns;
      words[w] = row < s.rows && column < s.columns ? float_to_bits(uniform_of(random) * s.amplitude) : 0u;
    } else if (s.format == WeightFormat::kF16 || s.format == WeightFormat::kBf16) {
      const int tile = w / 128, lane = w / 4 % 32, a = w % 4;
      words[w] = pair_of(s, random, first_row + lane / 4 + a % 2 * 8, first_column + tile * 16 + lane % 4 * 2 + a / 2 * 8);
    } else {
      words[w] = random;
    }
  }
  if (layout.super == 0 || block_x() % (kSuperColumns / kUnitColumns) != 0) return;
  const int supers_in_row = (s.columns + kSuperColumns - 1) / kSuperColumns;
  auto* const factors = reinterpret_cast<std::uint32_t*>(
      s.supers + (static_cast<std::uint64_t>(block_y()) * supers_in_row + block_x() / (kSuperColumns / kUnitColumns)) * layout.super);
  for (int w = thread_x(); w < layout.super / 4; w += threads_x())
    factors[w] = s.format == WeightFormat::kQ4_K
                     ? half_bits(s.amplitude / (32 * 7.5f)) | std::uint32_t{half_bits(s.amplitude / 32)} << 16  // d, dmin: zero mean
                     : half_bits(s.amplitude / 32) * 0x10001u;
}

}  // namespace

PackedMatrix synthesise(Stream& stream, WeightFormat format, int rows, int columns, float amplitude, std::uint32_t seed) {
  const bool k_quant = format == WeightFormat::kQ4_K || format == WeightFormat::kQ6_K;
  const bool sixteen_bits_or_more = format == WeightFormat::kF32 || format == WeightFormat::kF16 || format == WeightFormat::kBf16;
  if (rows < 1 || columns < 1 || (!sixteen_bits_or_more && columns % (k_quant ? kSuperColumns : kUnitColumns) != 0))
    throw std::invalid_argument("synthetic weights: whole units only");
  const std::size_t units = static_cast<std::size_t>(units_down(rows)) * units_across(columns) * layout_of(format).unit();
  PackedMatrix packed{.matrix = {.format = format, .rows = rows, .columns = columns},
                      .memory = DeviceArray<std::byte>(packed_bytes(format, rows, columns))};
  packed.matrix.units = packed.memory.data();
  packed.matrix.supers = layout_of(format).super ? packed.memory.data() + units : nullptr;
  const Synthesis synthesis{.format = format, .rows = rows, .columns = columns, .units_across = units_across(columns),
                            .units = packed.memory.data(), .supers = packed.memory.data() + units, .amplitude = amplitude, .seed = seed};
  launch(stream, {.grid = {units_across(columns), units_down(rows)}, .threads = 128}, synthesise_units, synthesis);
  return packed;
}

}  // namespace octet::cuda
