// A norm folded into the products around it against the same in double precision: what finishes the residual stream, then what reads it.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "any_device.h"
#include "normed_products.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/kernels/layers.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

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
      for (const CostedPlan& possible : possible_plans(forced, workspace)) {
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
    const auto shared_plan = [&](const Gemm& call) {
      for (const CostedPlan& possible : possible_plans(call, workspace))
        if (possible.plan.sharers > possible.plan.shared_tiles()) return possible.plan;
      throw std::logic_error("no plan shares tiles");
    };
    const GemmPlan adding = shared_plan(c.add()), reading = shared_plan(c.read());
    std::vector<std::byte> first;
    for (unsigned order = 0; order < 4; ++order) {
      const BlockOrder shuffled(order);
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

TEST_CASE("cuda folded norm: the embedding leaves what the first norm wants, in groups of every size") {
  constexpr int kWidth = 320, kTokens = 9;
  const std::vector<float> table = random_floats(kTokens * kWidth, 1, 3), weight = random_floats(kWidth, 2, 1);
  const PackedMatrix embedding = pack(WeightFormat::kF32, kTokens, kWidth, std::as_bytes(std::span(table)));
  const std::vector<int> tokens = {8, 0, 3};
  const DeviceArray<int> token(tokens);
  const DeviceArray<float> device_weight(weight);
  Stream stream;
  for (const int columns : {16, 32, 64}) {
    CAPTURE(columns);
    const int groups = kWidth / columns;
    DeviceArray<float> residual(tokens.size() * kWidth), squares(tokens.size() * static_cast<std::size_t>(groups));
    DeviceArray<Bf16> h(residual.size());
    embed(stream, embedding.matrix, {.lanes = 3, .rows_per_lane = 1, .token = token.data()}, residual.data(),
          {.weight = device_weight.data(), .h = h.data(), .squares = squares.data(), .group = columns});
    stream.synchronize();
    const std::vector<float> got_squares = squares.download();
    const std::vector<Bf16> got_h = h.download();
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      const float* const r = table.data() + tokens[row] * kWidth;
      for (int c = 0; c < kWidth; ++c) CHECK(got_h[row * kWidth + static_cast<std::size_t>(c)].bits == to_bf16(r[c] * weight[static_cast<std::size_t>(c)]).bits);
      for (int group = 0; group < groups; ++group) {
        double sum = 0;
        for (int c = 0; c < columns; ++c) sum += std::pow(static_cast<double>(r[group * columns + c]), 2.0);
        CHECK(got_squares[row * static_cast<std::size_t>(groups) + static_cast<std::size_t>(group)] == doctest::Approx(sum).epsilon(1e-5));
      }
    }
  }
  DeviceArray<float> residual(tokens.size() * kWidth);
  CHECK_THROWS_AS(embed(stream, embedding.matrix, {.lanes = 3, .rows_per_lane = 1, .token = token.data()}, residual.data(),
                        {.weight = device_weight.data(), .h = nullptr, .squares = nullptr, .group = 48}),
                  std::invalid_argument);
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
  refused(c.read(), [](Gemm& call) { call.norm.group = 48; });
  refused(c.add(), [](Gemm& call) { call.next.group = 48; });
  // Plans whose tiles are parts of a group: they are not among the possible ones, and refused.
  Gemm narrow = c.add();
  narrow.next.group = 16;
  int divide = 0;
  for (const CostedPlan& possible : possible_plans(narrow, workspace)) {
    if (possible.plan.writes_groups_of(kNormGroup)) continue;
    ++divide;
    CHECK_THROWS_AS(gemm_by(stream, workspace, c.add(), possible.plan), std::invalid_argument);
  }
  CHECK(divide > 0);
  for (const CostedPlan& possible : possible_plans(c.add(), workspace)) CHECK(possible.plan.writes_groups_of(kNormGroup));
}
