// Warping against a float64 reference that sorts the whole row, and draws against the CDF.
#include "engine/distribution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>

#include "engine/random.h"
#include "engine/row_kernels.h"
#include "statistics.h"

using namespace octet;
using octet::test::goodness_of_fit;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargestU = 1.0f - 0x1p-24f;

// What Warper::warp should give, from one full sort of the row. Roundings may move a boundary that lies within 1e-6 of
// a token, so the number of tokens kept is a range.
class Reference {
 public:
  explicit Reference(const std::vector<float>& logits) : logits_(logits), order_(logits.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](Token a, Token b) { return logits[a] > logits[b]; });
    const double max = logits[order_[0]];
    double sum = 0;
    for (const float x : logits) sum += std::exp(x - max);
    log_sum_exp_ = max + std::log(sum);
  }

  // Empty if `got` is right, or what is wrong with it.
  std::string difference(const Sampling& sampling, const Distribution& got, float log_sum_exp) {
    std::ostringstream out;
    if (!(std::abs(log_sum_exp - log_sum_exp_) <= 1e-6 + 2e-7 * std::abs(log_sum_exp_)))
      out << "log_sum_exp " << log_sum_exp << " for " << log_sum_exp_ << "; ";
    if (sampling.temperature == 0) {
      if (got.ids != std::vector<Token>{order_[0]} || got.probabilities != std::vector<float>{1.0f})
        out << "greedy is not the argmax; ";
      return out.str();
    }
    const Row& row = row_at(sampling.temperature);
    const std::size_t n = logits_.size();
    const bool truncated = (sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < n) ||
                           sampling.top_p < 1 || sampling.min_p > 0;
    if (got.dense() != !truncated) return out.str() + "dense is " + (got.dense() ? "true" : "false");
    if (got.probabilities.size() != (got.dense() ? n : got.ids.size())) return out.str() + "sizes differ";

    std::size_t fewest = n, most = n;
    if (sampling.top_k > 0) fewest = most = std::min<std::size_t>(n, sampling.top_k);
    const double total = row.prefix[most];
    const auto with_mass = [&](double mass) {
      const auto at = std::lower_bound(row.prefix.begin() + 1, row.prefix.begin() + most + 1, mass);
      return std::min<std::size_t>(at - row.prefix.begin(), most);
    };
    if (sampling.top_p < 1) {
      fewest = std::min(fewest, with_mass((sampling.top_p - 1e-6) * total));
      most = with_mass((sampling.top_p + 1e-6) * total);
    }
    const auto no_less = [&](double weight) {
      const auto reaches = [&](double w) { return w >= weight; };
      return static_cast<std::size_t>(
          std::partition_point(row.weights.begin(), row.weights.end(), reaches) - row.weights.begin());
    };
    if (sampling.min_p > 0) {
      const double slack = sampling.min_p < 1 ? 1e-9 : 0;
      fewest = std::min(fewest, no_less(sampling.min_p * (1 + slack)));
      most = std::min(most, no_less(sampling.min_p * (1 - slack)));
    }
    fewest = std::min(fewest, no_less(0x1p-126));  // float32 knows no lesser weights
    most = std::min(most, no_less(0x1p-127));

    std::vector<Token> kept;
    for (std::size_t i = 0; i < got.probabilities.size(); ++i)
      if (got.probabilities[i] > 0) kept.push_back(got.dense() ? static_cast<Token>(i) : got.ids[i]);
    if (!got.dense() && kept.size() != got.ids.size()) out << "a token of probability 0 is listed; ";
    if (!std::is_sorted(kept.begin(), kept.end())) out << "ids do not ascend; ";
    if (kept.size() < fewest || kept.size() > most)
      return out.str() + "kept " + std::to_string(kept.size()) + " of " + std::to_string(fewest) + " to " +
             std::to_string(most);
    const double mass = row.prefix[kept.size()];
    double sum = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const double weight = row.weight_of[kept[i]], expected = weight / mass;
      const double p = got.dense() ? got.probabilities[kept[i]] : got.probabilities[i];
      sum += p;
      if (row.rank[kept[i]] >= kept.size()) {
        out << "token " << kept[i] << " of rank " << row.rank[kept[i]] << " is kept; ";
        break;
      }
      if (std::abs(p - expected) > expected * (6e-7 - 1.5e-7 * std::log(weight)) + 1e-38) {
        out << "token " << kept[i] << " has " << p << " for " << expected << "; ";
        break;
      }
    }
    if (std::abs(sum - 1) > 1e-6) out << "probabilities sum to " << sum << "; ";
    return out.str();
  }

 private:
  struct Row {
    std::vector<double> weights, prefix;  // by rank; prefix[i] is the sum of the first i
    std::vector<double> weight_of;        // by token
    std::vector<std::size_t> rank;        // by token
  };
  const Row& row_at(float temperature) {
    Row& row = rows_[temperature];
    if (row.weights.empty()) {
      const double max = logits_[order_[0]];
      row.weight_of.resize(order_.size());
      row.rank.resize(order_.size());
      row.prefix.push_back(0);
      for (std::size_t i = 0; i < order_.size(); ++i) {
        const double w = std::exp((logits_[order_[i]] - max) / static_cast<double>(temperature));
        row.weights.push_back(w);
        row.prefix.push_back(row.prefix.back() + w);
        row.weight_of[order_[i]] = w;
        row.rank[order_[i]] = i;
      }
    }
    return row;
  }

  const std::vector<float>& logits_;
  std::vector<Token> order_;
  double log_sum_exp_ = 0;
  std::map<float, Row> rows_;
};

