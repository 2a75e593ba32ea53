// Packed weights against ggml: its quantisation of random weights, packed by us, unpacks to its own dequantisation.
#include <doctest/doctest.h>
#include <ggml.h>

#include <cmath>
#include <random>

#include "runtimes/cuda/kernels/gemm.h"

using namespace octet::cuda;

TEST_CASE("cuda weights: ggml's blocks mean to us what they mean to ggml") {
  struct Pair {
    WeightFormat format;
    ggml_type type;
  };
  constexpr int kRows = 5, kColumns = 512;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> source(kRows * kColumns), identity(kColumns * kColumns);
  for (int i = 0; i < kColumns; ++i) identity[i * kColumns + i] = 1;
  const DeviceArray<float> x(identity);
  const GemmWorkspace workspace(device_info());
  for (const Pair& pair : {Pair{WeightFormat::kF32, GGML_TYPE_F32}, Pair{WeightFormat::kF16, GGML_TYPE_F16}, Pair{WeightFormat::kBf16, GGML_TYPE_BF16},
                           Pair{WeightFormat::kQ8_0, GGML_TYPE_Q8_0}, Pair{WeightFormat::kQ4_0, GGML_TYPE_Q4_0}, Pair{WeightFormat::kQ4_K, GGML_TYPE_Q4_K},
                           Pair{WeightFormat::kQ6_K, GGML_TYPE_Q6_K}}) {
    CAPTURE(name_of(pair.format));
    for (float& w : source) w = normal(random);
    REQUIRE(ggml_row_size(pair.type, kColumns) == file_row_bytes(pair.format, kColumns));
    std::vector<std::byte> file(kRows * file_row_bytes(pair.format, kColumns));
    ggml_quantize_chunk(pair.type, source.data(), file.data(), 0, kRows, kColumns, nullptr);
    std::vector<float> expected = source;
    if (pair.type != GGML_TYPE_F32) ggml_get_type_traits(pair.type)->to_float(file.data(), expected.data(), kRows * kColumns);
    const PackedMatrix packed = pack(pair.format, kRows, kColumns, file);
    DeviceArray<float> y(kRows * kColumns);
    Stream stream;
    gemm(stream, workspace, {.weights = packed.matrix, .x = x.data(), .n = kColumns, .y = y.data(), .y_stride = kRows, .precision = Precision::kFloat32});
    stream.synchronize();
    const std::vector<float> got = y.download();
    int wrong = 0;
    for (int r = 0; r < kRows; ++r)
      for (int c = 0; c < kColumns; ++c) wrong += !(std::abs(got[c * kRows + r] - expected[r * kColumns + c]) <= 2e-6f);
    CHECK(wrong == 0);
  }
}
