// Warping against a float64 reference that sorts the whole row, and draws against the CDF.
#include "engine/distribution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "engine/random.h"
#include "random_rows.h"
#include "statistics.h"
#include "warp_reference.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr float kLargestU = 1.0f - 0x1p-24f;

// Every combination on one row. Returns the number of combinations tried.
int check_row(Warper& warper, const std::vector<float>& row) {
  WarpReference reference(row);
  Distribution got;
  const int n = static_cast<int>(row.size());
  int tried = 0;
  for (const float temperature : {0.0f, 1e-6f, 0.2f, 0.8f, 1.0f, 1.5f, 100.0f})
    for (const int top_k : {0, 1, 2, 40, 300, n - 1, n, n + 5})
      for (const float top_p : {1.0f, 0.95f, 0.5f, 0.9999f, 1e-9f})
        for (const float min_p : {0.0f, 0.05f, 1e-4f, 1.0f}) {
          const Sampling sampling{temperature, top_k, top_p, min_p};
          float log_sum_exp = 0;
          warper.warp(row, sampling, got, &log_sum_exp);
          const std::string difference = reference.difference(sampling, got, log_sum_exp);
          ++tried;
          if (!difference.empty()) {
            CAPTURE(temperature);
            CAPTURE(top_k);
            CAPTURE(top_p);
            CAPTURE(min_p);
            FAIL_CHECK(difference);
            return tried;
          }
        }
  return tried;
}

// Checks that every u draws a token whose share of the CDF holds u, and that the counts fit.
void check_draws(const Distribution& d, std::uint64_t seed, int draws) {
  const double total = std::accumulate(d.probabilities.begin(), d.probabilities.end(), 0.0);
  std::vector<double> before(d.probabilities.size() + 1), shares(d.probabilities.size());
  for (std::size_t i = 0; i < d.probabilities.size(); ++i) {
    before[i + 1] = before[i] + d.probabilities[i] / total;
    shares[i] = d.probabilities[i] / total;
  }
  std::vector<std::size_t> counts(d.probabilities.size());
  int wrong = 0;
  for (int i = -2; i < draws; ++i) {
    const float u = i == -2 ? 0.0f : i == -1 ? kLargestU : uniform(seed, 0, i, Use::kDraft);
    const Token token = d.draw(u);
    const auto index = static_cast<std::size_t>(
        d.dense() ? token : std::find(d.ids.begin(), d.ids.end(), token) - d.ids.begin());
    REQUIRE(index < d.probabilities.size());
    wrong += d.probabilities[index] == 0 || u < before[index] - 1e-12 || u > before[index + 1] + 1e-12;
    if (i >= 0) ++counts[index];
  }
  CHECK(wrong == 0);
  if (draws > 0) CHECK(goodness_of_fit(counts, shares) > 1e-4);
}

