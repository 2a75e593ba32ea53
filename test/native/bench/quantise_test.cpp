// Weights written as a GGUF file holds them, and read back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "bench/quantise.h"
#include "cuda/weight_file.h"

using namespace octet;
using namespace octet::cuda;

TEST_CASE("bench: a file's weights are read by the formats' definitions") {
  for (const WeightFormat format : testing::kAllFormats) {
    CAPTURE(std::string(name_of(format)));
    const testing::WeightFile file = testing::WeightFileMaker(3).make(format, 1, 1024);
    std::vector<float> got(1024);
    bench::dequantise_row(format, file.bytes.data(), got);
    for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - file.values[i]) <= 1e-6 * file.magnitudes[i]);
  }
}

TEST_CASE("bench: written weights are the values asked for within half a step") {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(512), got(512);
  for (float& x : values) x = normal(random) + 0.3f;
  // Half a step of the largest block of 32 (or 256) values, whose size is about 4; steps of blocks are 6-bit multiples in K-quants.
  const auto bound = [](WeightFormat format) {
    switch (format) {
      case WeightFormat::kF32: return 0.0;
      case WeightFormat::kF16: return 4.0 / 2048;
      case WeightFormat::kBf16: return 4.0 / 256;
      case WeightFormat::kQ8_0: return 4.0 / 254 * 1.01;
      case WeightFormat::kQ4_0: return 4.0 / 8;
      case WeightFormat::kQ4_K: return 8.0 / 30 * 1.25;
      default: return 4.0 / 62 * 1.25;
    }
  };
  for (const WeightFormat format : testing::kAllFormats) {
    CAPTURE(std::string(name_of(format)));
    std::vector<std::byte> file(file_row_bytes(format, 512));
    bench::quantise_row(format, values, file.data());
    bench::dequantise_row(format, file.data(), got);
    double most = 0;
    for (std::size_t i = 0; i < got.size(); ++i) most = std::max(most, std::abs(static_cast<double>(got[i]) - values[i]));
    CAPTURE(most);
    CHECK(most <= bound(format));
  }
}

TEST_CASE("bench: weights of a Q8_0 file are written again without loss, zeros as zeros, equals as equals") {
  const testing::WeightFile file = testing::WeightFileMaker(5).make(WeightFormat::kF32, 1, 256);
  std::vector<float> values(file.values.begin(), file.values.end()), again(256);
  std::vector<std::byte> bytes(file_row_bytes(WeightFormat::kQ8_0, 256)), twice(bytes.size());
  bench::quantise_row(WeightFormat::kQ8_0, values, bytes.data());
  bench::dequantise_row(WeightFormat::kQ8_0, bytes.data(), again);
  bench::quantise_row(WeightFormat::kQ8_0, again, twice.data());
  CHECK(twice == bytes);
  for (const WeightFormat format : testing::kAllFormats) {
    CAPTURE(std::string(name_of(format)));
    for (const float x : {0.0f, 0.0087f, -64.0f}) {
      std::vector<std::byte> row(file_row_bytes(format, 256));
      bench::quantise_row(format, std::vector<float>(256, x), row.data());
      bench::dequantise_row(format, row.data(), again);
      for (const float y : again) REQUIRE(std::abs(y - x) <= 0.01f * std::abs(x));
      CHECK(std::count(again.begin(), again.end(), again[0]) == 256);
    }
  }
}

TEST_CASE("bench: weights that a K-quants' file holds are written again without loss where its blocks use the whole of their range") {
  std::mt19937 random(9);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (const WeightFormat format : {WeightFormat::kQ4_K, WeightFormat::kQ6_K}) {
    CAPTURE(std::string(name_of(format)));
    const std::size_t block = format == WeightFormat::kQ4_K ? 32 : 16;
    std::vector<float> values(256), got(256);
    for (std::size_t at = 0; at < 256; at += block) {
      // The first block has the largest factors, which the others' are counted in.
      const int scale = at == 0 ? 127 : 1 + below(126), six_bits = at == 0 ? 63 : 1 + below(62), minimum = at == 0 ? 63 : below(six_bits + 1);
      for (std::size_t i = 0; i < block; ++i) {
        const int code = i == 3 ? 0 : i == 7 ? 15 : below(16), signed_code = i == 5 ? 31 : below(63) - 31;
        values[at + i] = format == WeightFormat::kQ4_K ? 0x1p-6f * static_cast<float>(six_bits * code) - 0x1p-4f * static_cast<float>(minimum)
                                                       : 0x1p-9f * static_cast<float>(scale * signed_code);
      }
    }
    std::vector<std::byte> file(file_row_bytes(format, 256));
    bench::quantise_row(format, values, file.data());
    bench::dequantise_row(format, file.data(), got);
    CHECK(got == values);
  }
}
