// `auto` without a draft model: what matches are worth, and which lanes draft how much.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "engine/lookup_lengths.h"

using namespace octet;

namespace {

Found found(int match, int tokens) {
  Found found{.tokens = {}, .match = match};
  for (int i = 0; i < tokens; ++i) found.tokens.push_back(100 + i);
  return found;
}

std::vector<EmittedToken> written(int right, int all) {
  std::vector<EmittedToken> tokens;
  for (int i = 0; i < all; ++i) tokens.push_back({i < right ? 100 + i : 7});
  return tokens;
}

CostModel device(const std::function<double(int rows)>& ms) {
  CostModel costs;
  for (int round = 0; round < 8; ++round)
    for (int rows = 1; rows <= 160; ++rows) costs.observe({.verify_ms = ms(rows), .verify_rows = rows});
  return costs;
}

int sum(const std::vector<int>& lengths) { return std::accumulate(lengths.begin(), lengths.end(), 0); }

const auto kFlat = [](int) { return 4.0; };
const auto kByRows = [](int rows) { return 1.0 * rows; };

}  // namespace

TEST_CASE("longer matches are hoped to be right more often") {
  const MatchChances chances;
  for (int match = 1; match < 20; ++match) {
    CHECK(chances.chance(match) > 0.2);
    CHECK(chances.chance(match) < 1);
    CHECK(chances.chance(match + 1) >= chances.chance(match));
  }
}

TEST_CASE("what came true raises a match's worth, what did not lowers it, and the token behind a right one counts as a longer match") {
  MatchChances chances;
  const double two = chances.chance(2), three = chances.chance(3), four = chances.chance(4);
  chances.observe(found(2, 3), written(1, 2));
  CHECK(chances.chance(2) > two);
  CHECK(chances.chance(3) < three);
  CHECK(chances.chance(4) == four);  // behind the wrong one nothing is known
  MatchChances all_right;
  all_right.observe(found(2, 3), written(3, 4));
  CHECK(all_right.chance(2) > two);
  CHECK(all_right.chance(3) > three);
  CHECK(all_right.chance(4) > four);
  MatchChances shorter;
  shorter.observe(found(2, 3), written(1, 1));
  CHECK(shorter.chance(2) > two);
  CHECK(shorter.chance(3) == three);
}

TEST_CASE("chances follow what is seen, and forget what was seen long ago") {
  MatchChances chances;
  for (int i = 0; i < 1000; ++i) chances.observe(found(3, 1), written(i % 4 == 0 ? 1 : 0, 1));
  CHECK(chances.chance(3) == doctest::Approx(0.25).epsilon(0.1));
  for (int i = 0; i < 1000; ++i) chances.observe(found(3, 1), written(1, 1));
  CHECK(chances.chance(3) > 0.95);
}

TEST_CASE("where rows cost nothing every token that was found is drafted") {
  const std::vector<Found> lanes{found(1, 16), found(0, 0), found(9, 4)};
  CHECK(lookup_lengths(lanes, 3, false, device(kFlat), {}) == std::vector<int>{16, 0, 4});
}

TEST_CASE("where a row costs as much as a token brings, nothing is drafted") {
  const std::vector<Found> lanes(8, found(16, 16));
  CHECK(sum(lookup_lengths(lanes, 8, false, device(kByRows), {})) == 0);
}

TEST_CASE("rows go to the likeliest tokens, whosever they are") {
  const std::vector<Found> lanes{found(1, 8), found(16, 8), found(4, 8), found(2, 8)};
  // half of a plain step is fixed: a row is worth it for a chance over some 0.6
  const std::vector<int> lengths = lookup_lengths(lanes, 4, false, device([](int rows) { return 4.0 + rows; }), {});
  CHECK(lengths[1] >= 4);
  CHECK(lengths[2] < lengths[1]);
  CHECK(lengths[3] <= lengths[2]);
  CHECK(lengths[0] == 0);
}

TEST_CASE("no other choice of lengths promises more tokens per millisecond") {
  const CostModel costs = device([](int rows) { return rows <= 6 ? 3.0 : 3.0 + 0.35 * (rows - 6); });
  const MatchChances chances;
  const std::vector<Found> lanes{found(2, 3), found(12, 3), found(5, 3)};
  const auto promise = [&](const std::vector<int>& lengths) {
    double tokens = 3;
    for (std::size_t lane = 0; lane < 3; ++lane) {
      double chance = 1;
      for (int i = 0; i < lengths[lane]; ++i) tokens += chance *= chances.chance(lanes[lane].match + i);
    }
    return tokens / costs.verify_ms(3 + sum(lengths));
  };
  double best = 0;
  for (int a = 0; a <= 3; ++a)
    for (int b = 0; b <= 3; ++b)
      for (int c = 0; c <= 3; ++c) best = std::max(best, promise({a, b, c}));
  const std::vector<int> lengths = lookup_lengths(lanes, 3, false, costs, chances);
  CHECK(sum(lengths) > 0);
  CHECK(sum(lengths) < 9);
  CHECK(promise(lengths) == doctest::Approx(best));
}

TEST_CASE("lanes of others make rows dearer or cheaper, as the device has it") {
  const CostModel costs = device([](int rows) { return rows <= 8 ? 2.0 : 2.0 + (rows - 8); });
  const std::vector<Found> lanes(2, found(16, 3));
  CHECK(sum(lookup_lengths(lanes, 2, false, costs, {})) == 6);
  CHECK(sum(lookup_lengths(lanes, 8, false, costs, {})) < 6);
}

