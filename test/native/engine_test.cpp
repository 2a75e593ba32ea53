// How lanes end, on a runtime whose tokens are known beforehand: with steps collected at once and with one in flight.
#include <doctest/doctest.h>

#include "heard.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::test;

namespace {

struct Setup {
  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::shared_ptr<ScriptedVocabulary> vocabulary = std::make_shared<ScriptedVocabulary>();

  explicit Setup(int depth) { script->depth = depth; }
  Heard run(Request request) {
    Engine engine(std::make_unique<ScriptedRuntime>(script), vocabulary);
    const int lanes = request.lanes;
    Heard heard = octet::run(engine, std::move(request));
    if (!heard.error) check_whole(heard, lanes);
    const auto counts = engine.counts();
    CHECK(counts.running == 0);
    CHECK(counts.lanes_in_use == 0);
    return heard;
  }
};

/// The lane wrote its own first `count` tokens.
void check_own_tokens(const SequenceResult& sequence, int tag, int count) {
  REQUIRE(sequence.tokens.size() == static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) REQUIRE(sequence.tokens[i].token == token_of(tag, sequence.lane, i));
}

}  // namespace

TEST_CASE("every lane writes exactly max_new_tokens, even when a step brings more") {
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    for (const char* policy : {"none", "fixed:1", "fixed:7", "bass", "auto"}) {
      CAPTURE(policy);
      for (const int tokens : {1, 2, 5, 33}) {
        Setup setup(depth);
        const Heard heard = setup.run(request(3, 5, tokens, policy));
        for (const SequenceResult& sequence : heard.result.sequences) {
          CHECK(sequence.finish == FinishReason::kLength);
          check_own_tokens(sequence, 3, tokens);
        }
        CHECK(setup.script->open_lanes == 0);
        CHECK(setup.script->open_prompts == 0);
      }
    }
  }
}

TEST_CASE("an end token, a stop token and a stop string end a lane; accepted tokens behind them are dropped") {
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    Setup setup(depth);
    setup.script->accepted = [](int, int, int drafted) { return drafted; };
    setup.script->tokens[{2, 0, 5}] = kEndToken;
    setup.script->tokens[{2, 1, 6}] = 77;
    setup.script->tokens[{2, 2, 4}] = 60;
    setup.script->tokens[{2, 2, 5}] = 61;
    setup.vocabulary->texts = {{60, "one EN"}, {61, "D. two"}, {77, "never seen"}};
    Request asked = request(2, 4, 20, "fixed:7");
    asked.stop_tokens = {77};
    asked.stop = {"END."};
    const Heard heard = setup.run(asked);
    const auto& lanes = heard.result.sequences;
    CHECK(lanes[0].finish == FinishReason::kEnd);
    CHECK(lanes[0].tokens.size() == 6);
    CHECK(lanes[0].tokens.back().token == kEndToken);
    CHECK(lanes[0].text.size() == 5);
    CHECK(lanes[1].finish == FinishReason::kStop);
    CHECK(lanes[1].tokens.size() == 7);
    CHECK(lanes[1].text.size() == 6);
    CHECK(lanes[2].finish == FinishReason::kStop);
    CHECK(lanes[2].tokens.size() == 6);
    CHECK(lanes[2].text.substr(4) == "one ");
    CHECK(lanes[3].finish == FinishReason::kLength);
    check_own_tokens(lanes[3], 2, 20);
    CHECK(lanes[0].steps == 1);
  }
}

TEST_CASE("a lane whose last allowed token ends it too has come to an end of its own") {
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    Setup setup(depth);
    setup.script->tokens[{2, 0, 9}] = kEndToken;
    setup.script->tokens[{2, 1, 9}] = 77;
    setup.script->tokens[{2, 2, 9}] = 60;
    setup.vocabulary->texts = {{60, "END."}};
    Request asked = request(2, 4, 10);
    asked.stop_tokens = {77};
    asked.stop = {"END."};
    std::vector<FinishReason> ends;
    for (const SequenceResult& sequence : setup.run(asked).result.sequences) ends.push_back(sequence.finish);
    CHECK(ends == std::vector{FinishReason::kEnd, FinishReason::kStop, FinishReason::kStop, FinishReason::kLength});
  }
}

