// Products without tensor cores: y[j][r] = sum over c of W[r][c] x[j][c], float32 sums of exact weights. The reference path
// (Precision::kFloat32), and the way out for shapes and formats that tensor cores do not take.
//
// A warp takes one output and kRows rows of x; lanes take every 32nd column, so that each weight is decoded once for all
// rows, and the warp's sum is a fixed tree. Bound by decoding weights, not by memory.
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/formats.cuh"
#include "runtimes/cuda/kernels/gemm_epilogue.cuh"
#include "runtimes/cuda/kernels/gemm_tile.h"

namespace octet::cuda {
namespace {

constexpr int kRows = 8, kWarps = 4;

template <WeightFormat kFormat, class Element>
OCTET_DEVICE void dot(const Matrix& w, int row, const Element* x, int rows, float (&sum)[kRows]) {
  OCTET_UNROLL
  for (int j = 0; j < kRows; ++j) sum[j] = 0;
  for (int c = warp_lane(); c < w.columns; c += kWarp) {
    const float weight = weight_at<kFormat>(w, row, c);
    OCTET_UNROLL
    for (int j = 0; j < kRows; ++j)
      if (j < rows) sum[j] += weight * to_float(x[static_cast<std::size_t>(j) * w.columns + c]);
  }
  OCTET_UNROLL
  for (int j = 0; j < kRows; ++j) {
    if (j < rows) sum[j] = warp_sum(sum[j]);
  }
}

template <WeightFormat kFormat, class Element>
OCTET_KERNEL multiply_rows(Gemm call) {
  let_next_start();
  wait_for_previous();
  const Matrix& w = call.weights;
  const int output = block_x() * kWarps + warp_index(), first = block_y() * kRows;
  const int rows = call.n - first < kRows ? call.n - first : kRows;
  const bool gate = call.epilogue == Epilogue::kSwiGlu;
  if (output >= (gate ? w.rows / 2 : w.rows)) return;
  const Element* x = static_cast<const Element*>(call.x) + static_cast<std::size_t>(first) * w.columns;
  float sum[kRows], up[kRows];
  dot<kFormat>(w, gate ? interleaved_row(output, false) : output, x, rows, sum);
  if (gate) dot<kFormat>(w, interleaved_row(output, true), x, rows, up);
  OCTET_UNROLL
  for (int j = 0; j < kRows; ++j) {
    if (j >= rows || warp_lane() != j) continue;
    const std::size_t at = static_cast<std::size_t>(first + j) * call.y_stride + output;
    if (gate) static_cast<Element*>(call.y)[at] = from_float<Element>(gated(sum[j], up[j]));
    else put_sum(call.epilogue, call.bias, static_cast<float*>(call.y), at, output, sum[j]);
  }
}

template <class Element>
auto kernel_for(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return multiply_rows<WeightFormat::kF32, Element>;
    case WeightFormat::kF16: return multiply_rows<WeightFormat::kF16, Element>;
    case WeightFormat::kBf16: return multiply_rows<WeightFormat::kBf16, Element>;
    case WeightFormat::kQ8_0: return multiply_rows<WeightFormat::kQ8_0, Element>;
    case WeightFormat::kQ4_0: return multiply_rows<WeightFormat::kQ4_0, Element>;
    case WeightFormat::kQ4_K: return multiply_rows<WeightFormat::kQ4_K, Element>;
    case WeightFormat::kQ6_K: return multiply_rows<WeightFormat::kQ6_K, Element>;
  }
  throw std::invalid_argument("gemm: unknown weight format");
}

}  // namespace

template <class Element>
void multiply_plainly(Stream& stream, const Gemm& call) {
  const int outputs = call.epilogue == Epilogue::kSwiGlu ? call.weights.rows / 2 : call.weights.rows;
  const Shape shape{.grid = {(outputs + kWarps - 1) / kWarps, (call.n + kRows - 1) / kRows}, .threads = kWarps * kWarp, .overlaps_previous = true};
  launch(stream, shape, kernel_for<Element>(call.weights.format), call);
}

template void multiply_plainly<float>(Stream&, const Gemm&);
template void multiply_plainly<Bf16>(Stream&, const Gemm&);

}  // namespace octet::cuda
