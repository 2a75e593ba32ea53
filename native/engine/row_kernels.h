// Inner loops over a row of float32 logits or probabilities, compiled once per instruction set (row_kernels*.cpp, all
// from row_kernels.inl) and chosen once at run time.
//
// Every variant keeps the same 16 running lanes (element i goes to lane i mod 16) and adds them up in the same order,
// so that results do not depend on the width of the machine's vectors nor on the alignment of the row. The variants
// with fused multiply-add (avx512, avx2, and the plain one on ARM) agree bit for bit; x86 without it may differ in the
// last bits of an exponential.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace octet {

constexpr std::size_t kRowBlock = 64;  ///< Elements that share one maximum.
constexpr std::size_t kRowLanes = 16;

struct RowKernels {
  const char* name;
  bool fused;  ///< Multiplies and adds in one rounding.

  /// maxima[b] = max of block b (the last one may be short). Returns the row's maximum, or NaN where the row holds a
  /// NaN or +inf: the maxima are meaningless then.
  float (*block_maxima)(const float* x, std::size_t n, float* maxima);

  /// sum of 2^((x[i] - max) * scale), x[i] <= max, scale > 0 and finite. What is below 2^-126.5 counts as 0.
  double (*sum_exp)(const float* x, std::size_t n, float max, float scale);

  /// The same for two scales at once.
  void (*sum_exp_pair)(const float* x, std::size_t n, float max, const float scales[2], double sums[2]);

  /// out[i] = 2^((x[i] - max) * scale) as above; returns their sum. `out` may be `x`.
  double (*exps)(const float* x, std::size_t n, float max, float scale, float* out);

  /// Lists the values >= cutoff (cutoff > -inf) and their indices in order; returns how many. Looks only into blocks
  /// whose maximum reaches the cutoff. `values` and `indices` have room for n + kRowLanes.
  std::size_t (*gather)(const float* x, std::size_t n, const float* maxima, float cutoff, float* values,
                        std::int32_t* indices);

  /// Sum of the elements below `limit`, in float32 a lane: for estimates over a few thousand elements.
  double (*sum_below)(const float* x, std::size_t n, float limit);

  void (*multiply)(float* x, std::size_t n, float factor);

  /// Sums in float64 of up to kRowBlock elements: of x, and of max(x - y, 0) taken in float32.
  double (*block_sum)(const float* x, std::size_t n);
  double (*block_residual)(const float* x, const float* y, std::size_t n);
};

/// The fastest this machine can run.
const RowKernels& row_kernels();

/// All that this machine can run, the plain one first. For tests.
std::span<const RowKernels* const> all_row_kernels();

}  // namespace octet
