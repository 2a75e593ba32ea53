// The whole step over fake models that can be enumerated: what every lane emits is distributed as the target alone
// would have it, whatever is drafted, however ragged; at temperature 0 it is plain decoding token for token; and no
// lane sees its neighbours.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/host_runtime.h"
#include "engine/random.h"
#include "fake_model.h"
#include "statistics.h"

using namespace octet;
using octet::test::Context;
using octet::test::FakeFunction;
using octet::test::FakeModel;
using octet::test::goodness_of_fit;

namespace {

constexpr int kVocabulary = 6;
constexpr FakeFunction kTarget{.seed = 11};
constexpr FakeFunction kDraft{.seed = 11, .other_seed = 77, .mix = 0.45f};
constexpr FakeFunction kUnrelated{.seed = 500, .other_seed = 501};

struct Fixture {
  FakeModel *target, *draft;
  std::unique_ptr<HostRuntime> runtime;

  explicit Fixture(FakeFunction draft_function = kDraft, FakeModel::Limits limits = {}) {
    auto t = std::make_unique<FakeModel>(kTarget, kVocabulary, 3, limits);
    auto d = std::make_unique<FakeModel>(draft_function, kVocabulary, 1, limits);
    target = t.get();
    draft = d.get();
    RuntimeInfo info;
    info.name = "fake";
    info.max_lanes = kMaxLanes;
    info.context_tokens = info.cache_tokens = limits.cache_tokens;
    info.vocabulary = kVocabulary;
    runtime = std::make_unique<HostRuntime>(info, std::move(t), std::move(d));
  }

  PromptId open_prompt(const std::vector<Token>& tokens, int tail, bool with_draft = true) {
    const PromptId id = runtime->open_prompt(tokens, tail).id;
    while (runtime->prefill(id, 2, with_draft) > 0) {
    }
    return id;
  }

  StepResult step(const StepPlan& plan) {
    runtime->submit(plan);
    return runtime->collect();
  }
};

// A token's probabilities under `sampling`, by a full sort in float64.
std::vector<double> probabilities(const std::vector<float>& logits, const Sampling& sampling) {
  const int n = static_cast<int>(logits.size());
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return logits[a] > logits[b]; });
  std::vector<double> p(n);
  if (sampling.temperature == 0) {
    p[order[0]] = 1;
    return p;
  }
  const int most = sampling.top_k > 0 ? std::min(n, sampling.top_k) : n;
  const auto weight = [&](int rank) {
    return std::exp((logits[order[rank]] - logits[order[0]]) / static_cast<double>(sampling.temperature));
  };
  double total = 0, kept = 0;
  for (int i = 0; i < most; ++i) total += weight(i);
  for (int i = 0; i < most && kept < sampling.top_p * total && weight(i) >= sampling.min_p; ++i)
    kept += p[order[i]] = weight(i);
  for (double& x : p) x /= kept;
  return p;
}

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

std::vector<Token> plain_greedy(std::vector<Token> sequence, int length) {
  const std::size_t prompt = sequence.size();
  for (int i = 0; i < length; ++i) {
    const auto row = kTarget.logits(Context(sequence), kVocabulary);
    sequence.push_back(static_cast<Token>(std::max_element(row.begin(), row.end()) - row.begin()));
  }
  return {sequence.begin() + static_cast<std::ptrdiff_t>(prompt), sequence.end()};
}

// The draft length of a lane in a step: ragged over lanes and steps, some plain.
int ragged_length(int lane, int step) { return (3 * lane + 2 * step + lane * step) % 6; }

// The same, short enough that whole drafts and their bonus tokens fall within the first three tokens.
int short_ragged_length(int lane, int step) { return (lane + 1 + step * (lane % 3 + 1)) % 4; }

struct Totals {
  int drafted = 0, accepted = 0, ragged_steps = 0;
};

