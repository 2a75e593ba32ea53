// Packed weights: every weight comes back where it belongs, exactly.
#include <doctest/doctest.h>

#include <stdexcept>

#include "runtimes/cuda/kernels/gemm.h"
#include "weight_file.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

/// W of a packed matrix, transposed: its product with the identity in float32, exact since all other terms are zeros.
std::vector<float> unpacked(const Matrix& matrix) {
  const int n = matrix.columns;
  std::vector<float> identity(static_cast<std::size_t>(n) * n);
  for (int i = 0; i < n; ++i) identity[static_cast<std::size_t>(i) * n + i] = 1;
  const DeviceArray<float> x(identity);
  DeviceArray<float> y(static_cast<std::size_t>(n) * matrix.rows);
  const GemmWorkspace workspace(device_info());
  Stream stream;
  gemm(stream, workspace, {.weights = matrix, .x = x.data(), .n = n, .y = y.data(), .y_stride = matrix.rows, .precision = Precision::kFloat32});
  stream.synchronize();
  return y.download();
}

}  // namespace

TEST_CASE("cuda weights: every format unpacks to the file's values") {
  WeightFileMaker maker(1);
  for (const WeightFormat format : kAllFormats)
    for (const int columns : {block_of(format), 96, 256, 512}) {
      if (columns % block_of(format) != 0 || (columns == 512 && block_of(format) != 256)) continue;
      CAPTURE(name_of(format));
      CAPTURE(columns);
      const WeightFile file = maker.make(format, 19, columns);
      const PackedMatrix packed = pack(format, file.rows, columns, file.bytes);
      CHECK(packed.memory.size() == packed_bytes(format, file.rows, columns));
      const std::vector<float> got = unpacked(packed.matrix);
      int wrong = 0;
      for (int r = 0; r < file.rows; ++r)
        for (int c = 0; c < columns; ++c)
          wrong += std::abs(got[c * file.rows + r] - file.values[r * columns + c]) > 1.2e-7 * file.magnitudes[r * columns + c];
      CHECK(wrong == 0);
    }
}

TEST_CASE("cuda weights: two matrices interleaved by groups of eight rows") {
  WeightFileMaker maker(2);
  const int rows = 11, columns = 64, packed_rows = 2 * 16;
  const WeightFile gate = maker.make(WeightFormat::kBf16, rows, columns), up = maker.make(WeightFormat::kBf16, rows, columns);
  const PackedMatrix packed = pack_interleaved(WeightFormat::kBf16, rows, columns, gate.bytes, up.bytes);
  CHECK(packed.matrix.rows == 2 * rows);
  Matrix padded = packed.matrix;
  padded.rows = packed_rows;
  const std::vector<float> got = unpacked(padded);
  for (int r = 0; r < packed_rows; ++r) {
    const int i = r / 16 * 8 + r % 8;
    const WeightFile& from = r % 16 < 8 ? gate : up;
    for (int c = 0; c < columns; ++c) {
      const double expected = i < rows ? from.values[i * columns + c] : 0;
      REQUIRE(got[c * packed_rows + r] == expected);
    }
  }
}

TEST_CASE("cuda weights: sizes that do not fit are refused") {
  CHECK_THROWS_AS(file_row_bytes(WeightFormat::kQ4_K, 128), std::runtime_error);
  CHECK(file_row_bytes(WeightFormat::kQ4_K, 512) == 288);
  CHECK(file_row_bytes(WeightFormat::kQ6_K, 256) == 210);
  CHECK(file_row_bytes(WeightFormat::kQ8_0, 64) == 68);
  const std::vector<std::byte> bytes(100);
  CHECK_THROWS_AS(pack(WeightFormat::kQ8_0, 3, 32, bytes), std::runtime_error);
  CHECK_THROWS_AS(pack_interleaved(WeightFormat::kQ8_0, 3, 32, std::vector<std::byte>(102), bytes), std::runtime_error);
  CHECK_THROWS_AS(pack(WeightFormat::kBf16, 0, 32, {}), std::runtime_error);
}
