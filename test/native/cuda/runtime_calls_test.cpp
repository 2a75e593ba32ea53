// Single calls of the CUDA runtime: what it refuses, what failures leave, drafts put off, graphs kept.
#include <doctest/doctest.h>

#include "any_device.h"
#include "runtime_calls.h"
#include "runtimes/cuda/runtime/lanes.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;

TEST_CASE("cuda runtime: a draft whose prompt was put off, or that plain steps left behind, drafts as if it had seen all") {
  const TinyPair pair(0);  // whatever it has not seen it gets wrong
  for (const auto& [with_draft, plain] : {std::pair{true, 1}, {true, 9}, {false, 0}, {false, 40}}) {
    CAPTURE(with_draft);
    CAPTURE(plain);
    const auto runtime = cuda_runtime(pair);
    runtime->open_lane(lane(1, open(*runtime, kPrompt, 1, 80, with_draft), 80));
    walk(*runtime, 1, std::vector<int>(static_cast<std::size_t>(plain), 0));
    for (const int length : {4, 4, 0, 4}) {
      const LaneStep step = walk(*runtime, 1, {length}).at(0);
      CHECK(step.drafted == length);
      CHECK(step.accepted == length);
      CHECK(step.tokens.size() == static_cast<std::size_t>(length) + 1);
    }
  }
}

TEST_CASE("cuda runtime: a prompt's draft pass that was put off is made once for its lanes") {
  const TinyPair pair(0);
  const auto runtime = cuda_runtime(pair);
  const PromptId prompt = open(*runtime, kPrompt, 2, 20, false);
  runtime->open_lane(lane(1, prompt, 20));
  runtime->open_lane(lane(2, prompt, 20));
  runtime->submit({{{1, 3}, {2, 0}}});
  runtime->submit({{{1, 3}, {2, 3}}});
  CHECK(runtime->collect().lanes.at(0).accepted == 3);
  const StepResult second = runtime->collect();
  CHECK(second.lanes.at(0).accepted == 3);
  CHECK(second.lanes.at(1).drafted == 3);
  CHECK(second.lanes.at(1).accepted == 3);
}

TEST_CASE("cuda runtime: room for one token is a step of one token, whatever the plan; a lane that has ended gives none") {
  const TinyPair pair;
  const auto runtime = cuda_runtime(pair);
  const std::vector<Token> one = {17};
  runtime->open_lane(lane(1, open(*runtime, one, 1, 1), 1));
  runtime->submit({{{1, 5}}});
  runtime->submit({{{1, 5}}});
  const LaneStep first = runtime->collect().lanes.at(0), second = runtime->collect().lanes.at(0);
  CHECK(first.tokens.size() == 1);
  CHECK(first.drafted == 0);
  CHECK(second.tokens.empty());
  CHECK(second.drafted == 0);
}

TEST_CASE("cuda runtime: cells and slots given away with steps under way are not written before those are over") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  RuntimeOptions options = tiny_options();
  options.lanes = 1;
  bool only_the_slot = false;  // else the cells too
  SUBCASE("cells") {}
  SUBCASE("a slot") { only_the_slot = true; }
  options.cache_tokens = only_the_slot ? 192 : 96;
  std::vector<Token> first, second;
  for (int i = 0; i < 40; ++i) first.push_back(i * 7 % kTinyVocabulary), second.push_back((i * 5 + 3) % kTinyVocabulary);
  const auto alone = [&](const std::vector<Token>& prompt) {
    const auto runtime = cuda_runtime(pair, options);
    runtime->open_lane(lane(1, open(*runtime, prompt, 1, 20), 20));
    return walk(*runtime, 1, {3, 3});
  };
  const auto runtime = cuda_runtime(pair, options);
  const PromptId prompt = open(*runtime, first, 1, 20), computed = only_the_slot ? open(*runtime, second, 1, 20) : 0;
  runtime->open_lane(lane(1, prompt, 20));
  runtime->submit({{{1, 3}}});
  runtime->submit({{{1, 3}}});
  runtime->close_lane(1);
  runtime->close_prompt(prompt);
  runtime->drop_cached_prompts();
  runtime->open_lane(lane(2, only_the_slot ? computed : open(*runtime, second, 1, 20), 20));
  std::vector<LaneStep> got = {runtime->collect().lanes.at(0), runtime->collect().lanes.at(0)};
  for (const LaneStep& step : walk(*runtime, 2, {3, 3})) got.push_back(step);
  std::vector<LaneStep> want = alone(first);
  for (const LaneStep& step : alone(second)) want.push_back(step);
  for (std::size_t i = 0; i < want.size(); ++i) {
    CAPTURE(i);
    CHECK(got[i].accepted == want[i].accepted);
    REQUIRE(want[i].tokens.size() > 0);
    REQUIRE(got[i].tokens.size() == want[i].tokens.size());
    for (std::size_t t = 0; t < want[i].tokens.size(); ++t) {
      CHECK(got[i].tokens[t].token == want[i].tokens[t].token);
      CHECK(std::abs(got[i].tokens[t].logprob - want[i].tokens[t].logprob) < 1e-4f);
    }
  }
}

