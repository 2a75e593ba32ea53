// A lane's part of a unit of packed weights (weight_layout.h), made into A fragments of bf16 in registers.
//
// Integers become floating point without conversions: q below the top bit of a mantissa whose last bit is worth one is
// 2^m + q, and 2^m is taken off exactly.
//   nibbles        0x4300 | q as bf16 is 128 + q; less 128 (or 136, 160), then one rounded multiply-add by the block's
//                  scale and minimum, themselves rounded to bf16: within 2^-8 of the larger of the two terms
//   bytes q + 128  0x4700__00 as float32 is 32,768 + q + 128; 32,896 d is exact for a binary16 d, so one fused multiply-add
//                  gives d q exactly, and rounding to bf16 is the only error
//   bytes q        0x4b0000__ is 2^23 + q; 2^23 d is exact
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/formats.cuh"

namespace octet::cuda {

namespace fragments {

constexpr std::uint32_t kOnes = 0x3f803f80u, kMinusZeros = 0x80008000u;

OCTET_DEVICE float half_of(const std::uint32_t word, int upper) {
  return to_float(Half{static_cast<std::uint16_t>(upper ? word >> 16 : word & 0xffffu)});
}

/// d (byte i of word - 128)
OCTET_DEVICE float times_biased_byte(std::uint32_t word, int i, float d) {
  return fma_of(bits_to_float(byte_permute(word, 0x47000000u, 0x7404u | static_cast<std::uint32_t>(i) << 4)), d, -32896.0f * d);
}

/// d (byte i of word); its negative by -d, without an instruction more.
OCTET_DEVICE float times_byte(std::uint32_t word, int i, float d) {
  return fma_of(bits_to_float(byte_permute(word, 0x4b000000u, 0x7440u | static_cast<std::uint32_t>(i))), d, -8388608.0f * d);
}

/// 128 + the nibbles of register a, a pair of bf16.
OCTET_DEVICE std::uint32_t nibbles(std::uint32_t word, int a) { return masked_or(word >> (4 * a), 0x000f000fu, 0x43004300u); }

}  // namespace fragments

/// read_factors(super, lane) and read(unit, lane) take what the lane needs from shared memory, the first once for all units of a super-block;
/// fragment(tile, a) is its part of tile 0 to 3.
template <WeightFormat kFormat>
class LaneUnit;

template <>
class LaneUnit<WeightFormat::kBf16> {
 public:
  OCTET_DEVICE void read_factors(const std::byte*, int) {}
  OCTET_DEVICE void read(const std::byte* unit, int lane) {
    weights_ = unit + lane * 16;
  }

  OCTET_DEVICE void fragment(int tile, std::uint32_t (&a)[4]) const {
    const auto words = read_as<Vector16>(weights_ + tile * 512);
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) a[i] = words.word[i];
  }

 private:
  const std::byte* weights_;
};

template <>
class LaneUnit<WeightFormat::kF16> {
 public:
  OCTET_DEVICE void read_factors(const std::byte*, int) {}
  OCTET_DEVICE void read(const std::byte* unit, int lane) {
    weights_ = unit + lane * 16;
  }

  OCTET_DEVICE void fragment(int tile, std::uint32_t (&a)[4]) const {
    const auto words = read_as<Vector16>(weights_ + tile * 512);
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) a[i] = pack_bf16(fragments::half_of(words.word[i], 0), fragments::half_of(words.word[i], 1));
  }

 private:
  const std::byte* weights_;
};

template <>
class LaneUnit<WeightFormat::kQ8_0> {
 public:
  OCTET_DEVICE void read_factors(const std::byte*, int) {}
  OCTET_DEVICE void read(const std::byte* unit, int lane) {
    weights_ = unit + lane * 16;
    d_ = read_as<Vector8>(unit + 1024 + lane / 4 * 8);
  }

  OCTET_DEVICE void fragment(int tile, std::uint32_t (&a)[4]) const {
    const auto words = read_as<Vector16>(weights_ + tile / 2 * 512);
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float d = fragments::half_of(d_.word[tile / 2], i % 2);
      const std::uint32_t word = words.word[tile % 2 * 2 + i / 2];
      a[i] = pack_bf16(fragments::times_biased_byte(word, i % 2 * 2, d), fragments::times_biased_byte(word, i % 2 * 2 + 1, d));
    }
  }

 private:
  const std::byte* weights_;
  Vector8 d_;
};