TEST_CASE("ignore_end: the model's end tokens end nothing, on the device neither") {
  for (const int depth : {1, 2}) {
    Setup setup(depth);
    setup.script->tokens[{2, 0, 3}] = kEndToken;
    setup.script->tokens[{2, 0, 4}] = 77;
    Request asked = request(2, 1, 10);
    asked.ignore_end = true;
    const Heard heard = setup.run(asked);
    REQUIRE_FALSE(heard.error);
    CHECK(heard.result.sequences[0].finish == FinishReason::kLength);
    CHECK(heard.result.sequences[0].tokens.size() == 10);
    asked.stop_tokens = {77};  // these do
    CHECK(setup.run(asked).result.sequences[0].tokens.size() == 5);
    asked.ignore_end = false;
    CHECK(setup.run(asked).result.sequences[0].tokens.size() == 4);
    for (std::size_t i = 0; i < 3; ++i) CHECK(setup.script->starts[i].ends_at_end == (i == 2));
  }
}

TEST_CASE("what was held back for a stop string or a character is told when the lane ends without it") {
  Setup setup(1);
  setup.script->accepted = [](int, int, int) { return 0; };
  setup.script->tokens[{2, 0, 9}] = 60;
  setup.script->tokens[{2, 1, 9}] = 61;
  setup.vocabulary->texts = {{60, "one EN"}, {61, "\xC3"}};
  Request asked = request(2, 2, 10);
  asked.stop = {"END."};
  const Heard heard = setup.run(asked);
  CHECK(heard.result.sequences[0].text.substr(9) == "one EN");
  CHECK(heard.result.sequences[1].text.substr(9) == "\xEF\xBF\xBD");
  CHECK(heard.result.sequences[0].finish == FinishReason::kLength);
}

TEST_CASE("a lane that ended costs nothing further") {
  Setup setup(1);
  setup.script->tokens[{4, 1, 2}] = kEndToken;
  CHECK_FALSE(setup.run(request(4, 3, 10, "none")).error);
  std::size_t widest = 3;
  for (std::size_t i = 0; i < setup.script->plans.size(); ++i) {
    CHECK(setup.script->plans[i].lanes.size() == (i < 3 ? 3 : 2));
    CHECK(setup.script->plans[i].lanes.size() <= widest);
    widest = setup.script->plans[i].lanes.size();
  }
  CHECK(setup.script->plans.size() == 10);
}

TEST_CASE("with a step in flight no lane is given steps it cannot need") {
  Setup setup(2);
  CHECK_FALSE(setup.run(request(4, 2, 6, "none")).error);
  CHECK(setup.script->plans.size() == 6);
}

TEST_CASE("accepted text is told from drawn text") {
  Setup setup(1);
  setup.script->accepted = [](int, int, int drafted) { return drafted; };
  const Heard heard = setup.run(request(1, 1, 8, "fixed:3"));
  REQUIRE(heard.steps.size() == 2);
  const auto& spans = heard.steps[0].lanes[0].text;
  REQUIRE(spans.size() == 2);
  CHECK(spans[0].accepted);
  CHECK(spans[0].text.size() == 3);
  CHECK_FALSE(spans[1].accepted);
  CHECK(spans[1].text.size() == 1);
  CHECK(heard.steps[0].draft_length == 3);
}

