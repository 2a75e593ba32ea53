// What the host runtime asks of its models: which passes, with which rows and random numbers, and within which bounds.
#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/acceptance.h"
#include "engine/random.h"
#include "host_runtime_lanes.h"

using namespace octet;
using namespace octet::test;

namespace {

const std::vector<Token> kPrompt{1, 4, 2, 0, 5, 3, 3, 1};

/// The algorithm written out for one lane, from the models' functions alone, until it has `wanted` tokens.
std::vector<Token> speculated(const FakeFunction& draft, std::vector<Token> tokens, const Sampling& sampling, std::uint32_t stream, std::size_t wanted) {
  Warper warper;
  const std::size_t prompt = tokens.size();
  const auto u = [&](std::size_t position, Use use) { return uniform(sampling.seed, stream, static_cast<std::uint32_t>(position), use); };
  for (int step = 0; tokens.size() < prompt + wanted; ++step) {
    std::vector<Token> drafted = tokens;
    std::vector<Distribution> q(static_cast<std::size_t>(ragged_length(static_cast<int>(stream), step)));
    for (Distribution& d : q) {
      warper.warp(draft.logits(Context(drafted), kVocabulary), sampling, d);
      drafted.push_back(d.draw(u(drafted.size(), Use::kDraft)));
    }
    bool accepted = true;
    for (std::size_t j = 0; accepted; ++j) {
      const std::size_t at = tokens.size();
      Distribution p;
      warper.warp(kTarget.logits(Context(tokens), kVocabulary), sampling, p);
      accepted = j < q.size() && accepts(p, q[j], drafted[at], u(at, Use::kAccept));
      if (accepted)
        tokens.push_back(drafted[at]);
      else
        tokens.push_back(j < q.size() ? draw_residual(p, q[j], u(at, Use::kResidual)) : p.draw(u(at, Use::kTarget)));
    }
  }
  return {tokens.begin() + static_cast<std::ptrdiff_t>(prompt), tokens.begin() + static_cast<std::ptrdiff_t>(prompt + wanted)};
}

struct Bounds {
  int vocabulary = kVocabulary, sequences = 20, max_rows = 512;
};

std::unique_ptr<HostRuntime> runtime_of(const Bounds& target, const Bounds& draft) {
  const auto model = [](const Bounds& bounds) {
    return std::make_unique<FakeModel>(kTarget, bounds.vocabulary, 0, FakeModel::Limits{.sequences = bounds.sequences, .max_rows = bounds.max_rows});
  };
  const RuntimeInfo info{.name = "fake", .max_lanes = kMaxLanes, .context_tokens = 4096, .cache_tokens = 4096, .vocabulary = 9};
  return std::make_unique<HostRuntime>(info, model(target), model(draft));
}

}  // namespace

TEST_CASE("host runtime: lanes write what the algorithm, written out, draws with the numbers of their seed, stream and places") {
  for (const FakeFunction& draft : {kDraft, kUnrelated}) {
    Fixture fixture(draft);
    const PromptId id = fixture.open_prompt(kPrompt, 400);
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Sampling sampling = kTruncated;
      sampling.seed = seed << 30;
      const auto emitted = run_lanes(fixture, {id}, {kPrompt}, 4, sampling, 24, ragged_length);
      for (std::uint32_t lane = 0; lane < 4; ++lane) CHECK(emitted[lane] == speculated(draft, kPrompt, sampling, lane, 24));
    }
  }
}

TEST_CASE("host runtime: a draft reads one token of a lane that had one refused, two of one that had all accepted, each once") {
  Fixture fixture;
  const PromptId id = fixture.open_prompt(kPrompt, 400);
  const Sampling sampling{1, 0, 1, 0, 5};
  for (const LaneId lane : {1, 2}) fixture.runtime->open_lane({.id = lane, .prompt = id, .stream = static_cast<std::uint32_t>(lane), .max_new_tokens = 150, .sampling = sampling});
  bool all_accepted[] = {false, false};
  int seen[2] = {0, 0};
  for (int step = 0; step < 40; ++step) {
    const StepResult result = fixture.step({{{1, 2}, {2, 1}}});
    int rows = 2 + 1;
    for (int lane = 0; lane < 2; ++lane) {
      rows += all_accepted[lane];
      all_accepted[lane] = result.lanes[lane].accepted == result.lanes[lane].drafted;
      ++seen[all_accepted[lane]];
    }
    CHECK(result.times.draft_rows == rows);
    CHECK(result.times.draft_passes == 2);
  }
  CHECK(std::min(seen[0], seen[1]) > 10);
  for (int step = 0; step < 5; ++step) {  // nothing is read of a lane that decodes plainly
    const StepResult result = fixture.step({{{1, 1}, {2, 0}}});
    CHECK(result.times.draft_rows == 1 + all_accepted[0]);
    all_accepted[0] = result.lanes[0].accepted == 1;
  }
}

