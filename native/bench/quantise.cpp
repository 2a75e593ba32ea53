#include "bench/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "runtimes/cuda/device/types.h"

namespace octet::bench {
namespace {

using cuda::Bf16;
using cuda::Half;
using cuda::WeightFormat;
using std::uint16_t;
using std::uint8_t;

// To nearest, ties to even. The double holds the scaled value exactly, and nearbyint rounds it once.
Half to_half(float x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const double size = std::abs(static_cast<double>(x));
  if (!(size < 65520)) return {static_cast<uint16_t>(sign | (std::isnan(x) ? 0x7e00 : 0x7c00))};
  if (size < 0x1p-14) return {static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(size * 0x1p24)))};
  const int exponent = std::ilogb(size);
  return {static_cast<uint16_t>(sign + ((exponent + 14) << 10) + static_cast<int>(std::nearbyint(std::ldexp(size, 10 - exponent))))};
}

float put_half(std::byte* to, float x) {
  const Half half = to_half(x);
  std::memcpy(to, &half, 2);
  return to_float(half);
}

int nearest(float x, int least, int most) { return std::clamp(static_cast<int>(std::lrint(x)), least, most); }

float largest(std::span<const float> values) {
  float most = 0;
  for (const float x : values) most = std::max(most, std::abs(x));
  return most;
}

void put_byte(std::byte* to, int value) { *to = static_cast<std::byte>(value); }

void quantise_q8_0(std::span<const float> block, std::byte* to) {
  const float d = put_half(to, largest(block) / 127), inverse = d > 0 ? 1 / d : 0;
  for (std::size_t i = 0; i < 32; ++i) put_byte(to + 2 + i, nearest(block[i] * inverse, -127, 127));
}

void quantise_q4_0(std::span<const float> block, std::byte* to) {
  const float most = *std::max_element(block.begin(), block.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
  const float d = put_half(to, most / -8), inverse = d != 0 ? 1 / d : 0;
  const auto code = [&](std::size_t i) { return nearest(block[i] * inverse, -8, 7) + 8; };
  for (std::size_t i = 0; i < 16; ++i) put_byte(to + 2 + i, code(i) | code(i + 16) << 4);
}

// Blocks of 32: from their least value (at most 0) up in 15 steps; scales and minima in 6 bits of the super-block's largest.
void quantise_q4_k(std::span<const float> super, std::byte* to) {
  float scales[8], minima[8];
  for (std::size_t j = 0; j < 8; ++j) {
    const auto [least, most] = std::minmax_element(super.begin() + 32 * j, super.begin() + 32 * (j + 1));
    minima[j] = -std::min(*least, 0.0f);
    scales[j] = (std::max(*most, 0.0f) + minima[j]) / 15;
  }
  const float d = put_half(to, largest(scales) / 63), dmin = put_half(to + 2, largest(minima) / 63);
  int scale[8], minimum[8];
  for (int j = 0; j < 8; ++j) {
    scale[j] = d > 0 ? nearest(scales[j] / d, 0, 63) : 0;
    minimum[j] = dmin > 0 ? nearest(minima[j] / dmin, 0, 63) : 0;
  }
  std::byte* const six = to + 4;
  for (int j = 0; j < 4; ++j) {
    put_byte(six + j, scale[j] | scale[j + 4] >> 4 << 6);
    put_byte(six + j + 4, minimum[j] | minimum[j + 4] >> 4 << 6);
    put_byte(six + j + 8, (scale[j + 4] & 15) | (minimum[j + 4] & 15) << 4);
  }
  const auto code = [&](std::size_t i) {
    const std::size_t j = i / 32;
    const float step = d * static_cast<float>(scale[j]);
    return step > 0 ? nearest((super[i] + dmin * static_cast<float>(minimum[j])) / step, 0, 15) : 0;
  };
  for (std::size_t i = 0; i < 128; ++i) {
    const std::size_t first = i / 32 * 64 + i % 32;
    put_byte(to + 16 + i, code(first) | code(first + 32) << 4);
  }
}

void quantise_q6_k(std::span<const float> super, std::byte* to) {
  float scales[16];
  for (std::size_t j = 0; j < 16; ++j) scales[j] = largest(super.subspan(16 * j, 16)) / 31;
  const float d = put_half(to + 208, largest(scales) / 127);
  int code[256];
  for (std::size_t j = 0; j < 16; ++j) {
    const int scale = d > 0 ? nearest(scales[j] / d, 0, 127) : 0;
    const float step = d * static_cast<float>(scale);
    put_byte(to + 192 + j, scale);
    for (std::size_t i = 16 * j; i < 16 * (j + 1); ++i) code[i] = (step > 0 ? nearest(super[i] / step, -32, 31) : 0) + 32;
  }
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < 32; ++i) {
      const int* const c = code + 128 * half + i;  // and 32, 64, 96 behind
      put_byte(to + 64 * half + i, (c[0] & 15) | (c[64] & 15) << 4);
      put_byte(to + 64 * half + 32 + i, (c[32] & 15) | (c[96] & 15) << 4);
      put_byte(to + 128 + 32 * half + i, c[0] >> 4 | c[32] >> 4 << 2 | c[64] >> 4 << 4 | c[96] >> 4 << 6);
    }
  }
}

