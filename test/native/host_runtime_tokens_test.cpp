// The whole step, token for token, over fake models: at temperature 0 it is plain decoding, a draft like its target is never
// refused, and no lane sees its neighbours or those that were there before.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "host_runtime_lanes.h"

using namespace octet;
using namespace octet::test;

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

TEST_CASE("host runtime: with drafts that are given, right and wrong ones, every lane writes what it writes without, at any temperature") {
  const std::vector<std::vector<Token>> tokens{{1, 4, 2, 0, 5}, {1, 4, 2, 3}, {5}, {0, 0, 0, 1, 2, 3, 4, 5}};
  constexpr int kLength = 60;
  Sampling drawn = kTruncated;
  drawn.seed = 4711;
  const auto run = [&](bool with_draft, const Sampling& sampling, const DraftsOf& drafts_of, Totals& totals) {
    Fixture fixture(kDraft, {}, with_draft);
    std::vector<PromptId> prompts;
    for (const auto& prompt : tokens) prompts.push_back(fixture.open_prompt(prompt, 8 * (kLength + 16)));
    return run_lanes(fixture, prompts, tokens, 8, sampling, kLength, drafts_of, &totals);
  };
  for (const Sampling& sampling : {Sampling{0}, drawn}) {
    Totals none;
    const auto plain = run(false, sampling, [](int, int, const std::vector<Token>&) { return Drafts{}; }, none);
    for (const bool with_draft : {false, true})
      for (const FakeFunction& guess : {kDraft, kUnrelated, kTarget}) {
        CAPTURE(sampling.temperature);
        CAPTURE(with_draft);
        Totals totals;
        const DraftsOf drafts_of = [&](int lane, int step, const std::vector<Token>& text) -> Drafts {
          const int length = ragged_length(lane, step);
          if (with_draft && sampling.temperature == 0 && step % 3 == 0) return {length, {}};  // the model's, whose draws are others
          return {length, guesses(guess, text, length)};
        };
        CHECK(run(with_draft, sampling, drafts_of, totals) == plain);
        CHECK(totals.accepted > 0);
        CHECK(totals.ragged_steps > 0);
        const bool is_target = guess.seed == kTarget.seed && guess.mix == 0;
        if (!with_draft && is_target && sampling.temperature == 0) CHECK(totals.accepted == totals.drafted);
      }
  }
  Totals greedy;
  const auto emitted = run(false, {0}, [&](int, int, const std::vector<Token>& text) { return Drafts{3, guesses(kTarget, text, 3)}; }, greedy);
  for (int i = 0; i < 8; ++i) CHECK(emitted[i] == plain_greedy(tokens[i % 4], kLength));
}

TEST_CASE("host runtime: a seed's tokens are those of plain decoding, whatever drafts are given, also what the seed wrote before") {
  const std::vector<std::vector<Token>> tokens{{1, 4, 2, 0, 5}, {5}};
  constexpr int kLength = 40;
  Fixture fixture(kDraft, {}, false);
  std::vector<PromptId> prompts;
  for (const auto& prompt : tokens) prompts.push_back(fixture.open_prompt(prompt, 8 * (kLength + kMaxDraftLength + 1)));
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    Sampling sampling = kTruncated;
    sampling.seed = seed;
    const auto plain = run_lanes(fixture, prompts, tokens, 4, sampling, kLength, [](int, int) { return 0; });
    const DraftsOf guessed = [&](int, int step, const std::vector<Token>& text) -> Drafts { return {step % 5, guesses(kDraft, text, step % 5)}; };
    CHECK(run_lanes(fixture, prompts, tokens, 4, sampling, kLength, guessed) == plain);
    Totals totals;
    const DraftsOf repeated = [&](int lane, int, const std::vector<Token>& text) -> Drafts {
      const auto at = static_cast<std::ptrdiff_t>(text.size() - tokens[static_cast<std::size_t>(lane % 2)].size());
      const auto& before = plain[static_cast<std::size_t>(lane)];
      const int length = std::min(5, kLength - static_cast<int>(at));
      return {length, {before.begin() + at, before.begin() + at + length}};
    };
    CHECK(run_lanes(fixture, prompts, tokens, 4, sampling, kLength, repeated, &totals) == plain);
    CHECK(totals.accepted == totals.drafted);
  }
}

TEST_CASE("host runtime: drafts that are given are computed by no draft pass, and cut to what a step can have") {
  Fixture fixture;
  const std::vector<Token> prompt{1, 4, 2, 0, 5};
  const PromptId id = fixture.open_prompt(prompt, 200);
  fixture.runtime->open_lane({.id = 900, .prompt = id, .max_new_tokens = 100, .sampling = {0}});
  const int passes = fixture.draft->passes;
  const StepResult step = fixture.step({{{900, 3, guesses(kTarget, prompt, 3)}}});
  CHECK(fixture.draft->passes == passes);
  CHECK(step.times.draft_passes == 0);
  CHECK(step.times.draft_rows == 0);
  CHECK(step.times.verify_rows == 4);
  CHECK(step.lanes[0].accepted == 3);
  std::vector<Token> text = prompt;
  for (const EmittedToken& token : step.lanes[0].tokens) text.push_back(token.token);
  const StepResult long_step = fixture.step({{{900, 50, guesses(kTarget, text, 50)}}});
  CHECK(long_step.lanes[0].drafted == kMaxDraftLength);
  CHECK(long_step.lanes[0].accepted == kMaxDraftLength);
}

TEST_CASE("host runtime: beside a lane that is given drafts, one whose drafts are written has the prompt's draft pass, if put off, done once") {
  Fixture fixture;
  const std::vector<Token> prompt{1, 4, 2, 0, 5};
  const PromptId id = fixture.open_prompt(prompt, 200, false);
  for (LaneId lane = 910; lane < 912; ++lane)
    fixture.runtime->open_lane({.id = lane, .prompt = id, .stream = static_cast<std::uint32_t>(lane - 910), .max_new_tokens = 60, .sampling = {0}});
  const StepResult step = fixture.step({{{910, 2, guesses(kTarget, prompt, 2)}, {911, 2, {}}}});
  CHECK(step.times.draft_rows == 4 + 2);  // what the lanes share of the prompt, and a row for each token that is written
  CHECK(step.lanes[0].accepted == 2);
  CHECK(step.lanes[1].drafted == 2);
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
    const auto opened = fixture.runtime->open_prompt({after, 90});
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