TEST_CASE("host runtime: a step tells the passes and rows that its models had, however little a pass may hold") {
  constexpr int kMostRows = 8;
  Fixture fixture(kTarget, {.max_rows = kMostRows});
  const PromptId id = fixture.open_prompt(kPrompt, 400, false);
  for (const LaneId lane : {1, 2}) fixture.runtime->open_lane({.id = lane, .prompt = id, .stream = static_cast<std::uint32_t>(lane), .max_new_tokens = 150, .sampling = {0}});
  fixture.target->before_pass = fixture.draft->before_pass = [](int) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  std::vector<Token> emitted;
  for (int step = 0; step < 30; ++step) {
    const int passes = fixture.draft->passes, draft_rows = fixture.draft->rows_decoded, target_rows = fixture.target->rows_decoded;
    const auto start = std::chrono::steady_clock::now();
    const int planned = step % 15 < 12 ? 0 : kMaxDraftLength;  // the draft falls behind by more than a pass, then catches up
    const StepResult result = fixture.step({{{1, planned}, {2, planned}}});
    const double wall_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    for (const LaneStep& lane : result.lanes) {
      CHECK(lane.drafted == (planned == 0 ? 0 : kMostRows / 2 - 1));  // with the row of its last token
      CHECK(lane.accepted == lane.drafted);
    }
    for (const EmittedToken& token : result.lanes[0].tokens) emitted.push_back(token.token);
    CHECK(result.times.draft_passes == fixture.draft->passes - passes);
    CHECK(result.times.draft_rows == fixture.draft->rows_decoded - draft_rows);
    CHECK(result.times.verify_rows == fixture.target->rows_decoded - target_rows);
    if (planned == 0) CHECK(result.times.draft_ms == 0);
    CHECK(result.times.verify_ms >= 1);
    CHECK(result.times.draft_ms >= result.times.draft_passes);
    CHECK(result.times.draft_ms + result.times.verify_ms + result.times.host_ms <= wall_ms);
  }
  CHECK(emitted == plain_greedy(kPrompt, static_cast<int>(emitted.size())));
}

TEST_CASE("host runtime: the logits of a prompt's last rows are the target's, in one pass or in several") {
  std::vector<Token> tokens;
  for (int i = 0; i < 60; ++i) tokens.push_back((i * i + i / 3) % kVocabulary);
  for (const int max_rows : {512, 7})
    for (const int rows : {1, 4, 33, 34, 59}) {
      CAPTURE(max_rows);
      CAPTURE(rows);
      Fixture fixture(kTarget, {.max_rows = max_rows});
      const PromptId id = fixture.runtime->open_prompt({tokens, 40, rows}).id;
      while (fixture.runtime->prefill(id, 16, true) > 0) {
      }
      const std::vector<float> logits = fixture.runtime->logits(id);
      std::vector<float> expected;
      for (int row = 0; row < rows; ++row) {
        const auto one = kTarget.logits(Context(std::span(tokens).first(tokens.size() - 1 - static_cast<std::size_t>(rows - 1 - row))), kVocabulary);
        expected.insert(expected.end(), one.begin(), one.end());
      }
      CHECK(logits == expected);
      for (const auto& lane : run_lanes(fixture, {id}, {tokens}, 2, {0}, 10, [](int, int) { return 2; })) CHECK(lane == plain_greedy(tokens, 10));
    }
}

TEST_CASE("host runtime: a prompt of which the draft has seen the beginning alone drafts as any other") {
  Fixture fixture(kTarget);
  fixture.runtime->close_prompt(fixture.open_prompt({kPrompt.begin(), kPrompt.begin() + 5}, 40));
  const PromptId id = fixture.open_prompt(kPrompt, 80, false);
  Totals totals;
  const auto emitted = run_lanes(fixture, {id}, {kPrompt}, 2, {0}, 30, [](int, int) { return 3; }, &totals);
  for (const auto& lane : emitted) CHECK(lane == plain_greedy(kPrompt, 30));
  CHECK(totals.accepted == totals.drafted);
}