TEST_CASE("cuda runtime: times and rows of a step") {
  const TinyPair pair;
  const auto runtime = cuda_runtime(pair);
  const PromptId prompt = open(*runtime, kPrompt, 3, 20);
  for (LaneId id = 1; id <= 3; ++id) runtime->open_lane(lane(id, prompt, 20));
  runtime->submit({{{1, 4}, {2, 4}, {3, 4}}});
  const StepTimes times = runtime->collect().times;
  CHECK(times.draft_passes == 4);
  CHECK(times.draft_rows == 12);
  CHECK(times.verify_rows == 15);
  CHECK(times.draft_ms > 0);
  CHECK(times.verify_ms > 0);
  CHECK(times.host_ms > 0);
  runtime->submit({{{1, 0}, {2, 0}, {3, 0}}});
  const StepTimes plain = runtime->collect().times;
  CHECK(plain.draft_passes == 0);
  CHECK(plain.verify_rows == 3);
}

TEST_CASE("cuda runtime: NaN logits are an error of their step, and later steps are safe") {
  TinyPair pair;
  pair.draft.spoil(3);
  const auto runtime = cuda_runtime(pair);
  const PromptId prompt = open(*runtime, kPrompt, 2, 20);
  runtime->open_lane(lane(1, prompt, 20));
  runtime->submit({{{1, 2}}});
  CHECK_THROWS_WITH_AS(runtime->collect(), "The model returned NaN or infinite logits: its file is damaged, or the device computes it wrongly", std::runtime_error);
  runtime->close_lane(1);
  runtime->close_prompt(prompt);
  const auto clean = cuda_runtime(TinyPair());
  const auto tokens = [](Runtime& on) {
    on.open_lane(lane(2, open(on, kPrompt, 1, 20), 20));
    std::vector<Token> all;
    for (const LaneStep& step : walk(on, 2, {0, 0, 0, 0, 0})) all.push_back(step.tokens.at(0).token);
    return all;
  };
  CHECK(tokens(*runtime) == tokens(*clean));
}