template <>
class LaneUnit<WeightFormat::kQ4_0> {
 public:
  OCTET_DEVICE void read_factors(const std::byte*, int) {}
  OCTET_DEVICE void read(const std::byte* unit, int lane) {
    weights_ = read_as<Vector16>(unit + lane * 16);
    d_ = read_as<Vector8>(unit + 512 + lane / 4 * 8);
  }

  OCTET_DEVICE void fragment(int tile, std::uint32_t (&a)[4]) const {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float d = fragments::half_of(d_.word[tile / 2], i % 2);
      const std::uint32_t q = fma_bf16x2(fragments::nibbles(weights_.word[tile], i), fragments::kOnes, 0xc308c308u);  // - 136
      a[i] = fma_bf16x2(q, pack_bf16(d, d), fragments::kMinusZeros);
    }
  }

 private:
  Vector16 weights_;
  Vector8 d_;
};

template <>
class LaneUnit<WeightFormat::kQ4_K> {
 public:
  OCTET_DEVICE void read_factors(const std::byte* super, int lane) {
    const auto factors = read_as<Vector8>(super + lane / 4 * 8);
    OCTET_UNROLL
    for (int row = 0; row < 2; ++row) d_[row] = fragments::half_of(factors.word[row], 0), minus_min_[row] = -fragments::half_of(factors.word[row], 1);
  }

  OCTET_DEVICE void read(const std::byte* unit, int lane) {
    weights_ = read_as<Vector16>(unit + lane * 16);
    scales_ = read_as<Vector8>(unit + 512 + lane / 4 * 8);
  }

  OCTET_DEVICE void fragment(int tile, std::uint32_t (&a)[4]) const {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t scales = scales_.word[tile / 2];
      const float scale = fragments::times_byte(scales, i % 2 * 2, d_[i % 2]);
      const float minimum = fragments::times_byte(scales, i % 2 * 2 + 1, minus_min_[i % 2]);
      const std::uint32_t q = fma_bf16x2(fragments::nibbles(weights_.word[tile], i), fragments::kOnes, 0xc300c300u);  // - 128
      a[i] = fma_bf16x2(q, pack_bf16(scale, scale), pack_bf16(minimum, minimum));
    }
  }

 private:
  Vector16 weights_;
  Vector8 scales_;
  float d_[2], minus_min_[2];  // of rows g and g + 8
};

template <>
class LaneUnit<WeightFormat::kQ6_K> {
 public:
  OCTET_DEVICE void read_factors(const std::byte* super, int lane) {
    const auto d = read_as<std::uint32_t>(super + lane / 4 * 4);
    OCTET_UNROLL
    for (int row = 0; row < 2; ++row) d_[row] = fragments::half_of(d, row);
  }

  OCTET_DEVICE void read(const std::byte* unit, int lane) {
    low_ = read_as<Vector16>(unit + lane * 16);
    high_ = read_as<Vector8>(unit + 512 + lane * 8);
    scales_ = read_as<Vector8>(unit + 768 + lane / 4 * 8);
  }

  OCTET_DEVICE void fragment(int tile, std::uint32_t (&a)[4]) const {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float scale = fragments::times_biased_byte(scales_.word[i % 2], tile, d_[i % 2]);
      const int shift = 2 * i + tile % 2 * 8;  // of the upper two bits, which belong at 4
      const std::uint32_t high = shift < 4 ? high_.word[tile / 2] << (4 - shift) : high_.word[tile / 2] >> (shift - 4);
      const std::uint32_t code = masked_or(high, 0x00300030u, fragments::nibbles(low_.word[tile], i));
      const std::uint32_t q = fma_bf16x2(code, fragments::kOnes, 0xc320c320u);  // - 160
      a[i] = fma_bf16x2(q, pack_bf16(scale, scale), fragments::kMinusZeros);
    }
  }

 private:
  Vector16 low_;
  Vector8 high_, scales_;
  float d_[2];  // of rows g and g + 8
};

}  // namespace octet::cuda
