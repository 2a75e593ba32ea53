// Steps on the device against the engine's own (engine/host_runtime.h), over the same models and random numbers: every step's
// counts, tokens and log-probabilities.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "any_device.h"
#include "cuda/step_case.h"
#include "engine/host_runtime.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr int kVocabulary = 12;
constexpr FakeFunction kTarget{.seed = 11};
constexpr FakeFunction kDraft{.seed = 11, .other_seed = 77, .mix = 0.35f};

struct Totals {
  int drafted = 0, accepted = 0, whole = 0, ragged = 0;
};

std::unique_ptr<HostRuntime> host_runtime(std::optional<FakeFunction> draft) {
  RuntimeInfo info;
  info.max_lanes = kMaxLanes;
  info.vocabulary = kVocabulary;
  info.context_tokens = info.cache_tokens = 4096;
  return std::make_unique<HostRuntime>(info, std::make_unique<FakeModel>(kTarget, kVocabulary, 3),
                                       draft ? std::make_unique<FakeModel>(*draft, kVocabulary, 1) : nullptr);
}

// Lane i stands in slot slot_of[i]; its draft length in step s is ragged, now and then 0. Without a `draft` lanes are given theirs, good ones
// and bad.
Totals compare(std::optional<FakeFunction> draft, const std::vector<Sampling>& samplings, const std::vector<int>& slot_of, int draft_length, int steps) {
  const std::vector<std::vector<Token>> prompts{{1, 4, 2, 0, 5}, {11}, {3, 3, 7, 7, 2, 1, 0, 9}};
  const int lanes = static_cast<int>(slot_of.size());
  const auto host = host_runtime(draft);
  std::vector<PromptId> ids;
  for (const auto& prompt : prompts) {
    ids.push_back(host->open_prompt({prompt, 600}).id);
    host->prefill(ids.back(), 100, true);
  }
  DeviceSteps device(kTarget, draft, kVocabulary, lanes, draft_length);
  std::vector<std::vector<Token>> texts;
  for (int i = 0; i < lanes; ++i) {
    const Sampling& sampling = samplings[static_cast<std::size_t>(i) % samplings.size()];
    const auto prompt = static_cast<std::size_t>(i) % prompts.size();
    host->open_lane({.id = static_cast<LaneId>(i), .prompt = ids[prompt], .stream = static_cast<std::uint32_t>(i), .max_new_tokens = 150,
                     .sampling = sampling});
    device.open(slot_of[static_cast<std::size_t>(i)], prompts[prompt], sampling, static_cast<std::uint32_t>(i), 140);
    texts.push_back(prompts[prompt]);
  }
  Totals totals;
  for (int step = 0; step < steps; ++step) {
    StepPlan plan;
    std::vector<DeviceSteps::Wish> wishes;
    for (int i = 0; i < lanes; ++i) {
      const int length = (3 * i + 2 * step + i * step) % (draft_length + 1);
      const auto lane = static_cast<std::size_t>(i);
      std::vector<Token> given;
      if (!draft) given = made_up_draft(kTarget, kVocabulary, texts[lane], length, i % 4 == 3 ? 0 : 9, static_cast<std::uint64_t>(step * 100 + i));
      plan.lanes.push_back({static_cast<LaneId>(i), length, given});
      wishes.push_back({slot_of[lane], length, given});
    }
    host->submit(plan);
    const StepResult want = host->collect();
    const cuda::StepOutput got = device.step(wishes, draft_length, !draft ? 0 : step % 5 == 4 ? 2 : 1);
    REQUIRE(got.bad_logits == 0);
    int least = kMaxDraftLength, most = 0;
    for (int i = 0; i < lanes; ++i) {
      CAPTURE(step);
      CAPTURE(i);
      const LaneStep& lane = want.lanes[static_cast<std::size_t>(i)];
      const cuda::StepOutput::Lane& mine = got.lane[i];
      REQUIRE(mine.drafted == lane.drafted);
      REQUIRE(mine.accepted == lane.accepted);
      REQUIRE(mine.tokens == lane.accepted + 1);
      for (int j = 0; j < mine.tokens; ++j) {
        REQUIRE(mine.token[j] == lane.tokens[static_cast<std::size_t>(j)].token);
        REQUIRE(std::abs(mine.logprob[j] - lane.tokens[static_cast<std::size_t>(j)].logprob) < 4e-6f);
        texts[static_cast<std::size_t>(i)].push_back(mine.token[j]);
      }
      totals.drafted += mine.drafted;
      totals.accepted += mine.accepted;
      totals.whole += mine.drafted > 0 && mine.accepted == mine.drafted;
      least = std::min(least, mine.accepted);
      most = std::max(most, mine.accepted);
    }
    totals.ragged += least != most;
  }
  return totals;
}