TEST_CASE("host runtime: lanes and vocabulary are what both models have room for") {
  CHECK(runtime_of({}, {})->info().max_lanes == kMaxLanes);
  CHECK(runtime_of({.sequences = 5}, {})->info().max_lanes == 4);
  CHECK(runtime_of({}, {.sequences = 5})->info().max_lanes == 4);
  CHECK(runtime_of({.max_rows = 3}, {})->info().max_lanes == 3);
  CHECK(runtime_of({.vocabulary = 7}, {.vocabulary = 8})->info().vocabulary == 7);
  CHECK(runtime_of({.vocabulary = 8}, {.vocabulary = 7})->info().vocabulary == 7);
  CHECK(runtime_of({.vocabulary = 20}, {.vocabulary = 20})->info().vocabulary == 9);
  CHECK_THROWS_AS(runtime_of({}, {.sequences = 1}), std::runtime_error);
}

TEST_CASE("host runtime: without a draft nothing is drafted, and there is none to score with") {
  const RuntimeInfo info{.name = "fake", .max_lanes = 4, .context_tokens = 512, .cache_tokens = 512, .vocabulary = kVocabulary, .has_draft = true};
  HostRuntime runtime(info, std::make_unique<FakeModel>(kTarget, kVocabulary, 1), nullptr);
  CHECK_FALSE(runtime.info().has_draft);
  const PromptId id = runtime.open_prompt({kPrompt, 40}).id;
  while (runtime.prefill(id, 4, true) > 0) {
  }
  runtime.open_lane({.id = 1, .prompt = id, .max_new_tokens = 20, .sampling = {0}});
  std::vector<Token> emitted;
  for (int step = 0; step < 10; ++step) {
    runtime.submit({{{1, 4}}});
    const StepResult result = runtime.collect();
    CHECK(result.lanes[0].drafted == 0);
    emitted.push_back(result.lanes[0].tokens.at(0).token);
  }
  CHECK(emitted == plain_greedy(kPrompt, 10));
  runtime.close_lane(1);
  runtime.close_prompt(id);
  CHECK_THROWS_AS(runtime.score(kPrompt, true), std::runtime_error);
  CHECK(runtime.score(kPrompt, false).size() == kPrompt.size() - 1);
}

TEST_CASE("host runtime: what its contract forbids throws, and changes nothing") {
  Fixture fixture;
  CHECK_THROWS_AS(fixture.runtime->open_prompt({{}, 10}), std::logic_error);
  CHECK_THROWS_AS(fixture.runtime->open_prompt({kPrompt, 10, static_cast<int>(kPrompt.size())}), std::logic_error);
  const PromptId id = fixture.runtime->open_prompt({kPrompt, 40, 2}).id;
  CHECK_THROWS_AS(fixture.runtime->logits(id), std::logic_error);
  CHECK_THROWS_AS(fixture.runtime->open_lane({.id = 1, .prompt = id}), std::logic_error);
  while (fixture.runtime->prefill(id, 4, true) > 0) {
  }
  CHECK_THROWS_AS(fixture.runtime->open_lane({.id = 1, .prompt = id}), std::logic_error);
  CHECK(fixture.runtime->logits(id).size() == 2 * kVocabulary);
  const int shared = static_cast<int>(kPrompt.size()) - 1;
  for (const int fork : {-1, 0, shared + 1}) CHECK_THROWS_AS(fixture.runtime->open_lane({.id = 1, .prompt = id, .fork = LaneFork{fork, 1}}), std::logic_error);
  for (LaneId lane = 1; lane <= kMaxLanes; ++lane) fixture.runtime->open_lane({.id = lane, .prompt = id, .max_new_tokens = 20, .sampling = {0}});
  CHECK_THROWS_AS(fixture.runtime->open_lane({.id = 99, .prompt = id}), std::logic_error);
  fixture.runtime->submit({{{1, 2}}});
  CHECK_THROWS_AS(fixture.runtime->submit({{{2, 2}}}), std::logic_error);
  const StepResult result = fixture.runtime->collect();
  REQUIRE(result.lanes.size() == 1);
  CHECK(result.lanes[0].lane == 1);
  CHECK(result.lanes[0].tokens[0].token == plain_greedy(kPrompt, 1)[0]);
}