bool same_bits(const Distribution& a, const Distribution& b) {
  return a.ids == b.ids && a.probabilities.size() == b.probabilities.size() &&
         std::memcmp(a.probabilities.data(), b.probabilities.data(), a.probabilities.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("distribution: every truncation equals a full sort in float64") {
  struct Size {
    std::size_t n;
    int rows;  // of each kind
  };
  Warper warper;  // one for all: scratch memory of another row must not show
  Source source(2024);
  int tried = 0, rows = 0;
  for (const Size size : {Size{1, 8}, {2, 20}, {3, 20}, {4, 20}, {5, 20}, {6, 20}, {7, 20}, {8, 20}, {9, 20}, {10, 20},
                          {15, 5}, {16, 5}, {17, 5}, {63, 5}, {64, 5}, {65, 5}, {512, 3}, {1000, 2}, {8192, 1}})
    for (int kind = 0; kind < 11; ++kind)
      for (int i = 0; i < size.rows; ++i, ++rows) {
        CAPTURE(size.n);
        CAPTURE(kKinds[kind]);
        tried += check_row(warper, make_row(kind, size.n, source));
      }
  CHECK(rows > 2000);
  CHECK(tried > 1000000);
}

TEST_CASE("distribution: a vocabulary of 151,936") {
  Warper warper;
  Source source(7);
  for (const int kind : {0, 1, 2, 3, 4}) {
    CAPTURE(kKinds[kind]);
    const std::vector<float> row = make_row(kind, 151936, source);
    WarpReference reference(row);
    Distribution got;
    for (const Sampling& sampling :
         {Sampling{0, 0, 1, 0}, {0.8f, 0, 0.95f, 0}, {1, 40, 1, 0}, {1, 5000, 0.9f, 0}, {1, 0, 1, 0}, {1, 0, 1, 0.02f},
          {2, 0, 0.99f, 1e-4f}, {100, 0, 0.5f, 0}}) {
      float log_sum_exp = 0;
      warper.warp(row, sampling, got, &log_sum_exp);
      CHECK(reference.difference(sampling, got, log_sum_exp) == "");
    }
  }
}

TEST_CASE("distribution: top-k where the blocks that are looked at first hold far more than their share") {
  Warper warper;
  Source source(9);
  std::vector<float> row = make_row(0, 8192, source);
  for (std::size_t i = 0; i < row.size(); ++i)
    if (i / 64 % 8 == 0) row[i] += 20;  // every eighth block
  WarpReference reference(row);
  Distribution got;
  for (const int top_k : {200, 300, 1000, 2000}) {
    CAPTURE(top_k);
    const Sampling sampling{1, top_k, 1, 0};
    float log_sum_exp = 0;
    warper.warp(row, sampling, got, &log_sum_exp);
    CHECK(reference.difference(sampling, got, log_sum_exp) == "");
  }
}

TEST_CASE("distribution: parameters out of range mean the nearest in range") {
  Warper warper;
  Distribution got, expected;
  const std::vector<float> row{1, 3, 2, 3};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto same = [&](const Sampling& odd, const Sampling& plain) {
    warper.warp(row, odd, got);
    warper.warp(row, plain, expected);
    return same_bits(got, expected);
  };
  CHECK(same({-1, 0, 1, 0}, {0, 0, 1, 0}));
  CHECK(same({nan, 0, 1, 0}, {0, 0, 1, 0}));
  CHECK(same({1, -3, 1, 0}, {1, 0, 1, 0}));
  CHECK(same({1, 0, 7, 0}, {1, 0, 1, 0}));
  CHECK(same({1, 0, nan, 0}, {1, 0, 1, 0}));
  CHECK(same({1, 0, 1, -2}, {1, 0, 1, 0}));
  CHECK(same({1, 0, 1, nan}, {1, 0, 1, 0}));
  CHECK(same({1, 0, 1, 9}, {1, 0, 1, 1}));
  warper.warp(row, {1, 0, -1, 0}, got);
  CHECK(got.ids == std::vector<Token>{1});
  warper.warp(row, {1, 0, 1, 1}, got);
  CHECK(got.ids == std::vector<Token>{1, 3});
  for (const float extreme : {std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max(), kInfinity}) {
    CAPTURE(extreme);
    warper.warp(row, {extreme, 0, 1, 0}, got);
    REQUIRE(got.probabilities.size() == 4);
    CHECK(got.probabilities[1] == doctest::Approx(extreme < 1 ? 0.5 : 0.25));
    CHECK(got.probabilities[0] == doctest::Approx(extreme < 1 ? 0 : 0.25));
    for (const Sampling& sampling : {Sampling{extreme, 0, 0.9f, 0}, {extreme, 3, 1, 0}, {extreme, 0, 1, 0.5f},
                                     {extreme, 0, 1, 1}}) {
      warper.warp(row, sampling, got);
      CHECK(got.probability(1) == doctest::Approx(1.0 / got.ids.size()));
    }
  }
}

TEST_CASE("distribution: NaN, +inf or no finite logit throws, wherever it stands") {
  Warper warper;
  Distribution got;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::size_t n : {1, 2, 63, 64, 65, 200})
    for (std::size_t at = 0; at < n; ++at)
      for (const float bad : {nan, -nan, kInfinity})
        for (const float temperature : {0.0f, 0.8f}) {
          std::vector<float> row(n, 0.5f);
          row[at] = bad;
          row[(at + 1) % n] = n > 1 ? -kInfinity : bad;
          REQUIRE_THROWS_AS(warper.warp(row, {temperature}, got), std::runtime_error);
        }
  for (const std::size_t n : {0, 1, 64, 100}) {
    const std::vector<float> row(n, -kInfinity);
    CHECK_THROWS_AS(warper.warp(row, {0.8f}, got), std::runtime_error);
    CHECK_THROWS_AS(warper.warp(row, {0.0f}, got), std::runtime_error);
  }
}

TEST_CASE("distribution: the same logits give the same bits at any alignment and after any other row") {
  Source source(5);
  Distribution first, again;
  for (const std::size_t n : {1, 7, 64, 100, 8192}) {
    const std::vector<float> row = make_row(0, n, source);
    for (const Sampling& sampling : {Sampling{0.8f, 0, 0.95f, 0}, {0.8f, 0, 1, 0}, {0.7f, 20, 0.9f, 0.01f}, {0}}) {
      float sum = 0;
      Warper().warp(row, sampling, first, &sum);
      Warper used;
      for (std::size_t offset = 0; offset < 17; ++offset) {
        used.warp(make_row(3, 500, source), {1, 0, 0.5f, 0}, again);
        std::vector<float> moved(offset + n);
        std::copy(row.begin(), row.end(), moved.begin() + offset);
        float moved_sum = 0;
        used.warp(std::span(moved).subspan(offset), sampling, again, &moved_sum);
        CHECK(same_bits(first, again));
        CHECK(sum == moved_sum);
      }
    }
  }
}

TEST_CASE("distribution: log_sum_exp asked for or not, the distribution is the same") {
  Source source(6);
  Distribution with, without;
  Warper warper;
  const std::vector<float> row = make_row(1, 3000, source);
  for (const Sampling& sampling : {Sampling{0.8f, 0, 0.95f, 0}, {1, 0, 0.95f, 0}, {1, 0, 1, 0}, {0.3f, 5, 1, 0}}) {
    float sum = 0;
    warper.warp(row, sampling, with, &sum);
    warper.warp(row, sampling, without);
    CHECK(same_bits(with, without));
  }
}

TEST_CASE("distribution: draws follow the CDF and never land on probability 0") {
  Warper warper;
  Source source(11);
  Distribution d;
  std::uint64_t seed = 0;
  for (const std::size_t n : {1, 2, 5, 10, 63, 64, 65, 130, 512})
    for (const int kind : {0, 1, 2, 4, 9, 10})
      for (const Sampling& sampling : {Sampling{1, 0, 1, 0}, {0.8f, 0, 0.9f, 0}}) {
        CAPTURE(n);
        CAPTURE(kKinds[kind]);
        warper.warp(make_row(kind, n, source), sampling, d);
        check_draws(d, ++seed, 20000);
      }
  for (const std::size_t n : {8192, 151936}) {
    warper.warp(make_row(4, n, source), {2, 0, 1, 0}, d);
    check_draws(d, ++seed, 2000);
  }
}

TEST_CASE("distribution: a u on the border between two tokens draws the second") {
  CHECK(Distribution{{}, {0.5f, 0.25f, 0.25f}}.draw(0.5f) == 1);
  CHECK(Distribution{{3, 7, 9}, {0.5f, 0.25f, 0.25f}}.draw(0.75f) == 9);
}

TEST_CASE("distribution: zeros at both ends and between are never drawn") {
  for (const std::size_t n : {3, 64, 65, 200, 1000}) {
    Distribution d;
    d.probabilities.assign(n, 0.0f);
    d.probabilities[n / 2] = 0.25f;
    d.probabilities[1] = 0.75f;
    CHECK(d.draw(0.0f) == 1);
    CHECK(d.draw(kLargestU) == static_cast<Token>(n == 3 ? 1 : n / 2));
    check_draws(d, n, 1000);
  }
  // The sum by blocks exceeds the target, that one by one does not: the last token of the block that has any probability.
  Distribution rounded;
  rounded.probabilities.assign(128, 0.0f);
  for (const std::size_t at : {0, 64}) rounded.probabilities[at] = 1;
  for (const std::size_t at : {1, 17, 33}) rounded.probabilities[at] = 0x1p-54f;
  CHECK(rounded.draw(0.5f) == 33);
  const Distribution denormal{{}, {0, 1e-38f, 0, 3e-45f, 0}};
  CHECK(denormal.draw(0.0f) == 1);
  CHECK(denormal.draw(kLargestU) == 3);
}

TEST_CASE("distribution: probability of a token, listed, absent or out of range") {
  const Distribution sparse{{3, 7, 100}, {0.5f, 0.25f, 0.25f}};
  Distribution dense{{}, {0.5f, 0, 0.5f, 0.25f}};
  dense.probabilities.resize(3);
  CHECK(sparse.probability(3) == 0.5f);
  CHECK(sparse.probability(100) == 0.25f);
  for (const Token absent : {-1, 0, 5, 101}) CHECK(sparse.probability(absent) == 0.0f);
  CHECK(dense.probability(2) == 0.5f);
  for (const Token absent : {-1, 1, 3}) CHECK(dense.probability(absent) == 0.0f);
}
