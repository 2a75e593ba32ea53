// The loops over rows of logits, in every variant that this processor has, against float64 and each other.
#include "engine/row_kernels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "random_rows.h"

using namespace octet;
using namespace octet::test;

TEST_CASE("row kernels: exponentials are within 2e-7 of float64, and 0 far below") {
  for (const RowKernels* kernels : all_row_kernels()) {
    CAPTURE(std::string(kernels->name));
    std::vector<float> y, e(64);
    double worst = 0;
    for (double at = 0; at > -126; at -= 1e-4) {  // down to the last normal number
      y.push_back(static_cast<float>(at));
      if (y.size() < e.size()) continue;
      kernels->exps(y.data(), y.size(), 0, 1, e.data());
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double exact = std::exp2(static_cast<double>(y[i]));
        worst = std::max(worst, std::abs(e[i] - exact) / exact);
      }
      y.clear();
    }
    CHECK(worst < 2e-7);
    const float far[] = {0, -126.6f, -1000, -3e38f, -kInfinity};
    CHECK(kernels->exps(far, 5, 0, 1, e.data()) == 1.0);
    CHECK(e[0] == 1.0f);
    for (int i = 1; i < 5; ++i) CHECK(e[i] == 0.0f);
  }
}

TEST_CASE("row kernels: all variants agree, the fused ones to the last bit") {
  const auto all = all_row_kernels();
  Source source(12);
  for (const std::size_t n : {1, 15, 16, 63, 64, 65, 1000, 8192}) {
    CAPTURE(n);
    const std::vector<float> row = make_row(0, n, source);
    const float max = *std::max_element(row.begin(), row.end());
    struct Result {
      std::vector<float> maxima, exps, values;
      std::vector<std::int32_t> indices;
      double sums[4], block, residual;
    };
    std::vector<Result> results;
    for (const RowKernels* kernels : all) {
      Result r;
      r.maxima.resize((n + kRowBlock - 1) / kRowBlock);
      r.exps.resize(n);
      r.values.resize(n + kRowLanes);
      r.indices.resize(n + kRowLanes);
      CHECK(kernels->block_maxima(row.data(), n, r.maxima.data()) == max);
      r.sums[0] = kernels->sum_exp(row.data(), n, max, 1.25f);
      const float scales[2] = {1.25f, 0.5f};
      kernels->sum_exp_pair(row.data(), n, max, scales, r.sums + 1);
      r.sums[3] = kernels->exps(row.data(), n, max, 1.25f, r.exps.data());
      CHECK(r.sums[0] == r.sums[1]);
      CHECK(r.sums[0] == r.sums[3]);
      const std::size_t count =
          kernels->gather(row.data(), n, r.maxima.data(), 1.0f, r.values.data(), r.indices.data());
      r.values.resize(count);
      r.indices.resize(count);
      kernels->multiply(r.exps.data(), n, 0.3f);
      const std::size_t m = std::min(n, kRowBlock);
      r.block = kernels->block_sum(row.data(), m);
      r.residual = kernels->block_residual(row.data(), r.exps.data(), m);
      results.push_back(r);
    }
    for (std::size_t v = 1; v < all.size(); ++v) {
      const Result &a = results[v - 1], &b = results[v];
      CHECK(a.maxima == b.maxima);
      CHECK(a.values == b.values);
      CHECK(a.indices == b.indices);
      CHECK(a.block == b.block);
      if (all[v - 1]->fused == all[v]->fused) {
        CHECK(a.exps == b.exps);
        CHECK(std::equal(a.sums, a.sums + 4, b.sums));
        CHECK(a.residual == b.residual);
      } else {
        for (int s = 0; s < 4; ++s) CHECK(a.sums[s] == doctest::Approx(b.sums[s]).epsilon(2e-7));
      }
    }
  }
}
