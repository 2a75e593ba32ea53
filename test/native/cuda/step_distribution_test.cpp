// What lanes emit through the device's own begin, draw and accept is distributed as the target alone would have it: two tokens
// enumerated, every lane, accept lengths ragged, truncations on.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "cuda/step_case.h"
#include "statistics.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr int kVocabulary = 6, kCells = kVocabulary * kVocabulary;
constexpr FakeFunction kTarget{.seed = 11};
constexpr FakeFunction kDraft{.seed = 11, .other_seed = 77, .mix = 0.45f};
const std::vector<std::vector<Token>> kPrompts{{1, 4, 2, 0, 5}, {1, 4, 2, 3}, {5}};

// By a full sort in float64.
std::vector<double> probabilities(std::vector<Token> context, const Sampling& sampling) {
  const auto logits = kTarget.logits(Context(context), kVocabulary);
  std::vector<std::size_t> order(kVocabulary);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  if (sampling.top_k > 0) order.resize(std::min(order.size(), static_cast<std::size_t>(sampling.top_k)));
  const auto weight = [&](std::size_t token) {
    return std::exp((logits[token] - logits[order[0]]) / static_cast<double>(sampling.temperature));
  };
  double total = 0, kept = 0;
  for (const std::size_t token : order) total += weight(token);
  std::vector<double> p(kVocabulary);
  for (const std::size_t token : order)
    if (kept < sampling.top_p * total && weight(token) >= sampling.min_p) kept += p[token] = weight(token);
  for (double& x : p) x /= kept;
  return p;
}

std::vector<double> two_tokens(const std::vector<Token>& prompt, const Sampling& sampling) {
  std::vector<double> cells;
  const auto first = probabilities(prompt, sampling);
  for (Token token = 0; token < kVocabulary; ++token) {
    auto longer = prompt;
    longer.push_back(token);
    for (const double p : probabilities(longer, sampling)) cells.push_back(first[static_cast<std::size_t>(token)] * p);
  }
  return cells;
}

// Chi-square of every lane, and of every prompt's lanes together. Without a `draft` lanes are given theirs: the likeliest tokens and any others.
void check(std::optional<FakeFunction> draft, Sampling sampling, int lanes, int seeds) {
  DeviceSteps device(kTarget, draft, kVocabulary, lanes, 3);
  std::vector<std::vector<std::size_t>> by_lane(static_cast<std::size_t>(lanes), std::vector<std::size_t>(kCells));
  std::vector<std::vector<std::size_t>> by_prompt(kPrompts.size(), std::vector<std::size_t>(kCells));
  int drafted = 0, accepted = 0, ragged = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    sampling.seed = static_cast<std::uint64_t>(seed) * 1000003 + 17;
    std::vector<std::vector<Token>> tokens(static_cast<std::size_t>(lanes));
    for (int i = 0; i < lanes; ++i)
      device.open(lanes - i, kPrompts[static_cast<std::size_t>(i) % kPrompts.size()], sampling, static_cast<std::uint32_t>(i), 100);
    const auto short_of_two = [](const auto& each) { return each.size() < 2; };
    for (int step = 0; std::any_of(tokens.begin(), tokens.end(), short_of_two); ++step) {
      std::vector<DeviceSteps::Wish> wishes;
      for (int i = 0; i < lanes; ++i) {
        const auto& written = tokens[static_cast<std::size_t>(i)];
        wishes.push_back({short_of_two(written) ? lanes - i : -1, (i + seed + step) % 4});
        if (draft) continue;
        std::vector<Token> text = kPrompts[static_cast<std::size_t>(i) % kPrompts.size()];
        text.insert(text.end(), written.begin(), written.end());
        wishes.back().draft = made_up_draft(kTarget, kVocabulary, text, wishes.back().draft_length, 7, static_cast<std::uint64_t>(seed * 100 + step * 10 + i));
      }
      const cuda::StepOutput output = device.step(wishes, 3);
      int least = 9, most = 0;
      for (int i = 0; i < lanes; ++i) {
        const auto& lane = output.lane[i];
        for (const Token token : tokens_of(lane)) tokens[static_cast<std::size_t>(i)].push_back(token);
        drafted += lane.drafted;
        accepted += lane.accepted;
        if (lane.tokens > 0) least = std::min(least, lane.accepted), most = std::max(most, lane.accepted);
      }
      ragged += least < most;
    }
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto cell = static_cast<std::size_t>(tokens[i][0] * kVocabulary + tokens[i][1]);
      ++by_lane[i][cell];
      ++by_prompt[i % kPrompts.size()][cell];
    }
  }
  for (std::size_t i = 0; i < by_lane.size(); ++i) {
    CAPTURE(i);
    CHECK(goodness_of_fit(by_lane[i], two_tokens(kPrompts[i % kPrompts.size()], sampling)) > 1e-4);
  }
  for (std::size_t i = 0; i < std::min(by_prompt.size(), by_lane.size()); ++i) {
    CAPTURE(i);
    CHECK(goodness_of_fit(by_prompt[i], two_tokens(kPrompts[i], sampling)) > 1e-4);
  }
  CHECK(accepted > drafted / 5);
  CHECK(accepted < drafted * 9 / 10);
  if (lanes > 1) CHECK(ragged > seeds / 4);
}

}  // namespace

TEST_CASE("cuda step: every lane is distributed as the target alone, accepts ragged, truncations on") {
  check(kDraft, {0.9f, 5, 0.9f, 0.05f}, 8, 150);
}

TEST_CASE("cuda step: so it is without truncation") { check(kDraft, {1, 0, 1, 0}, 3, 160); }

TEST_CASE("cuda step: lanes that are given their drafts are distributed as the target alone") {
  check(std::nullopt, {0.9f, 5, 0.9f, 0.05f}, 8, 150);
  check(std::nullopt, {1, 0, 1, 0}, 3, 160);
}
