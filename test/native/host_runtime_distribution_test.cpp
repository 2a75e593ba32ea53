// The whole step over fake models that can be enumerated: what every lane emits is distributed as the target alone would have it,
// whatever is drafted, however ragged.
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "host_runtime_lanes.h"
#include "statistics.h"

using namespace octet;
using namespace octet::test;

namespace {

// The probabilities of all continuations of `length` tokens, the first token the most significant digit.
std::vector<double> enumerate(const std::vector<Token>& prompt, const Sampling& sampling, int length) {
  std::vector<double> result{1};
  std::vector<std::vector<Token>> sequences{prompt};
  for (int i = 0; i < length; ++i) {
    std::vector<double> longer;
    std::vector<std::vector<Token>> longer_sequences;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      const auto p = probabilities(kTarget.logits(Context(sequences[s]), kVocabulary), sampling);
      for (Token t = 0; t < kVocabulary; ++t) {
        longer.push_back(result[s] * p[t]);
        longer_sequences.push_back(sequences[s]);
        longer_sequences.back().push_back(t);
      }
    }
    result = std::move(longer);
    sequences = std::move(longer_sequences);
  }
  return result;
}

// The draft length of a lane in a step: ragged over lanes and steps, short enough that whole drafts and their bonus tokens fall within the first three tokens.
int short_ragged_length(int lane, int step) { return (lane + 1 + step * (lane % 3 + 1)) % 4; }

// How likely each lane's first tokens over many seeds are under the target alone.
template <class LengthOrDraftsOf>
std::vector<double> fits(Fixture&& fixture, int lanes, Sampling sampling, int length, int seeds, const LengthOrDraftsOf& drafts_of,
                         Totals* totals = nullptr) {
  const std::vector<std::vector<Token>> tokens{{1, 4, 2, 0, 5}, {1, 4, 2, 3}, {5}};
  std::vector<PromptId> prompts;
  for (const auto& prompt : tokens) prompts.push_back(fixture.open_prompt(prompt, 400));
  std::vector<std::vector<double>> expected;
  for (const auto& prompt : tokens) expected.push_back(enumerate(prompt, sampling, length));
  std::vector<std::vector<std::size_t>> counts(lanes, std::vector<std::size_t>(expected[0].size()));
  for (int seed = 0; seed < seeds; ++seed) {
    sampling.seed = static_cast<std::uint64_t>(seed) * 1000003 + 17;
    const auto emitted = run_lanes(fixture, prompts, tokens, lanes, sampling, length, drafts_of, totals);
    for (int i = 0; i < lanes; ++i) {
      std::size_t cell = 0;
      for (const Token t : emitted[i]) cell = cell * kVocabulary + static_cast<std::size_t>(t);
      ++counts[i][cell];
    }
  }
  std::vector<double> result;
  for (int i = 0; i < lanes; ++i) result.push_back(goodness_of_fit(counts[i], expected[i % tokens.size()]));
  return result;
}

}  // namespace

TEST_CASE("host runtime: every lane of 1 to 8 is distributed as the target alone, accepts ragged, truncations on") {
  for (int lanes = 1; lanes <= 8; ++lanes) {
    CAPTURE(lanes);
    Totals totals;
    const auto fit = fits(Fixture(kDraft), lanes, kTruncated, 3, 3000, short_ragged_length, &totals);
    for (std::size_t i = 0; i < fit.size(); ++i) {
      CAPTURE(i);
      CHECK(fit[i] > 1e-4);
    }
    CHECK(totals.accepted > totals.drafted / 4);
    CHECK(totals.accepted < totals.drafted * 9 / 10);
    if (lanes > 1) CHECK(totals.ragged_steps > 1000);
  }
}

TEST_CASE("host runtime: every kind of truncation, and a draft that knows nothing of its target") {
  const Sampling samplings[] = {{1, 0, 1, 0},       {0.7f, 3, 1, 0},    {1.2f, 0, 0.8f, 0},
                                {1, 0, 1, 0.2f},    {0.5f, 4, 1, 0.1f}, {2, 5, 0.95f, 0}};
  for (const FakeFunction& draft : {kDraft, kUnrelated, kTarget})
    for (const Sampling& sampling : samplings) {
      CAPTURE(draft.seed);
      CAPTURE(sampling.temperature);
      CAPTURE(sampling.top_k);
      CAPTURE(sampling.top_p);
      CAPTURE(sampling.min_p);
      const auto fit = fits(Fixture(draft), 3, sampling, 2, 2500, [](int lane, int step) { return 1 + (lane + step) % 4; });
      for (const double f : fit) CHECK(f > 1e-4);
    }
}

TEST_CASE("host runtime: drafts that are given, with certainty, good and bad ones, leave every lane distributed as the target alone") {
  for (const bool with_draft : {false, true})  // a lane may be given drafts, or draft by the model, from step to step
    for (const FakeFunction& guess : {kDraft, kUnrelated}) {
      CAPTURE(with_draft);
      CAPTURE(guess.seed);
      const DraftsOf drafts_of = [&](int lane, int step, const std::vector<Token>& text) -> Drafts {
        const int length = short_ragged_length(lane, step);
        if (with_draft && (lane + step) % 2 == 0) return {length, {}};
        return {length, guesses(guess, text, length)};
      };
      Totals totals;
      const auto fit = fits(Fixture(kDraft, {}, with_draft), 5, kTruncated, 3, 3000, drafts_of, &totals);
      for (std::size_t i = 0; i < fit.size(); ++i) {
        CAPTURE(i);
        CHECK(fit[i] > 1e-4);
      }
      CHECK(totals.accepted > totals.drafted / 10);
      CHECK(totals.accepted < totals.drafted * 9 / 10);
      CHECK(totals.ragged_steps > 1000);
    }
}

TEST_CASE("host runtime: lanes of one seed are independent of each other") {
  Fixture fixture;
  const std::vector<std::vector<Token>> tokens{{1, 4, 2}};
  const std::vector<PromptId> prompts{fixture.open_prompt(tokens[0], 100)};
  const auto p = enumerate(tokens[0], kTruncated, 1);
  std::vector<double> expected;
  for (const double a : p)
    for (const double b : p) expected.push_back(a * b);
  std::vector<std::size_t> counts(expected.size());
  for (int seed = 0; seed < 10000; ++seed) {
    Sampling sampling = kTruncated;
    sampling.seed = static_cast<std::uint64_t>(seed);
    const auto emitted = run_lanes(fixture, prompts, tokens, 2, sampling, 1, [](int, int) { return 2; });
    ++counts[static_cast<std::size_t>(emitted[0][0] * kVocabulary + emitted[1][0])];
  }
  CHECK(goodness_of_fit(counts, expected) > 1e-4);
}
