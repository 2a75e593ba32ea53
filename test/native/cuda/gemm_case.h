// One product to test: a matrix of a random file, its activations, everything around them, and what must come out.
#pragma once

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "runtimes/cuda/kernels/gemm.h"
#include "weight_file.h"

namespace octet::cuda::testing {

/// The formats that tensor cores take.
constexpr WeightFormat kTensorFormats[] = {WeightFormat::kF16,  WeightFormat::kBf16, WeightFormat::kQ8_0,
                                           WeightFormat::kQ4_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K};

constexpr int kLeastShared = 99, kMostShared = 227;  // KiB that a block may have, from device to device

/// A device like this one, but with so many multiprocessors, and shared memory that every one has: the same plans everywhere.
inline GemmWorkspace workspace_of(int multiprocessors, int shared_kib = kLeastShared, bool wgmma = wgmma_asked()) {
  DeviceInfo device = device_info();
  device.multiprocessors = multiprocessors;
  device.shared_bytes = static_cast<std::size_t>(shared_kib) << 10;
  return GemmWorkspace(device, wgmma);
}

/// Those of the least and the most that kernels can have here (on the host, any): with more, steps of more units are planned.
inline std::vector<int> shared_sizes() {
  const DeviceInfo device = device_info();
  std::vector<int> sizes{kLeastShared};
  if (device.name == "host" || device.shared_bytes >= std::size_t{kMostShared} << 10) sizes.push_back(kMostShared);
  return sizes;
}

constexpr float kGuard = -12345.0f;  // where nothing may be written; exact in bf16

struct Sum {
  double value, tolerance;
};

/// What rounding allows a sum of products: the weights' own error in registers is independent from weight to weight, so
/// four deviations of it; float32's is bounded by the sum of magnitudes.
struct Epsilon {
  double weight, sum;
};

inline Epsilon epsilon_of(WeightFormat format, Precision precision) {
  if (precision == Precision::kFloat32) return {0, 1e-5};
  switch (format) {
    case WeightFormat::kF32:
    case WeightFormat::kBf16: return {0, 1e-5};
    case WeightFormat::kF16:
    case WeightFormat::kQ8_0: return {0x1p-9, 1e-5};
    default: return {0x1p-8, 1e-5};
  }
}

/// Columns beyond the matrix's rows and rows of y beyond n hold a guard; rows of x beyond n are NaN.
class GemmCase {
 public:
  GemmCase(WeightFormat format, int rows, int columns, int n, Epilogue epilogue, Precision precision, bool bias, unsigned seed)
      : n_(n), outputs_(rows), epilogue_(epilogue), precision_(precision), maker_(seed), random_(seed) {
    std::normal_distribution<float> normal;
    first_ = maker_.make(format, rows, columns);
    if (epilogue == Epilogue::kSwiGlu) {
      second_ = maker_.make(format, rows, columns);
      packed_ = pack_interleaved(format, rows, columns, first_.bytes, second_.bytes);
    } else {
      packed_ = pack(format, rows, columns, first_.bytes);
    }
    // Rows beyond n are poison.
    std::vector<float> x(static_cast<std::size_t>(n + 3) * columns, std::numeric_limits<float>::quiet_NaN());
    for (int i = 0; i < n * columns; ++i) x[i] = normal(random_) * (epilogue == Epilogue::kSwiGlu ? 0.2f : 1.0f);
    if (precision == Precision::kBf16) {
      std::vector<Bf16> rounded(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        rounded[i] = to_bf16(x[i]);
        x[i] = to_float(rounded[i]);
      }
      x_bf16_ = DeviceArray<Bf16>(rounded);
    } else {
      x_float_ = DeviceArray<float>(x);
    }
    x_ = x;
    if (bias) {
      bias_.resize(rows);
      for (float& b : bias_) b = normal(random_);
      device_bias_ = DeviceArray<float>(bias_);
    }
    stride_ = rows + 5;
    before_.assign(static_cast<std::size_t>(n + 2) * stride_, kGuard);
    if (epilogue == Epilogue::kAdd)
      for (int j = 0; j < n; ++j)
        for (int r = 0; r < rows; ++r) before_[j * stride_ + r] = normal(random_);
    if (halves()) y_bf16_ = DeviceArray<Bf16>(before_.size());
    else y_float_ = DeviceArray<float>(before_.size());
  }

