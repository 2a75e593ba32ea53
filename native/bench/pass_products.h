// The products of a pass with the matrices of a published shape, each on operands of its own.
#pragma once

#include <vector>

#include "runtimes/cuda/kernels/gemm.h"
#include "runtimes/cuda/network_source.h"

namespace octet::bench {

constexpr const char* kMatrixNames[] = {"qkv", "attention-out", "gate-up", "down", "output"};

/// Which RMS norm a product has folded in (kernels/folded_norm.h).
enum class FoldedNorm { kNone, kOfX, kOfY };

struct PassProduct {
  const char* name;  ///< Of kMatrixNames.
  int rows, columns;
  cuda::Epilogue epilogue;
  FoldedNorm norm = FoldedNorm::kNone;  ///< In passes of up to kMostFoldedRows rows.

  FoldedNorm norm_at(int n) const { return n <= cuda::kMostFoldedRows ? norm : FoldedNorm::kNone; }
};

/// In bf16, as Forward puts them (runtime/forward.h) for a network all of whose matrices have the format, or Q8_0 in a K-quant's place
/// where rows are not whole super-blocks.
std::vector<PassProduct> products_of(const cuda::Architecture& shape, cuda::WeightFormat format);

/// What one product reads and writes beside its weights: x and y, cells and turns of queries and keys, the folded norm's weights and squares.
class ProductOperands {
 public:
  /// For calls of up to `most_rows` rows of x. What is read is finite; it lies ready once the stream has come so far.
  ProductOperands(cuda::Stream& stream, const cuda::Architecture& shape, const PassProduct& product, int most_rows);

  /// With `n` rows of x, in a pass of as many.
  cuda::Gemm call(const cuda::Matrix& weights, int n) const;

 private:
  cuda::HeadsOutput heads() const;

  const cuda::Architecture& shape_;
  PassProduct product_;
  cuda::DeviceArray<std::byte> x_;
  cuda::DeviceArray<float> y_;                      ///< Not with kHeads.
  cuda::DeviceArray<int> cells_;                    ///< With kHeads, as are the next two: each row to a cell of its own.
  cuda::DeviceArray<cuda::Turn> turns_;
  cuda::DeviceArray<cuda::Bf16> q_, keys_, values_;
  cuda::DeviceArray<float> norm_weight_, squares_;  ///< With a folded norm.
  cuda::DeviceArray<cuda::Bf16> normed_;            ///< With that of y.
};

}  // namespace octet::bench
