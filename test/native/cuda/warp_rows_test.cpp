// Warping on the device against the engine's: small rows with every kind of tie, rows over many slices, extremes, bad rows.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "any_device.h"
#include "cuda/warp_case.h"
#include "engine/random.h"

using namespace octet;
using namespace octet::test;

namespace {

std::vector<Sampling> all_samplings(std::initializer_list<float> temperatures, std::initializer_list<int> top_k,
                                    std::initializer_list<float> top_p, std::initializer_list<float> min_p) {
  std::vector<Sampling> all;
  for (const float temperature : temperatures)
    for (const int k : top_k)
      for (const float p : top_p)
        for (const float m : min_p) all.push_back({temperature, k, p, m});
  return all;
}

// Checks one row under many samplings at once.
void check(const std::vector<float>& row, const std::vector<Sampling>& samplings) {
  std::vector<float> uniforms;
  for (std::size_t i = 0; i < samplings.size(); ++i) uniforms.push_back(uniform(3, 0, static_cast<std::uint32_t>(i), Use::kDraft));
  const WarpedRows got = warp_on_device(std::vector<std::vector<float>>(samplings.size(), row), samplings, uniforms);
  REQUIRE(got.bad_logits == 0);
  for (std::size_t i = 0; i < samplings.size(); ++i) {
    CAPTURE(samplings[i].temperature);
    CAPTURE(samplings[i].top_k);
    CAPTURE(samplings[i].top_p);
    CAPTURE(samplings[i].min_p);
    const std::string wrong = difference(row, samplings[i], got.rows[i]);
    CHECK(wrong == "");
    CHECK(probability_of(got.rows[i], row.at(static_cast<std::size_t>(got.drawn[i])), got.drawn[i]) > 0);
  }
}

// A normal row with a few likely tokens, by which a peaked model is known.
std::vector<float> random_row(int n, float spread, int likely, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> row(static_cast<std::size_t>(n));
  for (float& x : row) x = normal(random);
  for (int i = 0; i < likely; ++i) row[random() % row.size()] += 4 + static_cast<float>(random() % 64) / 8;
  return row;
}

}  // namespace

TEST_CASE("cuda warp: all sampling on small rows, with ties, plateaus and -inf") {
  const auto samplings = all_samplings({0, 0.7f, 1, 1.9f}, {0, 1, 2, 3, 5, 50}, {0, 0.3f, 0.5f, 0.9f, 1}, {0, 0.1f, 0.6f, 1});
  check({1, 2, 3, 0, -1, 2.5f}, samplings);
  check({1, 3, 3, 3, 1, 1, kMinusInfinity}, samplings);
  check({0, -0.0f, 0, -0.0f, 0, -1}, samplings);
  check({kMinusInfinity, kMinusInfinity, -5}, samplings);
  check({2}, samplings);
  check(std::vector<float>(40, 1.5f), samplings);
}

TEST_CASE("cuda warp: extreme temperatures and logits") {
  const auto samplings = all_samplings({1e-30f, 1e-3f, 0.05f, 40, 1e30f, 3e38f}, {0, 3}, {0.5f, 0.999999f, 1}, {0, 0.2f});
  check({1, 2, 3, 0, -1, 2.5f}, samplings);
  check({3e38f, -3e38f, 2.9e38f, 0, 3e38f}, samplings);
  check({1e-30f, 0, -1e-30f, 1e-38f}, samplings);
  check({-1000, -1000.5f, -1001, -1003, -2000}, samplings);
}

TEST_CASE("cuda warp: rows over many slices") {
  const auto samplings = all_samplings({0.2f, 1}, {0, 40}, {0.9f, 0.95f, 1}, {0, 0.02f});
  for (const int n : {4095, 4096, 4097, 20000}) {
    check(random_row(n, 2.2f, 30, static_cast<std::uint32_t>(n)), samplings);
    check(random_row(n, 1, 0, static_cast<std::uint32_t>(n) + 1), samplings);
  }
  check(random_row(151936, 2.2f, 30, 3), {{0.8f, 0, 0.95f, 0}, {0.8f, 40, 0.95f, 0.01f}, {1, 0, 1, 0}});
}