TEST_CASE("a budget ends what still runs when it is over") {
  for (const int depth : {1, 2}) {
    // A machine so busy that the budget is over before the third step says nothing; then a longer one is tried.
    Heard heard;
    bool in_time = false;
    for (int budget_ms = 500; !in_time && budget_ms <= 32000; budget_ms *= 4) {
      Setup setup(depth);
      setup.script->before_collect = [=](int call) {
        if (call == 3) std::this_thread::sleep_for(std::chrono::milliseconds(budget_ms + 100));
      };
      setup.script->tokens[{1, 0, 1}] = kEndToken;
      Request asked = request(1, 3, 4000, "none");
      asked.budget_ms = budget_ms;
      heard = setup.run(asked);
      in_time = setup.script->collects >= 3;
    }
    CHECK(in_time);
    CHECK(heard.result.sequences[0].finish == FinishReason::kEnd);
    for (int lane : {1, 2}) {
      CHECK(heard.result.sequences[lane].finish == FinishReason::kBudget);
      CHECK(heard.result.sequences[lane].tokens.size() == 3);
    }
    CHECK(heard.result.sequences[0].rank == 1);
  }
  SUBCASE("also while the prompt is computed") {
    Setup setup(1);
    setup.script->prefill_chunk = 1;
    setup.script->before_prefill = [](int) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
    Request asked = request(1, 2);
    asked.budget_ms = 8;
    const Heard heard = setup.run(asked);
    CHECK(heard.result.sequences[1].finish == FinishReason::kBudget);
    CHECK(heard.steps.empty());
    CHECK(setup.script->open_prompts == 0);
  }
}

TEST_CASE("max_new_tokens is cut to the context and to the cache, and said so") {
  Setup setup(1);
  setup.script->context_tokens = 32;
  const Heard context = setup.run(request(1, 2, 1000));
  REQUIRE(context.result.notices.size() == 1);
  CHECK(context.result.notices[0].find("cut to 27 tokens: the context holds 32") != std::string::npos);
  CHECK(context.result.sequences[0].tokens.size() == 27);

  Setup small(1);
  small.script->cache_tokens = 5 + 4 * (10 + kMaxDraftLength + 2);
  const Heard cache = small.run(request(1, 4, 1000));
  REQUIRE(cache.result.notices.size() == 1);
  CHECK(cache.result.notices[0].find("cut to 10 tokens: the cache holds") != std::string::npos);
  CHECK(cache.result.sequences[3].tokens.size() == 10);
}

TEST_CASE("a request that can never run is refused at once") {
  Setup setup(1);
  setup.script->context_tokens = 16;
  setup.script->cache_tokens = 200;
  setup.script->max_lanes = 8;
  Engine engine(std::make_unique<ScriptedRuntime>(setup.script), setup.vocabulary);
  const auto refusal = [&](Request request) {
    try {
      engine.submit(std::move(request), std::make_unique<Collector>());
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
      return error.code;
    }
    FAIL("taken");
    return ErrorCode::kInternal;
  };
  const auto with = [](auto change) {
    Request changed = request(1, 1, 4);
    change(changed);
    return changed;
  };
  CHECK(refusal(with([](Request& r) { r.prompt.clear(); })) == ErrorCode::kEmptyPrompt);
  CHECK(refusal(with([](Request& r) { r.prompt.assign(16, 50); })) == ErrorCode::kPromptTooLong);
  CHECK(refusal(with([](Request& r) { r.lanes = 6; })) == ErrorCode::kPromptTooLong);
  CHECK(refusal(with([](Request& r) { r.lanes = 0; })) == ErrorCode::kBadParams);
  CHECK(refusal(with([](Request& r) { r.lanes = 9; })) == ErrorCode::kBadParams);
  CHECK(refusal(with([](Request& r) { r.max_new_tokens = 0; })) == ErrorCode::kBadParams);
  CHECK(refusal(with([](Request& r) { r.max_new_tokens = -5; })) == ErrorCode::kBadParams);
  CHECK(refusal(with([](Request& r) { r.prompt.push_back(kVocabulary); })) == ErrorCode::kBadParams);
  CHECK(refusal(with([](Request& r) { r.prompt.push_back(-1); })) == ErrorCode::kBadParams);
  CHECK(refusal(with([](Request& r) { r.stop = {"a", ""}; })) == ErrorCode::kBadParams);
  CHECK(engine.counts().queued == 0);
  Setup tight(1);
  tight.script->cache_tokens = 5 + 4 * (kMaxDraftLength + 2);  // drafts alone would fill it
  CHECK_THROWS_AS(tight.run(request(1, 4, 4)), Error);
  CHECK(run(engine, request(1, 1, 4)).result.sequences[0].tokens.size() == 4);
}
