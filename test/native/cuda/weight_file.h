// Random weight matrices as a GGUF file holds them, with the values they stand for, computed from the formats' definitions
// alone: for tests of packing and products.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/weights.h"

namespace octet::cuda::testing {

struct WeightFile {
  WeightFormat format;
  int rows, columns;
  std::vector<std::byte> bytes;
  std::vector<double> values;      ///< [rows][columns]
  std::vector<double> magnitudes;  ///< Of the terms of each value: |value|, or |d s q| + |dmin m|.
};

constexpr WeightFormat kAllFormats[] = {WeightFormat::kF32,  WeightFormat::kF16,  WeightFormat::kBf16, WeightFormat::kQ8_0,
                                        WeightFormat::kQ4_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K};

inline int block_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::kQ8_0:
    case WeightFormat::kQ4_0: return 32;
    case WeightFormat::kQ4_K:
    case WeightFormat::kQ6_K: return 256;
    default: return 1;
  }
}

class WeightFileMaker {
 public:
  explicit WeightFileMaker(unsigned seed) : random_(seed) {}

  WeightFile make(WeightFormat format, int rows, int columns) {
    file_ = {.format = format, .rows = rows, .columns = columns};
    const int blocks = rows * (columns / block_of(format));
    for (int i = 0; i < blocks; ++i) add_block();
    return std::move(file_);
  }

 private:
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  float normal() { return std::normal_distribution<float>()(random_); }
  void put(const void* p, std::size_t n) { file_.bytes.insert(file_.bytes.end(), static_cast<const std::byte*>(p), static_cast<const std::byte*>(p) + n); }

  /// A binary16 about `size`, of either sign.
  double put_half(double size) {
    const int exponent = static_cast<int>(std::floor(std::log2(size))) + 15;
    const Half half{static_cast<std::uint16_t>(below(2) << 15 | exponent << 10 | below(1024))};
    put(&half, 2);
    return to_float(half);
  }
  void value(double x, double magnitude) {
    file_.values.push_back(x);
    file_.magnitudes.push_back(std::abs(magnitude));
  }

  void add_block() {
    switch (file_.format) {
      case WeightFormat::kF32: {
        const float x = normal();
        put(&x, 4);
        return value(x, x);
      }
      case WeightFormat::kF16: {
        const double x = put_half(below(50) == 0 ? 0x1p-10 : 1);
        return value(x, x);
      }
      case WeightFormat::kBf16: {
        const Bf16 x = to_bf16(normal());
        put(&x, 2);
        return value(to_float(x), to_float(x));
      }
      case WeightFormat::kQ8_0: {
        const double d = put_half(0.01);
        for (int i = 0; i < 32; ++i) {
          const auto q = static_cast<std::int8_t>(below(256) - 128);
          put(&q, 1);
          value(d * q, d * q);
        }
        return;
      }
      case WeightFormat::kQ4_0: return add_q4_0();
      case WeightFormat::kQ4_K: return add_q4_k();
      case WeightFormat::kQ6_K: return add_q6_k();
    }
  }

  void add_q4_0() {
    const double d = put_half(0.1);
    std::uint8_t q[32];
    for (std::uint8_t& x : q) x = static_cast<std::uint8_t>(below(16));
    for (int i = 0; i < 16; ++i) {
      const auto two = static_cast<std::uint8_t>(q[i] | q[i + 16] << 4);
      put(&two, 1);
    }
    for (const int x : q) value(d * (x - 8), d * (x - 8));
  }

  void add_q4_k() {
    const double d = put_half(0.002), dmin = put_half(0.01);
    int scale[8], minimum[8], q[256];
    for (int& x : scale) x = below(64);
    for (int& x : minimum) x = below(64);
    for (int& x : q) x = below(16);
    std::uint8_t six[12];
    for (int j = 0; j < 4; ++j) {
      six[j] = static_cast<std::uint8_t>(scale[j] | scale[j + 4] >> 4 << 6);
      six[j + 4] = static_cast<std::uint8_t>(minimum[j] | minimum[j + 4] >> 4 << 6);
      six[j + 8] = static_cast<std::uint8_t>((scale[j + 4] & 15) | (minimum[j + 4] & 15) << 4);
    }
    put(six, 12);
    for (int pair = 0; pair < 4; ++pair)
      for (int i = 0; i < 32; ++i) {
        const auto two = static_cast<std::uint8_t>(q[pair * 64 + i] | q[pair * 64 + 32 + i] << 4);
        put(&two, 1);
      }
    for (int i = 0; i < 256; ++i)
      value(d * scale[i / 32] * q[i] - dmin * minimum[i / 32], std::abs(d) * scale[i / 32] * q[i] + std::abs(dmin) * minimum[i / 32]);
  }

  void add_q6_k() {
    int q[256];
    std::int8_t scale[16];
    for (int& x : q) x = below(64);
    for (std::int8_t& x : scale) x = static_cast<std::int8_t>(below(256) - 128);
    std::uint8_t low[128] = {}, high[64] = {};
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128, quarter = i % 128 / 32, l = i % 32;
      low[half * 64 + quarter % 2 * 32 + l] |= static_cast<std::uint8_t>((q[i] & 15) << quarter / 2 * 4);
      high[half * 32 + l] |= static_cast<std::uint8_t>(q[i] >> 4 << 2 * quarter);
    }
    put(low, 128);
    put(high, 64);
    put(scale, 16);
    const double d = put_half(0.001);
    for (int i = 0; i < 256; ++i) value(d * scale[i / 16] * (q[i] - 32), d * scale[i / 16] * (q[i] - 32));
  }

  std::mt19937 random_;
  WeightFile file_{};
};

}  // namespace octet::cuda::testing