TEST_CASE("cuda warp: a boundary within more equal tokens than the list of candidates holds") {
  std::vector<float> row(40000, -2);
  for (std::size_t i = 0; i < row.size(); i += 3) row[i] = -2.25f;
  row[31000] = row[5] = 7;
  check(row, all_samplings({1, 0.9f}, {0, 3, 20000, 35000}, {0.4f, 0.77f, 1}, {0, 1e-4f}));
  check(std::vector<float>(20000, 0.5f), all_samplings({1}, {0, 7, 17000}, {0.3f, 1}, {0}));
}

TEST_CASE("cuda warp: draws are the engine's for the same numbers") {
  const auto samplings = all_samplings({0.8f, 1.3f}, {0, 20}, {0.9f, 1}, {0, 0.05f});
  const auto row = random_row(9000, 2, 12, 77);
  Warper warper;
  for (const Sampling& sampling : samplings) {
    std::vector<float> uniforms{0, 0x1p-24f, 1 - 0x1p-24f, 0.5f};
    for (std::uint32_t i = 0; i < 28; ++i) uniforms.push_back(uniform(11, 1, i, Use::kDraft));
    const WarpedRows got =
        warp_on_device(std::vector<std::vector<float>>(uniforms.size(), row), std::vector<Sampling>(uniforms.size(), sampling), uniforms);
    Distribution engine;
    warper.warp(row, sampling, engine);
    for (std::size_t i = 0; i < uniforms.size(); ++i) {
      const Token want = engine.draw(uniforms[i]);
      if (got.drawn[i] == want) continue;
      // Only where u lies within rounding of the edge between the two.
      double sum = 0, first = 1, second = 1;
      for (Token token = 0; token < static_cast<Token>(row.size()); ++token) {
        sum += engine.probability(token);
        if (token == std::min(want, got.drawn[i])) first = sum;
        if (token < std::max(want, got.drawn[i])) second = sum;
      }
      CHECK(std::abs(first - uniforms[i]) < 2e-6);
      CHECK(std::abs(second - uniforms[i]) < 2e-6);
    }
  }
}

TEST_CASE("cuda warp: a call leaves nothing behind for the next") {
  const auto row = random_row(5000, 2, 12, 6);
  const std::vector<Sampling> samplings{{0.8f, 0, 0.9f, 0}, {1, 30, 1, 0}};
  const WarpedRows got = warp_on_device({row, row}, samplings, {0.2f, 0.7f}, 3);
  for (std::size_t i = 0; i < samplings.size(); ++i) {
    const std::string wrong = difference(row, samplings[i], got.rows[i]);
    CHECK(wrong == "");
  }
}

TEST_CASE("cuda warp: a NaN, +inf or no finite logit is told, and spoils no other row") {
  const std::vector<float> good = random_row(5000, 2, 5, 1);
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {nan, -nan, infinity}) {
    auto row = good;
    row[4999] = bad;
    const WarpedRows got = warp_on_device({good, row, good}, std::vector<Sampling>(3), {0.5f, 0.5f, 0.5f});
    CHECK(got.bad_logits == 1);
    CHECK(got.drawn[1] == 0);
    CHECK(got.rows[1].inverse_mass == 0);
    CHECK(difference(good, {}, got.rows[0]) == "");
    CHECK(difference(good, {}, got.rows[2]) == "");
  }
  CHECK(warp_on_device(std::vector<float>(5000, kMinusInfinity), {}, 0.5f).bad_logits == 1);
  CHECK(warp_on_device(good, {.temperature = 0}, 0.5f).bad_logits == 0);
}

TEST_CASE("cuda warp: the order of blocks and threads does not matter") {
  const auto row = random_row(50000, 1.5f, 30, 5);
  const auto samplings = all_samplings({0.9f}, {0, 300}, {0.95f, 1}, {0});
  const std::vector<float> uniforms(samplings.size(), 0.371f);
  const std::vector<std::vector<float>> rows(samplings.size(), row);
  const WarpedRows first = warp_on_device(rows, samplings, uniforms);
  for (const std::uint64_t seed : {1, 2, 3}) {
    const cuda::testing::BlockOrder shuffled(seed);
    const WarpedRows got = warp_on_device(rows, samplings, uniforms);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CHECK(got.drawn[i] == first.drawn[i]);
      CHECK(got.rows[i].inverse_mass == first.rows[i].inverse_mass);
      CHECK(got.rows[i].last_logit == first.rows[i].last_logit);
      CHECK(got.rows[i].last_token == first.rows[i].last_token);
      CHECK(got.rows[i].log_sum_exp == first.rows[i].log_sum_exp);
    }
  }
}