// Numbers for making rows, apart from those that tests draw with.
class Source {
 public:
  explicit Source(std::uint64_t seed) : seed_(seed) {}
  float flat() { return uniform(seed_, 99, next_++, Use::kTarget); }
  std::size_t below(std::size_t n) { return std::min(n - 1, static_cast<std::size_t>(flat() * static_cast<float>(n))); }
  float normal() {
    return std::sqrt(-2 * std::log(1 - flat())) * std::cos(6.2831853f * flat());
  }

 private:
  std::uint64_t seed_;
  std::uint32_t next_ = 0;
};

const std::string kKinds[] = {"normal", "peaked",       "equal",  "tied",       "mostly -inf", "steep",
                              "tiny differences", "huge", "lifted", "two levels", "one finite"};

std::vector<float> make_row(int kind, std::size_t n, Source& source) {
  std::vector<float> row(n);
  for (std::size_t i = 0; i < n; ++i) {
    const float z = source.normal();
    switch (kind) {
      case 0: row[i] = 3 * z; break;
      case 1: row[i] = 2 * z; break;
      case 2: row[i] = 1.5f; break;
      case 3: row[i] = std::round(2 * z); break;
      case 4: row[i] = source.flat() < 0.9f ? -kInfinity : 2 * z; break;
      case 5: row[i] = -0.5f * static_cast<float>(i % 400) + 0.1f * z; break;
      case 6: row[i] = 1 + 0x1p-23f * static_cast<float>(source.below(8)); break;
      case 7: row[i] = std::clamp(z, -3.0f, 3.0f) * (z > 0 ? 1e38f : 1e37f); break;
      case 8: row[i] = 1e4f + 3 * z; break;
      case 9: row[i] = source.flat() < 0.3f ? 4.0f : -4.0f; break;
      default: row[i] = -kInfinity; break;
    }
  }
  if (kind == 1)
    for (int j = 0; j < 5; ++j) row[source.below(n)] += 4.0f * static_cast<float>(j);
  if (kind == 4 || kind == 10) row[source.below(n)] = source.normal();
  return row;
}

// Every combination on one row. Returns the number of combinations tried.
int check_row(Warper& warper, const std::vector<float>& row) {
  Reference reference(row);
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
    Reference reference(row);
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
  const Distribution denormal{{}, {0, 1e-38f, 0, 3e-45f, 0}};
  CHECK(denormal.draw(0.0f) == 1);
  CHECK(denormal.draw(kLargestU) == 3);
}

TEST_CASE("distribution: probability of a token, listed, absent or out of range") {
  const Distribution sparse{{3, 7, 100}, {0.5f, 0.25f, 0.25f}}, dense{{}, {0.5f, 0, 0.5f}};
  CHECK(sparse.probability(3) == 0.5f);
  CHECK(sparse.probability(100) == 0.25f);
  for (const Token absent : {-1, 0, 5, 101}) CHECK(sparse.probability(absent) == 0.0f);
  CHECK(dense.probability(2) == 0.5f);
  for (const Token absent : {-1, 1, 3}) CHECK(dense.probability(absent) == 0.0f);
}

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