// Runs lanes, lane i on prompts[i % prompts.size()], until each has `wanted` tokens, and returns their tokens. Checks
// what a step reports on the way.
std::vector<std::vector<Token>> run_lanes(Fixture& fixture, const std::vector<PromptId>& prompts,
                                          const std::vector<std::vector<Token>>& prompt_tokens, int lanes,
                                          const Sampling& sampling, int wanted,
                                          const std::function<int(int, int)>& length_of, Totals* totals = nullptr) {
  static LaneId next_lane = 1;
  const LaneId first = next_lane;
  next_lane += lanes;
  for (int i = 0; i < lanes; ++i)
    fixture.runtime->open_lane({.id = first + i, .prompt = prompts[i % prompts.size()],
                                .stream = static_cast<std::uint32_t>(i), .max_new_tokens = wanted,
                                .sampling = sampling});
  std::vector<std::vector<Token>> emitted(lanes);
  std::vector<int> live(lanes);
  std::iota(live.begin(), live.end(), 0);
  for (int step = 0; !live.empty(); ++step) {
    StepPlan plan;
    for (const int i : live) plan.lanes.push_back({first + i, length_of(i, step)});
    const StepResult result = fixture.step(plan);
    REQUIRE(result.lanes.size() == live.size());
    int least = kMaxDraftLength, most = 0;
    for (std::size_t j = 0; j < live.size(); ++j) {
      const LaneStep& lane = result.lanes[j];
      const int i = live[j];
      REQUIRE(lane.lane == first + i);
      REQUIRE(lane.drafted == plan.lanes[j].draft_length);
      REQUIRE(lane.tokens.size() == static_cast<std::size_t>(lane.accepted) + 1);
      for (const EmittedToken& token : lane.tokens) {
        std::vector<Token> context = prompt_tokens[i % prompt_tokens.size()];
        context.insert(context.end(), emitted[i].begin(), emitted[i].end());
        const auto p = probabilities(kTarget.logits(Context(context), kVocabulary), {1, 0, 1, 0});
        REQUIRE(std::abs(token.logprob - std::log(p.at(token.token))) < 1e-5);
        emitted[i].push_back(token.token);
      }
      least = std::min(least, lane.accepted);
      most = std::max(most, lane.accepted);
      if (totals) totals->drafted += lane.drafted, totals->accepted += lane.accepted;
    }
    if (totals) totals->ragged_steps += least != most;
    std::erase_if(live, [&](int i) {
      if (static_cast<int>(emitted[i].size()) < wanted) return false;
      fixture.runtime->close_lane(first + i);
      emitted[i].resize(wanted);
      return true;
    });
  }
  return emitted;
}

