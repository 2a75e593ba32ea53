// The CUDA runtime without a draft network: drafts that plans give, what bounds them and which are refused.
#include <doctest/doctest.h>

#include "runtime_calls.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;

TEST_CASE("cuda runtime: without a draft every plan that gives none is plain") {
  const TinyPair pair;
  const auto runtime = cuda_runtime(pair, tiny_options(), false);
  CHECK_FALSE(runtime->info().has_draft);
  CHECK(runtime->info().takes_drafts);
  runtime->open_lane(lane(1, open(*runtime, kPrompt, 1, 20), 20));
  for (const LaneStep& step : walk(*runtime, 1, {4, 4})) {
    CHECK(step.drafted == 0);
    CHECK(step.tokens.size() == 1);
  }
  CHECK_THROWS_AS(runtime->score(kPrompt, true), std::runtime_error);
}

TEST_CASE("cuda runtime: drafts that a plan gives are cut to the longest there may be and to the lane's room; no pass of a draft is told") {
  const TinyPair pair;
  RuntimeOptions options = tiny_options();
  options.most_draft_length = 4;
  const auto plain = cuda_runtime(pair, options, false), runtime = cuda_runtime(pair, options, false);
  plain->open_lane(lane(1, open(*plain, kPrompt, 1, 30), 30));
  std::vector<Token> text;
  for (const LaneStep& step : walk(*plain, 1, std::vector<int>(30, 0))) text.push_back(step.tokens.at(0).token);
  const auto part = [&](std::size_t from, std::size_t length) {
    const auto tokens = std::span(text).subspan(from, length);
    return std::vector<Token>(tokens.begin(), tokens.end());
  };

  const PromptId prompt = open(*runtime, kPrompt, 2, 30);
  runtime->open_lane(lane(1, prompt, 12));
  runtime->open_lane(lane(2, prompt, 30));
  const auto step = [&](const std::vector<Token>& first, const std::vector<Token>& second) {
    runtime->submit({{{1, static_cast<int>(first.size()), first}, {2, static_cast<int>(second.size()), second}}});
    return runtime->collect();
  };
  std::vector<std::vector<Token>> written(2);
  const auto take = [&](const StepResult& result, std::vector<std::pair<int, int>> want) {
    for (std::size_t i = 0; i < 2; ++i) {
      CAPTURE(i);
      const LaneStep& lane = result.lanes.at(i);
      CHECK(lane.drafted == want[i].first);
      CHECK(lane.accepted == want[i].second);
      for (const EmittedToken& token : lane.tokens) written[i].push_back(token.token);
      CHECK(written[i] == part(0, written[i].size()));
    }
    CHECK(result.times.draft_passes == 0);
    CHECK(result.times.draft_rows == 0);
    CHECK(result.times.verify_rows == 2 * (std::max(want[0].first, want[1].first) + 1));  // padded
    CHECK(result.times.verify_ms > 0);
  };
  take(step(part(0, 9), part(0, 2)), {{4, 4}, {2, 2}});
  std::vector<Token> wrong = part(5, 4);
  wrong[1] = (wrong[1] + 1) % kTinyVocabulary;
  take(step(wrong, {}), {{4, 1}, {0, 0}});
  take(step(part(7, 4), part(4, 4)), {{4, 4}, {4, 4}});  // twelve are the first's room
  CHECK(written[0].size() == 12);
  runtime->close_lane(1);
  runtime->open_lane(lane(3, prompt, 3));
  runtime->submit({{{3, 4, part(0, 4)}}});
  const LaneStep last = runtime->collect().lanes.at(0);
  CHECK(last.drafted == 2);
  CHECK(last.tokens.size() == 3);
}

TEST_CASE("cuda runtime: drafts in a plan are refused where a network writes them, and tokens that are none; refusing changes nothing") {
  const TinyPair pair;
  const auto with = cuda_runtime(pair), without = cuda_runtime(pair, tiny_options(), false);
  CHECK_FALSE(with->info().takes_drafts);
  for (Runtime* runtime : {with.get(), without.get()}) {
    const PromptId prompt = open(*runtime, kPrompt, 2, 20);
    runtime->open_lane(lane(1, prompt, 20));
    runtime->open_lane(lane(2, prompt, 20));
    const Token bad = runtime == with.get() ? 5 : kTinyVocabulary;  // which the network has, as padding
    CHECK_THROWS_AS(runtime->submit({{{1, 2, {}}, {2, 1, {bad}}}}), std::logic_error);
    CHECK_THROWS_AS(runtime->submit({{{2, 2, {bad, -1}}}}), std::logic_error);
    CHECK_THROWS_AS(runtime->collect(), std::logic_error);
    runtime->submit({{{1, 2, {}}, {2, 0, {}}}});
    CHECK(runtime->collect().lanes.at(0).drafted == (runtime == with.get() ? 2 : 0));
  }
}
