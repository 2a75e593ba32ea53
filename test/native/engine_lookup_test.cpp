// The engine without a draft model: what it looks up for its lanes, and what it makes of what came true.
#include <doctest/doctest.h>

#include <functional>
#include <future>

#include "heard.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::test;

namespace {

std::shared_ptr<Script> without_draft() {
  auto script = std::make_shared<Script>();
  script->has_draft = false;
  script->takes_drafts = true;
  script->verify_ms = [](int) { return 1.0; };
  return script;
}

std::unique_ptr<Engine> engine_of(const std::shared_ptr<Script>& script) {
  return std::make_unique<Engine>(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
}

// Lane 0 of request `tag` writes the same `period` tokens again and again.
void repeat(Script& script, int tag, int stream, int period) {
  for (int i = period; i < kTokensPerLane; ++i) script.tokens[{tag, stream, i}] = token_of(tag, stream, i % period);
}

int steps(const Heard& heard) { return heard.result.totals.steps; }

}  // namespace

TEST_CASE("a text that repeats itself is drafted from itself, with every policy but none") {
  for (const char* policy : {"auto", "bass", "fixed:4", "none"}) {
    CAPTURE(policy);
    const auto script = without_draft();
    repeat(*script, 1, 0, 10);
    const auto engine = engine_of(script);
    const Heard heard = run(*engine, request(1, 1, 100, policy));
    check_whole(heard, 1);
    const auto& tokens = heard.result.sequences[0].tokens;
    REQUIRE(tokens.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(tokens[static_cast<std::size_t>(i)].token == token_of(1, 0, i % 10));
    if (std::string(policy) == "none") {
      CHECK(heard.result.totals.drafted == 0);
      CHECK(steps(heard) == 100);
    } else {
      CHECK(heard.result.totals.accepted > 60);
      CHECK(steps(heard) < 40);
    }
  }
}

TEST_CASE("drafts that are looked up are shown as accepted where they were") {
  const auto script = without_draft();
  repeat(*script, 1, 0, 10);
  const auto engine = engine_of(script);
  const Heard heard = run(*engine, request(1, 1, 60, "fixed:3"));
  std::size_t accepted = 0;
  for (const StepEvent& step : heard.steps)
    for (const LaneEvent& lane : step.lanes)
      for (const TextSpan& span : lane.text)
        if (span.accepted) accepted += span.text.size();
  CHECK(static_cast<int>(accepted) == heard.result.totals.accepted);
}

TEST_CASE("fixed and bass draft up to their length where something is found, and nothing where not") {
  const auto script = without_draft();
  repeat(*script, 1, 0, 10);  // lane 1 never repeats itself
  const auto engine = engine_of(script);
  const Heard heard = run(*engine, request(1, 2, 60, "fixed:3"));
  check_whole(heard, 2);
  int longest = 0;
  for (const StepPlan& plan : script->plans)
    for (const LanePlan& lane : plan.lanes) longest = std::max(longest, lane.draft_length);
  CHECK(longest == 3);
  CHECK(heard.result.sequences[0].drafted > 0);
  CHECK(heard.result.sequences[1].drafted == 0);
}

TEST_CASE("a lane is drafted what the prompt says, and what its sibling wrote") {
  const auto script = without_draft();
  Request asked = request(1, 1, 12, "fixed:5");
  for (int i = 0; i < 12; ++i) asked.prompt.push_back(token_of(1, 0, i));
  asked.prompt.insert(asked.prompt.end(), {51, 52, 53});
  auto engine = engine_of(script);
  CHECK(run(*engine, asked).result.totals.accepted >= 9);
  asked.max_new_tokens = 4;
  asked.fresh_prompt = true;
  CHECK(steps(run(*engine, asked)) == 1);  // three drafted, and one from the target

  const auto siblings = without_draft();
  for (int i = 0; i < 40; ++i) siblings->tokens[{1, 1, i}] = i < 4 ? token_of(1, 1, i) : token_of(1, 0, i - 4);  // four tokens late
  engine = engine_of(siblings);
  const Heard heard = run(*engine, request(1, 2, 40, "fixed:3"));
  check_whole(heard, 2);
  CHECK(heard.result.sequences[0].drafted == 0);
  CHECK(heard.result.sequences[1].accepted == 4);  // and then it has caught up
}

TEST_CASE("what was written for a request before is drafted for the same prompt again, but not for a measurement") {
  const auto script = without_draft();
  const auto engine = engine_of(script);
  CHECK(run(*engine, request(1, 1, 40, "fixed:7")).result.totals.drafted == 0);
  CHECK(run(*engine, request(1, 1, 40, "fixed:7")).result.totals.accepted >= 32);
  for (const bool fresh : {true, false}) {
    Request measured = request(1, 1, 40, "fixed:7");
    (fresh ? measured.fresh_prompt : measured.ignore_end) = true;
    CHECK(run(*engine, measured).result.totals.drafted == 0);
  }
}

TEST_CASE("what a measurement wrote is not drafted for others") {
  const auto script = without_draft();
  const auto engine = engine_of(script);
  for (const bool fresh : {true, false}) {
    Request measured = request(1, 1, 40, "fixed:7");
    (fresh ? measured.fresh_prompt : measured.ignore_end) = true;
    run(*engine, measured);
  }
  CHECK(run(*engine, request(1, 1, 40, "fixed:7")).result.totals.drafted == 0);
}

TEST_CASE("auto drafts what is likely where rows cost nothing, and nothing where a row costs as much as a token brings") {
  for (const bool dear : {false, true}) {
    CAPTURE(dear);
    const auto script = without_draft();
    if (dear) script->verify_ms = [](int rows) { return 1.0 * rows; };
    for (int lane = 0; lane < 4; ++lane) repeat(*script, 1, lane, 10);
    const auto engine = engine_of(script);
    const Heard heard = run(*engine, request(1, 4, 200, "auto"));
    check_whole(heard, 4);
    if (dear)
      CHECK(heard.result.totals.drafted < 40);  // to learn what rows cost
    else
      CHECK(steps(heard) < 60);
  }
}

TEST_CASE("auto leaves off drafting what never comes true, and comes back when it does") {
  const auto script = without_draft();
  script->verify_ms = [](int rows) { return 8.0 + rows; };
  unsigned random = 1;  // every token stood before, and seldom is followed by what followed it then
  for (int i = 0; i < kTokensPerLane; ++i) script->tokens[{1, 0, i}] = kFirstToken + static_cast<int>((random = random * 1664525u + 1013904223u) >> 16) % 24;
  const auto engine = engine_of(script);
  repeat(*script, 2, 0, 10);
  const auto drafted = [&](int tag) {
    Request asked = request(tag, 1, 250, "auto");
    asked.fresh_prompt = true;  // what it wrote before is not there to be found
    double drafted = 0;
    for (int round = 0; round < 3; ++round) {
      const Heard heard = run(*engine, asked);
      drafted = static_cast<double>(heard.result.totals.drafted) / steps(heard);
    }
    return drafted;
  };
  CHECK(drafted(1) < 0.3);
  CHECK(drafted(2) > 3);
  CHECK(drafted(1) < 0.3);
}

TEST_CASE("drafts are no longer than a lane's room, and a lane that writes its last token has none") {
  const auto script = without_draft();
  repeat(*script, 1, 0, 3);
  const auto engine = engine_of(script);
  for (int tokens = 1; tokens < 20; ++tokens) check_whole(run(*engine, request(1, 1, tokens, "fixed:32")), 1);  // the runtime would tell
}

TEST_CASE("a device that runs ahead does not while drafts are looked up, and does for others") {
  const auto script = without_draft();
  script->depth = 2;
  repeat(*script, 1, 0, 10);
  int in_flight = 0, most = 0;
  script->before_submit = [&](int) { most = std::max(most, ++in_flight); };
  script->before_collect = [&](int) { --in_flight; };
  const auto engine = engine_of(script);
  const Heard heard = run(*engine, request(1, 1, 100, "fixed:4"));
  check_whole(heard, 1);
  CHECK(heard.result.totals.accepted > 60);
  CHECK(most == 1);
  check_whole(run(*engine, request(2, 2, 30, "none")), 2);
  CHECK(most == 2);
}

TEST_CASE("requests that look up and requests that do not share the batch") {
  const auto script = without_draft();
  for (int lane = 0; lane < 3; ++lane) repeat(*script, 1, lane, 6);
  const auto engine = engine_of(script);
  auto first = start(*engine, request(1, 3, 200, "auto")), second = start(*engine, request(2, 4, 200, "none")), third = start(*engine, request(3, 2, 100, "bass"));
  check_whole(first.get(), 3);
  const Heard plain = second.get();
  check_whole(plain, 4);
  CHECK(plain.result.totals.drafted == 0);
  check_whole(third.get(), 2);
}

TEST_CASE("a runtime that takes no drafts is given none") {
  const auto script = without_draft();
  script->takes_drafts = false;
  repeat(*script, 1, 0, 10);
  const auto engine = engine_of(script);
  for (const char* policy : {"auto", "bass", "fixed:4"}) CHECK(run(*engine, request(1, 1, 60, policy)).result.totals.drafted == 0);
}

TEST_CASE("a draft model drafts by itself: nothing is looked up") {
  const auto script = without_draft();
  script->has_draft = true;
  repeat(*script, 1, 0, 10);
  const auto engine = engine_of(script);
  check_whole(run(*engine, request(1, 1, 60, "fixed:4")), 1);
  for (const StepPlan& plan : script->plans)
    for (const LanePlan& lane : plan.lanes) CHECK(lane.draft.empty());
}

TEST_CASE("a lane that began by token healing is looked up by its text, healed tokens and all") {
  const auto script = without_draft();
  const auto vocabulary = std::make_shared<ScriptedVocabulary>();
  vocabulary->texts = {{60, "yy"}, {61, "yyz"}};
  script->logits = {{61, 50.0f}};  // the lane begins with it, whatever else is possible
  Engine engine(std::make_unique<ScriptedRuntime>(script), vocabulary);
  Request asked = request(1, 1, 12, "fixed:6");
  asked.prompt = {1, 70, 71, 61};
  for (int i = 0; i < 10; ++i) asked.prompt.push_back(token_of(1, 0, i));
  asked.prompt.insert(asked.prompt.end(), {72, 71});
  asked.lead = {60};
  const Heard heard = run(engine, asked);
  check_whole(heard, 1);
  REQUIRE_FALSE(script->plans.empty());
  REQUIRE(script->plans[0].lanes[0].draft.size() == 6);
  for (int i = 0; i < 6; ++i) CHECK(script->plans[0].lanes[0].draft[static_cast<std::size_t>(i)] == token_of(1, 0, i));
}

TEST_CASE("what was looked up counts as drafting, in its own step alone, though the one before failed") {
  const auto script = without_draft();
  const auto engine = engine_of(script);
  Request slow = request(1, 16, 6, "fixed:1");  // sixteen lanes try every place that is tried at most
  unsigned random = 1;
  for (int i = 0; i < 2000; ++i) slow.prompt.push_back(Token{51} + static_cast<Token>((random = random * 1664525u + 1013904223u) >> 31));
  double slow_ms = 1e9, next_ms = 1e9;  // the least of some, since other processes take the core
  for (int round = 0; round < 5; ++round) {
    slow_ms = std::min(slow_ms, run(*engine, slow).steps.at(0).draft_ms);
    script->before_collect = [](int) { throw std::runtime_error("the device is gone"); };
    CHECK(run(*engine, slow).error);
    script->before_collect = nullptr;
    next_ms = std::min(next_ms, run(*engine, request(2, 1, 6, "fixed:1")).steps.at(0).draft_ms);
  }
  MESSAGE(slow_ms << " ms, then " << next_ms);
  CHECK(next_ms < slow_ms / 2);
}

TEST_CASE("a device does not run ahead while one of its requests looks up and another does not") {
  const auto script = without_draft();
  script->depth = 2;
  repeat(*script, 1, 0, 10);
  std::promise<void> both_asked;
  int in_flight = 0, most = 0;
  script->before_submit = [&](int call) {
    if (call == 1) both_asked.get_future().wait();
    most = std::max(most, ++in_flight);
  };
  script->before_collect = [&](int) { --in_flight; };
  const auto engine = engine_of(script);
  auto looking_up = start(*engine, request(1, 1, 100, "fixed:1")), plain = start(*engine, request(2, 1, 8, "none"));
  both_asked.set_value();
  check_whole(plain.get(), 1);
  check_whole(looking_up.get(), 1);
  CHECK(most == 1);
}