// How likely each lane's first tokens over many seeds are under the target alone.
std::vector<double> fits(FakeFunction draft, int lanes, Sampling sampling, int length, int seeds,
                         const std::function<int(int, int)>& length_of, Totals* totals = nullptr) {
  const std::vector<std::vector<Token>> tokens{{1, 4, 2, 0, 5}, {1, 4, 2, 3}, {5}};
  Fixture fixture(draft);
  std::vector<PromptId> prompts;
  for (const auto& prompt : tokens) prompts.push_back(fixture.open_prompt(prompt, 400));
  std::vector<std::vector<double>> expected;
  for (const auto& prompt : tokens) expected.push_back(enumerate(prompt, sampling, length));
  std::vector<std::vector<std::size_t>> counts(lanes, std::vector<std::size_t>(expected[0].size()));
  for (int seed = 0; seed < seeds; ++seed) {
    sampling.seed = static_cast<std::uint64_t>(seed) * 1000003 + 17;
    const auto emitted = run_lanes(fixture, prompts, tokens, lanes, sampling, length, length_of, totals);
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

const Sampling kTruncated{0.9f, 5, 0.9f, 0.05f};

}  // namespace

TEST_CASE("host runtime: every lane of 1 to 8 is distributed as the target alone, accepts ragged, truncations on") {
  for (int lanes = 1; lanes <= 8; ++lanes) {
    CAPTURE(lanes);
    Totals totals;
    const auto fit = fits(kDraft, lanes, kTruncated, 3, 3000, short_ragged_length, &totals);
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
      const auto fit = fits(draft, 3, sampling, 2, 2500, [](int lane, int step) { return 1 + (lane + step) % 4; });
      for (const double f : fit) CHECK(f > 1e-4);
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

TEST_CASE("host runtime: at temperature 0 every lane is plain decoding, token for token") {
  const std::vector<std::vector<Token>> tokens{{1, 4, 2, 0, 5}, {1, 4, 2, 3}, {5}, {0, 0, 0, 1, 2, 3, 4, 5}};
  constexpr int kLength = 60;
  for (int length = 1; length <= 9; ++length) {
    CAPTURE(length);
    for (const FakeFunction& draft : {kDraft, kUnrelated, kTarget}) {
      Fixture fixture(draft);
      std::vector<PromptId> prompts;
      for (const auto& prompt : tokens) prompts.push_back(fixture.open_prompt(prompt, 8 * (kLength + 16)));
      Totals totals;
      const auto emitted = run_lanes(fixture, prompts, tokens, 8, {0}, kLength, [&](int lane, int step) {
        return length <= 8 ? length : ragged_length(lane, step);
      }, &totals);
      for (int i = 0; i < 8; ++i) CHECK(emitted[i] == plain_greedy(tokens[i % 4], kLength));
      if (draft.seed == kTarget.seed && draft.mix == 0) CHECK(totals.accepted == totals.drafted);
      if (draft.mix > 0) CHECK(totals.ragged_steps > 0);
    }
  }
}

TEST_CASE("host runtime: a draft equal to the target has every token accepted, at any temperature and length") {
  const std::vector<std::vector<Token>> tokens{{1, 4, 2, 0, 5}, {2, 3}};
  for (const int length : {1, 2, 5, 8, kMaxDraftLength}) {
    CAPTURE(length);
    Fixture fixture(kTarget);
    std::vector<PromptId> prompts;
    for (const auto& prompt : tokens) prompts.push_back(fixture.open_prompt(prompt, 1000));
    Totals totals;
    Sampling sampling = kTruncated;
    sampling.seed = 9;
    run_lanes(fixture, prompts, tokens, 4, sampling, 100, [&](int, int) { return length; }, &totals);
    CHECK(totals.drafted >= 200);
    CHECK(totals.accepted == totals.drafted);
  }
}

TEST_CASE("host runtime: a lane's tokens do not depend on its neighbours") {
  const std::vector<std::vector<Token>> tokens{{1, 4, 2, 0, 5}, {3, 3}};
  constexpr int kLength = 30;
  for (const float temperature : {0.9f, 0.0f})
    for (int length = 0; length <= 8; ++length) {
      CAPTURE(temperature);
      CAPTURE(length);
      Sampling sampling{temperature, 5, 0.95f, 0.01f, 4711};
      // The lane of stream 0, alone, and among neighbours of other draft lengths that end at other times.
      std::vector<std::vector<Token>> seen;
      for (const int lanes : {1, 2, 5, 8}) {
        Fixture fixture;
        std::vector<PromptId> prompts;
        for (const auto& prompt : tokens) prompts.push_back(fixture.open_prompt(prompt, 1000));
        const auto emitted = run_lanes(fixture, prompts, tokens, lanes, sampling, kLength, [&](int lane, int step) {
          return lane == 0 ? length : (lane + step + length) % 7;
        });
        seen.push_back(emitted[0]);
      }
      for (const auto& lane : seen) CHECK(lane == seen[0]);
    }
}

TEST_CASE("host runtime: lanes come and go between steps without touching the others") {
  const std::vector<Token> prompt{1, 4, 2, 0, 5};
  Fixture fixture;
  const PromptId id = fixture.open_prompt(prompt, 2000);
  const auto expected = plain_greedy(prompt, 200);
  std::vector<std::pair<LaneId, std::vector<Token>>> live;
  LaneId next = 1;
  int closed = 0;
  for (int step = 0; step < 120; ++step) {
    if (step % 3 == 0 && live.size() < 8) {
      fixture.runtime->open_lane({.id = next, .prompt = id, .stream = 0, .max_new_tokens = 100, .sampling = {0}});
      live.push_back({next++, {}});
    }
    StepPlan plan;
    for (std::size_t i = 0; i < live.size(); ++i)
      plan.lanes.push_back({live[live.size() - 1 - i].first, ragged_length(static_cast<int>(i), step)});
    const StepResult result = fixture.step(plan);
    for (std::size_t i = 0; i < live.size(); ++i)
      for (const EmittedToken& token : result.lanes[i].tokens)
        live[live.size() - 1 - i].second.push_back(token.token);
    if (step % 4 == 3) {
      const auto gone = live.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(step) % live.size());
      REQUIRE(gone->second.size() <= expected.size());
      CHECK(std::equal(gone->second.begin(), gone->second.end(), expected.begin()));
      fixture.runtime->close_lane(gone->first);
      live.erase(gone);
      ++closed;
    }
  }
  CHECK(closed == 30);
  for (const auto& lane : live) {
    CHECK(std::equal(lane.second.begin(), lane.second.end(), expected.begin()));
    fixture.runtime->close_lane(lane.first);
  }
  fixture.runtime->close_prompt(id);
  CHECK(fixture.target->used_cells() <= static_cast<int>(prompt.size()));
  CHECK(fixture.draft->used_cells() <= static_cast<int>(prompt.size()));
}

TEST_CASE("host runtime: a prompt whose draft pass was put off drafts all the same, also after it was closed") {
  const std::vector<Token> prompt{1, 4, 2, 0, 5, 3, 3, 1};
  const auto expected = plain_greedy(prompt, 60);
  for (const bool with_draft : {true, false}) {
    CAPTURE(with_draft);
    Fixture fixture;
    const PromptId id = fixture.open_prompt(prompt, 80, with_draft);
    fixture.runtime->open_lane({.id = 1, .prompt = id, .stream = 0, .max_new_tokens = 60, .sampling = {0}});
    fixture.runtime->close_prompt(id);
    std::vector<Token> emitted;
    for (int step = 0; emitted.size() < 40; ++step) {
      const StepResult result = fixture.step({{{1, step < 3 ? 0 : 3}}});
      for (const EmittedToken& token : result.lanes[0].tokens) emitted.push_back(token.token);
    }
    CHECK(std::equal(emitted.begin(), emitted.end(), expected.begin()));
  }
}

TEST_CASE("host runtime: a prompt that takes another's place in a full cache keeps only what both begin with") {
  FakeModel::Limits limits;
  limits.cache_tokens = 120;
  for (int common = 3; common <= 10; ++common) {
    CAPTURE(common);
    Fixture fixture(kTarget, limits);
    std::vector<Token> before, after;
    for (int i = 0; i < 20; ++i) before.push_back(i * i % kVocabulary);
    for (int i = 0; i < 14; ++i) after.push_back(i < common ? before[i] : (before[i] + 1 + i % 3) % kVocabulary);
    fixture.runtime->close_prompt(fixture.open_prompt(before, 60));
    const auto opened = fixture.runtime->open_prompt(after, 90);
    CHECK(opened.reused == common);
    while (fixture.runtime->prefill(opened.id, 2, true) > 0) {
    }
    Totals totals;
    const auto emitted = run_lanes(fixture, {opened.id}, {after}, 2, {0}, 25, [](int, int) { return 4; }, &totals);
    for (const auto& lane : emitted) CHECK(lane == plain_greedy(after, 25));
    CHECK(totals.drafted > 0);
    CHECK(totals.accepted == totals.drafted);
  }
}
