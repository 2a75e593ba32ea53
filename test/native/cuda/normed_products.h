// Two products with a norm between them, folded into both, and what they should give, in double precision.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "gemm_case.h"
#include "random_floats.h"

namespace octet::cuda::testing {

/// r += W1 x by a product that also leaves what the norm of r wants; then W2 of the normed r. Memory that holds nothing is NaN.
class NormedProducts {
 public:
  static constexpr int kInner = 256;  ///< Columns of W1.
  static constexpr float kEpsilon = 1e-3f;

  NormedProducts(WeightFormat format, int width, int outputs, int n, bool gated, unsigned seed, int group = kNormGroup)
      : width_(width), group_(group), outputs_(outputs), n_(n), gated_(gated), maker_(seed), first_(maker_.make(format, width, kInner)),
        gate_(maker_.make(format, outputs, width)), up_(maker_.make(format, outputs, width)),
        packed_first_(pack(format, width, kInner, first_.bytes)),
        packed_second_(gated ? pack_interleaved(format, outputs, width, gate_.bytes, up_.bytes) : pack(format, outputs, width, gate_.bytes)),
        weight_(random_floats(static_cast<std::size_t>(width), seed + 1, gated ? 0.1f : 1.0f)), device_weight_(weight_),
        bias_(random_floats(static_cast<std::size_t>(outputs), seed + 2, 1)), device_bias_(bias_) {
    const std::size_t floats = static_cast<std::size_t>(n + 2) * static_cast<std::size_t>(width);
    residual_ = DeviceArray<float>(floats);
    h_ = DeviceArray<Bf16>(floats);
    squares_ = DeviceArray<float>(floats / static_cast<std::size_t>(group));
    y_ = DeviceArray<std::byte>(static_cast<std::size_t>(n) * static_cast<std::size_t>(outputs) * (gated ? 2 : 4));
    set(seed + 3);
  }

  /// Other activations, of sizes that differ from row to row, in the same memory.
  void set(unsigned seed) {
    before_ = random_floats(residual_.size(), seed, 20);
    for (std::size_t i = 0; i < before_.size(); ++i) before_[i] *= std::exp2(static_cast<float>(i / static_cast<std::size_t>(width_) * 7 % 13) - 9);
    x_.clear();
    for (const float x : random_floats(static_cast<std::size_t>(n_) * kInner, seed + 1, 0.1f)) x_.push_back(to_bf16(x));
    device_x_ = DeviceArray<Bf16>(x_);
    residual_.upload(before_);
  }

  Gemm add() const {
    return {.weights = packed_first_.matrix, .x = device_x_.data(), .n = n_, .epilogue = Epilogue::kAdd, .y = residual_.data(), .y_stride = width_,
            .next = {.weight = device_weight_.data(), .h = h_.data(), .squares = squares_.data(), .group = group_}};
  }
  Gemm read() const {
    return {.weights = packed_second_.matrix, .x = h_.data(), .n = n_, .epilogue = gated_ ? Epilogue::kSwiGlu : Epilogue::kStore,
            .bias = gated_ ? nullptr : device_bias_.data(), .y = y_.data(), .y_stride = outputs_,
            .norm = {.squares = squares_.data(), .stride = width_ / group_, .group = group_, .epsilon = kEpsilon}};
  }

  /// Every bit that the two products leave.
  std::vector<std::byte> bits() const {
    std::vector<std::byte> all;
    const auto add = [&](const auto& array) {
      const auto host = array.download();
      const auto bytes = std::as_bytes(std::span(host));
      all.insert(all.end(), bytes.begin(), bytes.end());
    };
    add(residual_), add(h_), add(squares_), add(y_);
    return all;
  }

  /// Elements that are wrong: of r by what the product adds, of y by the r there is, h's rounding independent from element to element.
  int wrong() const {
    const std::vector<float> r = residual_.download();
    int wrong = 0;
    for (int j = 0; j < n_ + 2; ++j)
      for (int c = 0; c < width_; ++c) {
        const std::size_t at = static_cast<std::size_t>(j) * width_ + c;
        const auto x = [&](int k) { return static_cast<double>(to_float(x_[static_cast<std::size_t>(j) * kInner + k])); };
        const Sum added = j < n_ ? product(first_, c, x, 0) : Sum{0, 0};
        wrong += !(std::abs(r[at] - before_[at] - added.value) <= added.tolerance + 1e-6 * (std::abs(r[at]) + std::abs(before_[at])));
      }
    const std::vector<std::byte> y = y_.download();
    for (int j = 0; j < n_; ++j) {
      const float* const row = r.data() + static_cast<std::size_t>(j) * width_;
      double squares = 0;
      for (int c = 0; c < width_; ++c) squares += static_cast<double>(row[c]) * row[c];
      const double factor = 1 / std::sqrt(squares / width_ + kEpsilon);
      const auto x = [&](int c) { return row[c] * factor * weight_[static_cast<std::size_t>(c)]; };
      for (int o = 0; o < outputs_; ++o) {
        const std::size_t at = static_cast<std::size_t>(j) * outputs_ + o;
        const Sum first = product(gate_, o, x, 0x1p-9);
        double want = first.value + bias_[static_cast<std::size_t>(o)], tolerance = first.tolerance + 1e-6 * (1 + std::abs(want));
        double got = 0;
        if (gated_) {
          const Sum second = product(up_, o, x, 0x1p-9);
          const double silu = first.value / (1 + std::exp(-first.value));
          want = silu * second.value;
          tolerance = 1.1 * first.tolerance * (std::abs(second.value) + second.tolerance) + std::abs(silu) * second.tolerance + std::abs(want) * 0x1p-8 + 1e-6;
          got = to_float(reinterpret_cast<const Bf16*>(y.data())[at]);
        } else {
          got = reinterpret_cast<const float*>(y.data())[at];
        }
        wrong += !(std::abs(got - want) <= tolerance);
      }
    }
    return wrong;
  }

 private:
  template <class X>
  static Sum product(const WeightFile& w, int row, const X& x, double x_epsilon) {
    const Epsilon epsilon = epsilon_of(w.format, Precision::kBf16);
    double sum = 0, sizes = 0, squares = 0;
    for (int c = 0; c < w.columns; ++c) {
      const std::size_t at = static_cast<std::size_t>(row) * static_cast<std::size_t>(w.columns) + static_cast<std::size_t>(c);
      sum += w.values[at] * x(c);
      const double size = w.magnitudes[at] * std::abs(x(c));
      sizes += size;
      squares += size * size;
    }
    return {sum, (epsilon.weight + x_epsilon) * 4 * std::sqrt(squares) + epsilon.sum * sizes};
  }

  int width_, group_, outputs_, n_;
  bool gated_;
  WeightFileMaker maker_;
  WeightFile first_, gate_, up_;
  PackedMatrix packed_first_, packed_second_;
  std::vector<float> weight_;
  DeviceArray<float> device_weight_;
  std::vector<float> bias_;
  DeviceArray<float> device_bias_;
  std::vector<float> before_;
  std::vector<Bf16> x_;
  DeviceArray<Bf16> device_x_, h_;
  DeviceArray<float> residual_, squares_;
  DeviceArray<std::byte> y_;
};

}  // namespace octet::cuda::testing