  Gemm call() const {
    return {.weights = packed_.matrix,
            .x = precision_ == Precision::kBf16 ? static_cast<const void*>(x_bf16_.data()) : x_float_.data(),
            .n = n_,
            .epilogue = epilogue_,
            .bias = bias_.empty() ? nullptr : device_bias_.data(),
            .y = halves() ? static_cast<void*>(y_bf16_.data()) : y_float_.data(),
            .y_stride = stride_,
            .precision = precision_};
  }

  void reset() {
    if (!halves()) return y_float_.upload(before_);
    std::vector<Bf16> guard(before_.size(), to_bf16(kGuard));
    y_bf16_.upload(guard);
  }

  std::vector<float> result() const {
    if (!halves()) return y_float_.download();
    std::vector<float> y;
    for (const Bf16 x : y_bf16_.download()) y.push_back(to_float(x));
    return y;
  }

  /// Elements that are wrong, or written where nothing may be.
  int wrong() const {
    const std::vector<float> y = result();
    int wrong = 0;
    for (int j = 0; j < n_ + 2; ++j)
      for (int r = 0; r < stride_; ++r) {
        const float got = y[static_cast<std::size_t>(j) * stride_ + r];
        if (j >= n_ || r >= outputs_) {
          wrong += got != to_float(to_bf16(kGuard)) && got != kGuard;
        } else {
          const Sum expected = output(j, r);
          wrong += !(std::abs(got - expected.value) <= expected.tolerance);
        }
      }
    return wrong;
  }

 private:
  bool halves() const { return epilogue_ == Epilogue::kSwiGlu && precision_ == Precision::kBf16; }

  Sum product(const WeightFile& w, int j, int r) const {
    const Epsilon epsilon = epsilon_of(w.format, precision_);
    double sum = 0, sizes = 0, squares = 0;
    for (int c = 0; c < w.columns; ++c) {
      const double x = x_[static_cast<std::size_t>(j) * w.columns + c];
      sum += w.values[static_cast<std::size_t>(r) * w.columns + c] * x;
      const double size = w.magnitudes[static_cast<std::size_t>(r) * w.columns + c] * std::abs(x);
      sizes += size;
      squares += size * size;
    }
    return {sum, epsilon.weight * 4 * std::sqrt(squares) + epsilon.sum * sizes};
  }

  Sum output(int j, int r) const {
    const Sum first = product(first_, j, r);
    if (epilogue_ == Epilogue::kSwiGlu) {
      const Sum second = product(second_, j, r);
      const double silu = first.value / (1 + std::exp(-first.value)), value = silu * second.value;
      const double spread = 1.1 * first.tolerance * (std::abs(second.value) + second.tolerance) + std::abs(silu) * second.tolerance;
      return {value, spread + std::abs(value) * (halves() ? 0x1p-8 : 1e-5) + 1e-6};
    }
    double value = first.value;
    if (!bias_.empty()) value += bias_[r];
    if (epilogue_ == Epilogue::kAdd) value += before_[static_cast<std::size_t>(j) * stride_ + r];
    return {value, first.tolerance + 1e-6 * (1 + std::abs(value))};
  }

  int n_, outputs_, stride_ = 0;
  Epilogue epilogue_;
  Precision precision_;
  WeightFileMaker maker_;
  std::mt19937 random_;
  WeightFile first_{}, second_{};
  PackedMatrix packed_;
  std::vector<float> x_, bias_, before_;
  DeviceArray<Bf16> x_bf16_, y_bf16_;
  DeviceArray<float> x_float_, y_float_, device_bias_;
};

}  // namespace octet::cuda::testing
