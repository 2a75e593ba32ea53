// A norm folded into the products around it against the same in double precision: what finishes the residual stream, then what reads it.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "gemm_case.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/kernels/layers.h"

#ifndef OCTET_CUDA_GPU
#include "runtimes/cuda/device/host/block.h"
#endif

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

constexpr float kEpsilon = 1e-3f;
constexpr WeightFormat kTensorFormats[] = {WeightFormat::kF16,  WeightFormat::kBf16, WeightFormat::kQ8_0,
                                           WeightFormat::kQ4_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K};

GemmWorkspace workspace_of(int multiprocessors) {
  DeviceInfo device = device_info();
  device.multiprocessors = multiprocessors;
  device.shared_bytes = 99 << 10;
  return GemmWorkspace(device);
}

std::vector<float> random_floats(std::size_t count, unsigned seed, float size) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, size);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// r += W1 x by a product that also leaves what the norm of r wants; then W2 of the normed r. Memory that holds nothing is NaN.
class NormedProducts {
 public:
  static constexpr int kInner = 256;  ///< Columns of W1.

  NormedProducts(WeightFormat format, int width, int outputs, int n, bool gated, unsigned seed)
      : width_(width), outputs_(outputs), n_(n), gated_(gated), maker_(seed), first_(maker_.make(format, width, kInner)),
        gate_(maker_.make(format, outputs, width)), up_(maker_.make(format, outputs, width)),
        packed_first_(pack(format, width, kInner, first_.bytes)),
        packed_second_(gated ? pack_interleaved(format, outputs, width, gate_.bytes, up_.bytes) : pack(format, outputs, width, gate_.bytes)),
        weight_(random_floats(static_cast<std::size_t>(width), seed + 1, gated ? 0.1f : 1.0f)), device_weight_(weight_),
        bias_(random_floats(static_cast<std::size_t>(outputs), seed + 2, 1)), device_bias_(bias_) {
    const std::size_t floats = static_cast<std::size_t>(n + 2) * static_cast<std::size_t>(width);
    residual_ = DeviceArray<float>(floats);
    h_ = DeviceArray<Bf16>(floats);
    squares_ = DeviceArray<float>(floats / kNormGroup);
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
            .next = {.weight = device_weight_.data(), .h = h_.data(), .squares = squares_.data()}};
  }
  Gemm read() const {
    return {.weights = packed_second_.matrix, .x = h_.data(), .n = n_, .epilogue = gated_ ? Epilogue::kSwiGlu : Epilogue::kStore,
            .bias = gated_ ? nullptr : device_bias_.data(), .y = y_.data(), .y_stride = outputs_,
            .norm = {.squares = squares_.data(), .stride = width_ / kNormGroup, .epsilon = kEpsilon}};
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

  int width_, outputs_, n_;
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

}  // namespace

TEST_CASE("cuda folded norm: every format and number of rows, before a stored and a gated product") {
  const GemmWorkspace workspace = workspace_of(5);
  for (const WeightFormat format : kTensorFormats)
    for (const int n : {1, 9, 40, 72, 144}) {
      if (n > 9 && (n + static_cast<int>(format)) % 3 != 0) continue;
      for (const bool gated : {false, true}) {
        CAPTURE(name_of(format));
        CAPTURE(n);
        CAPTURE(gated);
        NormedProducts c(format, block_of(format) == 256 ? 256 : 192, 37, n, gated, static_cast<unsigned>(n));
        Stream stream;
        for (const unsigned turn : {0u, 1u}) {  // the second finds the first's squares in its memory
          if (turn != 0) c.set(100);
          gemm(stream, workspace, c.add());
          gemm(stream, workspace, c.read());
          stream.synchronize();
          CHECK(c.wrong() == 0);
        }
      }
    }
}

TEST_CASE("cuda folded norm: every plan of the product that adds, and of the one that reads") {
  const GemmWorkspace workspace = workspace_of(3);
  for (const int n : {13, 75}) {
    NormedProducts c(WeightFormat::kQ8_0, 320, 70, n, n == 75, 7);
    const auto try_out = [&](const Gemm& forced, bool adds) {
      for (const CostedPlan& possible : possible_plans(forced.weights, n, workspace)) {
        CAPTURE(n);
        CAPTURE(adds);
        CAPTURE(possible.plan.tiles);
        CAPTURE(possible.plan.n_warps);
        CAPTURE(possible.plan.k_warps);
        Stream stream;
        c.set(8);
        if (adds) gemm_by(stream, workspace, c.add(), possible.plan);
        else gemm(stream, workspace, c.add());
        if (adds) gemm(stream, workspace, c.read());
        else gemm_by(stream, workspace, c.read(), possible.plan);
        stream.synchronize();
        CHECK(c.wrong() == 0);
      }
    };
    try_out(c.add(), true);
    try_out(c.read(), false);
  }
}

TEST_CASE("cuda folded norm: more groups than a warp has lanes, and than twice as many") {
  const GemmWorkspace workspace = workspace_of(5);
  for (const int width : {2112, 4224}) {
    CAPTURE(width);
    NormedProducts c(WeightFormat::kBf16, width, 8, 11, false, 2);
    Stream stream;
    gemm(stream, workspace, c.add());
    gemm(stream, workspace, c.read());
    stream.synchronize();
    CHECK(c.wrong() == 0);
  }
}