TEST_CASE("nothing is drafted until plain steps were timed, then once, to see what a row costs") {
  CostModel costs;
  const std::vector<Found> lanes{found(1, 16), found(9, 2)};
  CHECK(sum(lookup_lengths(lanes, 2, false, costs, {})) == 0);
  for (int step = 0; step < 8; ++step) costs.observe({.verify_ms = 5, .verify_rows = 2});
  CHECK(lookup_lengths(lanes, 2, false, costs, {}) == std::vector<int>{3, 2});
  costs.observe({.verify_ms = 15, .verify_rows = 7});  // dear
  CHECK(sum(lookup_lengths(lanes, 2, false, costs, {})) < 5);
}

TEST_CASE("where the device pads rows, every lane drafts as far as it pays to give the longest draft") {
  const std::vector<Found> lanes{found(16, 8), found(2, 8), found(0, 0), found(4, 2)};
  CHECK(lookup_lengths(lanes, 4, true, device(kFlat), {}) == std::vector<int>{8, 8, 0, 2});
  CHECK(sum(lookup_lengths(lanes, 4, true, device(kByRows), {})) == 0);
  // a step of up to twelve rows costs nothing more, beyond that a row costs as much as a lane's token
  const CostModel costs = device([](int rows) { return rows <= 12 ? 4.0 : 4.0 + (rows - 12); });
  CHECK(lookup_lengths(lanes, 4, true, costs, {}) == std::vector<int>{2, 2, 0, 2});
  CHECK(lookup_lengths(lanes, 4, false, costs, {})[0] > 2);
}

TEST_CASE("in the long run auto is never much behind plain decoding, nor behind what it would do if it knew the device and the chances, with times that are noisy") {
  const std::pair<const char*, std::function<double(double)>> devices[] = {
      {"flat", [](double) { return 10.0; }},
      {"by rows", [](double rows) { return rows; }},
      {"half by rows", [](double rows) { return 8 + rows; }},
      {"free up to 8", [](double rows) { return rows <= 8 ? 10.0 : 10 + 2 * (rows - 8); }},
      {"dear beyond 1", [](double rows) { return rows <= 1 ? 10.0 : 16 + 0.1 * rows; }}};
  for (const auto& [name, device_ms] : devices)
    for (const auto& [lanes, pads] : {std::pair{1, false}, {8, false}, {8, true}})
      for (const double quality : {0.0, 0.5, 1.0}) {
        CAPTURE(name);
        CAPTURE(lanes);
        CAPTURE(pads);
        CAPTURE(quality);
        std::mt19937 random{7};
        std::uniform_real_distribution<double> uniform;
        std::normal_distribution<double> normal;
        const auto is_right = [&](int match) { return uniform(random) < quality * (1 - 0.65 * std::pow(0.8, std::min(match, kLongestMatch) - 1)); };
        CostModel costs;
        MatchChances chances, known;
        for (int match = 1; match <= kLongestMatch; ++match)
          for (int i = 0; i < 1000; ++i) known.observe(found(match, 1), written(is_right(match) ? 1 : 0, 1));
        const CostModel exact = device(device_ms);
        struct Spent {
          double tokens = 0, ms = 0;
          double rate() const { return tokens / ms; }
        } automatic, knowing, plain;
        for (int step = 0; step < 3000; ++step) {
          if (step == 1000) automatic = knowing = plain = {};  // by now it has learnt
          std::vector<Found> texts;
          std::vector<int> right;
          for (int lane = 0; lane < lanes; ++lane) {
            texts.push_back(uniform(random) < 0.4 ? found(0, 0) : found(1 + std::min(15, static_cast<int>(-3 * std::log(uniform(random) + 1e-9))), 16));
            right.push_back(0);
            const int tokens = static_cast<int>(texts.back().tokens.size());
            while (right.back() < tokens && is_right(texts.back().match + right.back())) ++right.back();
          }
          const auto rows_of = [&](const std::vector<int>& lengths) {
            return pads ? lanes * (1 + *std::max_element(lengths.begin(), lengths.end())) : lanes + sum(lengths);
          };
          const auto spend = [&](Spent& spent, const std::vector<int>& lengths) {
            for (std::size_t lane = 0; lane < lengths.size(); ++lane) spent.tokens += 1 + std::min(lengths[lane], right[lane]);
            spent.ms += device_ms(rows_of(lengths));
          };
          const std::vector<int> lengths = lookup_lengths(texts, lanes, pads, costs, chances);
          spend(automatic, lengths);
          spend(knowing, lookup_lengths(texts, lanes, pads, exact, known));
          spend(plain, std::vector<int>(static_cast<std::size_t>(lanes)));
          const int rows = rows_of(lengths);
          const double measured = device_ms(rows) * (uniform(random) < 0.02 ? 5 : 1) * std::max(0.5, 1 + 0.1 * normal(random));
          costs.observe({.verify_ms = measured, .verify_rows = rows});
          for (std::size_t lane = 0; lane < lengths.size(); ++lane)
            chances.observe(texts[lane], written(right[lane], std::min(lengths[lane], right[lane]) + 1));
        }
        CHECK(automatic.rate() > 0.97 * plain.rate());
        CHECK(automatic.rate() > 0.93 * knowing.rate());
      }
}
