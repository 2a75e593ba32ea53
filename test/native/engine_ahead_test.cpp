// The engine over a device that runs a step ahead of it: lanes end there before the engine knows, results come one step late.
#include <doctest/doctest.h>

#include "heard.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::test;

namespace {

struct Ahead {
  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::unique_ptr<Engine> engine;

  Ahead() {
    script->depth = 2;
    engine = std::make_unique<Engine>(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  }
};

}  // namespace

TEST_CASE("ahead: a lane that ended on the device is in no later event, count or outcome") {
  Ahead ahead;
  ahead.script->tokens[{3, 1, 5}] = kEndToken;
  ahead.script->accepted = [](int, int, int drafted) { return std::min(drafted, 1); };
  const Heard heard = run(*ahead.engine, request(3, 3, 40, "fixed:3"));
  check_whole(heard, 3);
  const SequenceResult& ended = heard.result.sequences[1];
  CHECK(ended.finish == FinishReason::kEnd);
  CHECK(ended.tokens.size() == 6);
  CHECK(ended.steps == 3);  // two tokens a step
  CHECK(ended.drafted == 9);
  CHECK(ended.accepted == 3);
  for (const int lane : {0, 2}) CHECK(heard.result.sequences[static_cast<std::size_t>(lane)].tokens.size() == 40);
}

TEST_CASE("ahead: drafts planned with a step in flight never bring more than max_new_tokens") {
  for (const int tokens : {1, 2, 3, 4, 7, 8, 9, 30}) {
    Ahead ahead;
    ahead.script->accepted = [](int stream, int, int drafted) { return stream == 0 ? drafted : 0; };
    const Heard heard = run(*ahead.engine, request(3, 2, tokens, "fixed:7"));
    check_whole(heard, 2);
    for (const SequenceResult& sequence : heard.result.sequences) CHECK(sequence.tokens.size() == static_cast<std::size_t>(tokens));
  }
}

TEST_CASE("ahead: no draft is planned for the token that a step in flight brings at least") {
  Ahead ahead;
  ahead.script->accepted = [](int, int, int) { return 0; };
  check_whole(run(*ahead.engine, request(3, 1, 4, "fixed:7")), 1);
  std::vector<int> planned;
  for (const StepPlan& plan : ahead.script->plans) planned.push_back(plan.lanes.at(0).draft_length);
  CHECK(planned == std::vector<int>{3, 2, 1, 0});
}

TEST_CASE("ahead: a step in flight when its lanes are gone is nobody's: its failure does not reach the next request") {
  Ahead ahead;
  std::atomic<bool> second = false;
  std::atomic<int> first_steps = 0, collected = 0;
  ahead.script->accepted = [](int, int, int drafted) { return drafted; };  // the last step planned is not needed
  ahead.script->before_submit = [&](int call) {
    if (!second) first_steps = call;
  };
  ahead.script->before_collect = [&](int call) {
    collected = call;
    while (!second && call == 4) std::this_thread::yield();
    if (call == 4) throw std::runtime_error("too late to matter");
  };
  check_whole(run(*ahead.engine, request(1, 4, 12, "fixed:3")), 4);
  CHECK(first_steps == 4);
  second = true;
  check_whole(run(*ahead.engine, request(2, 4, 12, "fixed:3")), 4);
  CHECK(collected > 4);
}

TEST_CASE("ahead: bass is told of every step once, by the length the step had") {
  Ahead ahead;
  ahead.script->accepted = [](int, int, int drafted) { return drafted; };
  const Heard heard = run(*ahead.engine, request(3, 2, 200, "bass"));
  std::vector<int> lengths;
  for (const StepEvent& step : heard.steps) lengths.push_back(step.draft_length);
  lengths.resize(8);
  CHECK(lengths == std::vector<int>{7, 7, 9, 9, 11, 11, 13, 13});
}