TEST_CASE("cuda folded norm: tiles shared by blocks in any order give the same bits") {
  const GemmWorkspace workspace = workspace_of(40);
  for (const int n : {8, 72}) {
    CAPTURE(n);
    NormedProducts c(WeightFormat::kBf16, 448, 40, n, false, 3);
    const auto shared_plan = [&](const Matrix& weights) {
      for (const CostedPlan& possible : possible_plans(weights, n, workspace))
        if (possible.plan.sharers > possible.plan.shared_tiles()) return possible.plan;
      throw std::logic_error("no plan shares tiles");
    };
    const GemmPlan adding = shared_plan(c.add().weights), reading = shared_plan(c.read().weights);
    std::vector<std::byte> first;
    for (unsigned order = 0; order < 4; ++order) {
#ifndef OCTET_CUDA_GPU
      host::shuffle_order(order);
#endif
      c.set(5);
      Stream stream;
      gemm_by(stream, workspace, c.add(), adding);
      gemm_by(stream, workspace, c.read(), reading);
      stream.synchronize();
      if (order == 0) {
        first = c.bits();
        CHECK(c.wrong() == 0);
      }
      CHECK(c.bits() == first);
    }
#ifndef OCTET_CUDA_GPU
    host::shuffle_order(0);
#endif
  }
}

TEST_CASE("cuda folded norm: rows of x that lie apart, with the factors of their own") {
  constexpr int kWidth = 128, kOutputs = 24, kRows = 12;
  const GemmWorkspace workspace = workspace_of(2);
  NormedProducts c(WeightFormat::kBf16, kWidth, kOutputs, kRows, false, 9);
  Stream stream;
  gemm(stream, workspace, c.add());
  Gemm all = c.read(), some = all;
  DeviceArray<float> every(kRows * kOutputs), third(kRows / 3 * kOutputs);
  all.y = every.data();
  gemm(stream, workspace, all);
  // Rows 2, 5, 8, 11.
  some.x = static_cast<const Bf16*>(all.x) + 2 * kWidth;
  some.x_stride = 3 * kWidth;
  some.norm.squares += 2 * all.norm.stride;
  some.norm.stride *= 3;
  some.n = kRows / 3;
  some.y = third.data();
  gemm(stream, workspace, some);
  stream.synchronize();
  const std::vector<float> want = every.download(), got = third.download();
  for (int j = 0; j < kRows / 3; ++j)
    for (int o = 0; o < kOutputs; ++o)
      CHECK(got[static_cast<std::size_t>(j * kOutputs + o)] == doctest::Approx(want[static_cast<std::size_t>((3 * j + 2) * kOutputs + o)]).epsilon(1e-5));
}

TEST_CASE("cuda folded norm: the embedding leaves what the first norm wants") {
  constexpr int kWidth = 320, kTokens = 9;
  const std::vector<float> table = random_floats(kTokens * kWidth, 1, 3), weight = random_floats(kWidth, 2, 1);
  const PackedMatrix embedding = pack(WeightFormat::kF32, kTokens, kWidth, std::as_bytes(std::span(table)));
  const std::vector<int> tokens = {8, 0, 3};
  const DeviceArray<int> token(tokens);
  const DeviceArray<float> device_weight(weight);
  DeviceArray<float> residual(tokens.size() * kWidth), squares(tokens.size() * kWidth / kNormGroup);
  DeviceArray<Bf16> h(residual.size());
  Stream stream;
  embed(stream, embedding.matrix, {.lanes = 3, .rows_per_lane = 1, .token = token.data()}, residual.data(), {device_weight.data(), h.data(), squares.data()});
  stream.synchronize();
  const std::vector<float> got_squares = squares.download();
  const std::vector<Bf16> got_h = h.download();
  for (std::size_t row = 0; row < tokens.size(); ++row) {
    const float* const r = table.data() + tokens[row] * kWidth;
    for (int c = 0; c < kWidth; ++c) CHECK(got_h[row * kWidth + static_cast<std::size_t>(c)].bits == to_bf16(r[c] * weight[static_cast<std::size_t>(c)]).bits);
    for (int group = 0; group < kWidth / kNormGroup; ++group) {
      double sum = 0;
      for (int c = 0; c < kNormGroup; ++c) sum += std::pow(static_cast<double>(r[group * kNormGroup + c]), 2.0);
      CHECK(got_squares[row * (kWidth / kNormGroup) + static_cast<std::size_t>(group)] == doctest::Approx(sum).epsilon(1e-5));
    }
  }
}

TEST_CASE("cuda folded norm: refused where it cannot be") {
  const GemmWorkspace workspace = workspace_of(2);
  NormedProducts c(WeightFormat::kBf16, 128, 24, 5, false, 1);
  Stream stream;
  const auto refused = [&](Gemm call, auto change) {
    change(call);
    CHECK_THROWS_AS(gemm(stream, workspace, call), std::invalid_argument);
  };
  refused(c.read(), [](Gemm& call) { call.n = kMostFoldedRows + 1; });
  refused(c.read(), [](Gemm& call) { call.precision = Precision::kFloat32; });
  refused(c.read(), [](Gemm& call) { call.weights.columns = 96; });
  refused(c.read(), [](Gemm& call) { call.x_stride = 4; });
  refused(c.add(), [](Gemm& call) { call.epilogue = Epilogue::kStore; });
  refused(c.add(), [](Gemm& call) { call.weights.rows = 100; });
  refused(c.add(), [](Gemm& call) { call.y_stride = 256; });
}