const std::vector<Sampling> kSamplings{
    {0.9f, 8, 0.9f, 0.05f, 1}, {1, 0, 1, 0, 2}, {0.7f, 3, 1, 0, 2}, {1.3f, 0, 0.8f, 0, 5}, {0, 0, 1, 0, 9}};
const std::vector<Sampling> kSharper{{0.3f, 8, 0.9f, 0.05f, 1}, {0.8f, 0, 1, 0, 2}, {0.2f, 0, 1, 0, 2}, {0.4f, 0, 0.8f, 0, 5}, {0, 0, 1, 0, 9}};

}  // namespace

TEST_CASE("cuda step: the engine's own steps, ragged lanes of all kinds of sampling") {
  const Totals totals = compare(kDraft, kSamplings, {3, 0, 15, 7, 8, 1, 12, 2}, 5, 24);
  CHECK(totals.accepted > totals.drafted / 4);
  CHECK(totals.accepted < totals.drafted * 9 / 10);
  CHECK(totals.whole > 10);
  CHECK(totals.ragged > 10);
}

TEST_CASE("cuda step: the engine's own steps, every lane count's edges and the longest draft") {
  compare(kDraft, kSamplings, {4}, 1, 12);
  compare(kDraft, kSamplings, {2, 9}, 32, 3);
  compare(kDraft, kSamplings, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 3, 4);
  compare(kDraft, kSamplings, {5, 6}, 0, 6);
}

TEST_CASE("cuda step: a draft equal to its target has every token accepted") {
  const Totals totals = compare(kTarget, kSamplings, {3, 0, 4}, 6, 10);
  CHECK(totals.drafted > 60);
  CHECK(totals.accepted == totals.drafted);
}

TEST_CASE("cuda step: the order of blocks and threads does not matter") {
  for (const std::uint64_t seed : {1, 2}) {
    const cuda::testing::BlockOrder shuffled(seed);
    compare(kDraft, kSamplings, {3, 0, 15}, 4, 5);
  }
}

TEST_CASE("cuda step: drafts that are given, good ones and bad, as the engine's own steps take them") {
  const Totals totals = compare(std::nullopt, kSharper, {3, 0, 15, 7, 8, 1, 12, 2}, 5, 24);
  MESSAGE(totals.accepted << " of " << totals.drafted << " drafted tokens accepted, " << totals.whole << " drafts whole");
  CHECK(totals.accepted > totals.drafted / 8);
  CHECK(totals.accepted < totals.drafted * 9 / 10);
  CHECK(totals.whole > 10);
  CHECK(totals.ragged > 10);
}

TEST_CASE("cuda step: drafts that are given, every lane count's edges and the longest draft") {
  const std::vector<Sampling> greedy{{.temperature = 0}};
  compare(std::nullopt, kSamplings, {4}, 1, 12);
  CHECK(compare(std::nullopt, greedy, {2, 9}, 32, 3).accepted > 10);
  compare(std::nullopt, kSamplings, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 3, 4);
  compare(std::nullopt, kSamplings, {5, 6}, 0, 6);
}

TEST_CASE("cuda step: drafts that are given, in any order of blocks and threads") {
  const cuda::testing::BlockOrder shuffled(1);
  compare(std::nullopt, kSamplings, {3, 0, 15}, 4, 5);
}