TEST_CASE("cuda runtime: what cannot be is refused, and refusing changes nothing") {
  const TinyPair pair;
  RuntimeOptions options = tiny_options();
  options.cache_tokens = 128;
  options.lanes = 2;
  const auto runtime = cuda_runtime(pair, options);
  CHECK(runtime->depth() == 2);
  CHECK(runtime->info().max_lanes == 2);
  CHECK_THROWS_AS(runtime->open_prompt({std::vector<Token>(60, 1), 69}), CacheFull);
  CHECK_THROWS_AS(runtime->submit({}), std::logic_error);
  CHECK_THROWS_AS(runtime->collect(), std::logic_error);
  const PromptId prompt = runtime->open_prompt({kPrompt, 20}).id;
  CHECK_THROWS_AS(runtime->open_lane(lane(1, prompt, 5)), std::logic_error);  // not computed
  while (runtime->prefill(prompt, 100, true) > 0) {}
  CHECK_THROWS_AS(runtime->open_lane(lane(1, prompt, 22)), std::logic_error);  // beyond what was reserved
  CHECK_THROWS_AS(runtime->open_lane(lane(1, prompt, 95)), std::logic_error);
  runtime->open_lane(lane(1, prompt, 5));
  CHECK_THROWS_AS(runtime->open_lane(lane(1, prompt, 5)), std::logic_error);
  runtime->open_lane(lane(2, prompt, 5));
  CHECK_THROWS_AS(runtime->open_lane(lane(3, prompt, 5)), std::logic_error);
  CHECK_THROWS_AS(runtime->submit({{{7, 1}}}), std::logic_error);
  runtime->close_lane(7);
  runtime->submit({{{1, 1}, {2, 1}}});
  runtime->submit({{{2, 1}}});
  CHECK_THROWS_AS(runtime->submit({{{1, 1}}}), std::logic_error);
  CHECK(runtime->collect().lanes.size() == 2);
  CHECK(runtime->collect().lanes.at(0).lane == 2);

  options.cache_tokens = 1 << 30;
  CHECK_THROWS_WITH_AS(cuda_runtime(pair, options), doctest::Contains("out of memory"), std::runtime_error);
  options.cache_tokens = 16;
  CHECK_THROWS_AS(cuda_runtime(pair, options), std::logic_error);
}

TEST_CASE("cuda lanes: slots, neighbours, sizes of graphs") {
  Lanes lanes(4);
  for (LaneId id = 10; id < 14; ++id) lanes.open(id, id % 2, 3);
  CHECK_THROWS_AS(lanes.open(14, 0, 3), std::logic_error);
  lanes.close(12);
  CHECK(lanes.open(14, 5, 3).slot == 2);
  const auto batch = side_by_side({{{10, 1}, {14, 9}, {11, 3}, {13, 2}}}, lanes, 4, false);
  std::vector<std::vector<int>> seen;
  for (const PlannedLane& lane : batch) seen.push_back({lane.lane->slot, lane.draft_length, lane.at});
  CHECK(seen == std::vector<std::vector<int>>{{0, 1, 0}, {2, 4, 1}, {1, 3, 2}, {3, 2, 3}});
  lanes.close(14);
  lanes.open(15, 1, 3);
  const auto mixed = side_by_side({{{10, 0}, {11, 0}, {15, 0}, {13, 0}}}, lanes, 4, false);
  std::vector<PromptId> prompts;
  for (const PlannedLane& lane : mixed) prompts.push_back(lane.lane->prompt);
  CHECK(prompts == std::vector<PromptId>{0, 1, 1, 1});
  const auto apart = side_by_side({{{11, 0}, {10, 0}, {13, 0}}}, lanes, 4, false);
  CHECK(apart[1].at == 2);
  lanes.close(10);
  lanes.open(16, 1, 2);  // shares less of the prompt of 11, 13 and 15
  std::vector<LaneId> order;
  for (const PlannedLane& lane : side_by_side({{{11, 0}, {16, 0}, {13, 0}, {15, 0}}}, lanes, 4, false)) order.push_back(lane.lane->id);
  CHECK(order == std::vector<LaneId>{11, 13, 15, 16});
  const StepPlan giving{{{11, 2, {4, 5}}, {16, 3, {}}, {13, 3, {6, 7, 8}}}};
  const auto given = side_by_side(giving, lanes, 2, true);
  CHECK(given[0].draft.size() == 2);
  CHECK(given[1].draft[0] == 6);  // beside its mate
  CHECK(given[1].draft_length == 2);
  CHECK(given[2].draft_length == 0);
  CHECK(given[2].draft.empty());
  CHECK_THROWS_AS(side_by_side(giving, lanes, 2, false), std::logic_error);
  CHECK(graph_lanes(5, 8) == 6);
  CHECK(graph_lanes(7, 7) == 7);
  CHECK(graph_lanes(13, 16) == 16);
  CHECK(graph_lanes(1, 1) == 1);
}