Half half_at(const std::byte* p) {
  Half half;
  std::memcpy(&half, p, 2);
  return half;
}

int byte_at(const std::byte* p, std::size_t i) { return std::to_integer<int>(p[i]); }

float q8_0_at(const std::byte* block, std::size_t i) {
  return to_float(half_at(block)) * static_cast<float>(static_cast<std::int8_t>(byte_at(block, 2 + i)));
}

float q4_0_at(const std::byte* block, std::size_t i) {
  const int two = byte_at(block, 2 + i % 16);
  return to_float(half_at(block)) * static_cast<float>((i < 16 ? two & 15 : two >> 4) - 8);
}

float q4_k_at(const std::byte* super, std::size_t i) {
  const std::byte* const six = super + 4;
  const std::size_t j = i / 32;
  const int scale = j < 4 ? byte_at(six, j) & 63 : (byte_at(six, j + 4) & 15) | byte_at(six, j - 4) >> 6 << 4;
  const int minimum = j < 4 ? byte_at(six, j + 4) & 63 : byte_at(six, j + 4) >> 4 | byte_at(six, j) >> 6 << 4;
  const int two = byte_at(super, 16 + j / 2 * 32 + i % 32);
  return to_float(half_at(super)) * static_cast<float>(scale * (j % 2 == 0 ? two & 15 : two >> 4)) -
         to_float(half_at(super + 2)) * static_cast<float>(minimum);
}

float q6_k_at(const std::byte* super, std::size_t i) {
  const std::size_t half = i / 128, quarter = i % 128 / 32;
  const int low = byte_at(super, 64 * half + quarter % 2 * 32 + i % 32), high = byte_at(super, 128 + 32 * half + i % 32);
  const int code = (quarter < 2 ? low & 15 : low >> 4) | (high >> (2 * quarter) & 3) << 4;
  return to_float(half_at(super + 208)) * static_cast<float>(static_cast<std::int8_t>(byte_at(super, 192 + i / 16)) * (code - 32));
}

}  // namespace

void quantise_row(WeightFormat format, std::span<const float> values, std::byte* to) {
  const auto blocks = [&](std::size_t weights, std::size_t bytes, auto quantise) {
    for (std::size_t i = 0; i < values.size() / weights; ++i) quantise(values.subspan(i * weights, weights), to + i * bytes);
  };
  switch (format) {
    case WeightFormat::kF32: return void(std::memcpy(to, values.data(), values.size_bytes()));
    case WeightFormat::kF16: return blocks(1, 2, [](std::span<const float> x, std::byte* p) { put_half(p, x[0]); });
    case WeightFormat::kBf16:
      return blocks(1, 2, [](std::span<const float> x, std::byte* p) {
        const Bf16 bits = cuda::to_bf16(x[0]);
        std::memcpy(p, &bits, 2);
      });
    case WeightFormat::kQ8_0: return blocks(32, 34, quantise_q8_0);
    case WeightFormat::kQ4_0: return blocks(32, 18, quantise_q4_0);
    case WeightFormat::kQ4_K: return blocks(256, 144, quantise_q4_k);
    case WeightFormat::kQ6_K: return blocks(256, 210, quantise_q6_k);
  }
}

void dequantise_row(WeightFormat format, const std::byte* from, std::span<float> values) {
  if (format == WeightFormat::kF32) return void(std::memcpy(values.data(), from, values.size_bytes()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    switch (format) {
      case WeightFormat::kF16: values[i] = to_float(half_at(from + 2 * i)); break;
      case WeightFormat::kBf16: values[i] = to_float(Bf16{half_at(from + 2 * i).bits}); break;
      case WeightFormat::kQ8_0: values[i] = q8_0_at(from + 34 * (i / 32), i % 32); break;
      case WeightFormat::kQ4_0: values[i] = q4_0_at(from + 18 * (i / 32), i % 32); break;
      case WeightFormat::kQ4_K: values[i] = q4_k_at(from + 144 * (i / 256), i % 256); break;
      default: values[i] = q6_k_at(from + 210 * (i / 256), i % 256);
    }
  }
}

}  // namespace octet::bench
