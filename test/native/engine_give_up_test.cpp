// Passes that are given up because nobody waits for what they bring any more: who is asked, who hears of it, and what goes on.
#include <doctest/doctest.h>

#include <thread>

#include "heard.h"
#include "long_pass.h"

using namespace octet;
using namespace octet::test;

namespace {

void check_cancelled(const Heard& heard, int lanes) {
  check_whole(heard, lanes);
  for (const auto& sequence : heard.result.sequences) CHECK(sequence.finish == FinishReason::kCancelled);
}

// Nothing of the pass that was given up is left, and the next request is served by passes that are not.
void check_goes_on(Engine& engine, const Script& script) {
  const Heard next = run(engine, request(3, 8, 20));
  check_whole(next, 8);
  for (const auto& sequence : next.result.sequences) {
    CHECK(sequence.finish == FinishReason::kLength);
    REQUIRE(sequence.tokens.size() == 20);
    for (int i = 0; i < 20; ++i) REQUIRE(sequence.tokens[static_cast<std::size_t>(i)].token == token_of(3, sequence.lane, i));
  }
  CHECK_FALSE(*script.given_up);
  CHECK(script.open_lanes == 0);
  CHECK(script.open_prompts == 0);
}

}  // namespace

TEST_CASE("a pass over a prompt, its end or a text to score is given up when its request is cancelled") {
  enum class During { kPrompt, kLogits, kScore };
  for (const During during : {During::kPrompt, During::kLogits, During::kScore}) {
    CAPTURE(static_cast<int>(during));
    LongPass pass;
    Request asked = request(1, 4, 40);
    if (during == During::kPrompt) pass.script->before_prefill = [&](int) { pass(); };
    if (during == During::kLogits) pass.script->before_logits = [&] { pass(); }, asked.lead = {54};
    if (during == During::kScore) pass.script->before_score = [&] { pass(); }, asked.score = Request::Score::kTarget;
    const auto engine = pass.engine();
    Engine::RequestId id = 0;
    auto heard = start(*engine, asked, &id);
    REQUIRE(comes(pass.within));
    engine->cancel(id);
    check_cancelled(heard.get(), 4);
    CHECK(pass.early);
    CHECK_FALSE(*pass.script->given_up);
    check_goes_on(*engine, *pass.script);
  }
}

TEST_CASE("a pass is given up from its start where its request was cancelled just before") {
  LongPass pass;
  pass.script->before_prefill = [&](int) { pass(); };
  Engine* cancelling = nullptr;
  pass.script->before_open = [&] { cancelling->cancel(1); };
  const auto engine = pass.engine();
  cancelling = engine.get();
  check_cancelled(run(*engine, request(1, 4, 40)), 4);
  CHECK(pass.early);
  pass.script->before_open = {};
  check_goes_on(*engine, *pass.script);
}

TEST_CASE("a request that was cancelled and is over its budget was cancelled") {
  const auto script = std::make_shared<Script>();
  Engine* cancelling = nullptr;
  script->before_open = [&] { cancelling->cancel(1); };
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  cancelling = &engine;
  Request asked = request(1, 4, 40);
  asked.budget_ms = 0;
  check_cancelled(run(engine, asked), 4);
}

TEST_CASE("a step is given up when the last of the requests that it serves is cancelled, by lanes or whole") {
  LongPass pass;
  pass.script->max_lanes = 8;
  std::atomic<bool> submitted = false;
  pass.script->before_prefill = [&](int) { comes(submitted); };
  pass.script->before_collect = [&](int call) {
    if (call == 2) pass();  // by then both are in the step
  };
  const auto engine = pass.engine();
  Engine::RequestId first_id = 0, second_id = 0;
  auto first = start(*engine, request(1, 3, 100), &first_id), second = start(*engine, request(2, 2, 100), &second_id);
  submitted = true;
  REQUIRE(comes(pass.within));
  engine->cancel(first_id);
  engine->cancel_lane(second_id, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(pass.ended);  // one lane of the second is still waited for
  engine->cancel_lane(second_id, 1);
  check_cancelled(first.get(), 3);
  check_cancelled(second.get(), 2);
  CHECK(pass.early);
  check_goes_on(*engine, *pass.script);
}

TEST_CASE("a request whose prompt is being computed keeps no step of others alive") {
  LongPass pass;
  pass.script->prefill_chunk = 1;
  std::atomic<bool> submitted = false;
  pass.script->before_prefill = [&](int) { comes(submitted); };
  pass.script->before_collect = [&](int call) {
    if (call == 3) pass();  // by then a few tokens of the second prompt are computed
  };
  const auto engine = pass.engine();
  Engine::RequestId id = 0;
  Request long_prompt = request(2, 4, 10);
  long_prompt.prompt.resize(100, 50);
  auto first = start(*engine, request(1, 4, 100, "none"), &id), second = start(*engine, long_prompt);
  submitted = true;
  REQUIRE(comes(pass.within));
  engine->cancel(id);
  check_cancelled(first.get(), 4);
  CHECK(pass.early);
  const Heard heard = second.get();
  check_whole(heard, 4);
  for (const auto& sequence : heard.result.sequences) CHECK(sequence.finish == FinishReason::kLength);
}

TEST_CASE("a request that waits keeps no pass alive, and a pass that serves others is not given up for one that waits") {
  LongPass pass;
  pass.script->max_lanes = 4;
  pass.script->before_prefill = [&](int) { pass(); };
  const auto engine = pass.engine();
  Engine::RequestId running_id = 0, waiting_id = 0;
  auto running = start(*engine, request(1, 4, 100), &running_id);
  REQUIRE(comes(pass.within));
  auto cancelled = start(*engine, request(2, 4, 100), &waiting_id), waiting = start(*engine, request(4, 4, 10));
  engine->cancel(waiting_id);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(pass.ended);
  engine->cancel(running_id);
  check_cancelled(running.get(), 4);
  check_cancelled(cancelled.get(), 4);
  CHECK(pass.early);
  const Heard heard = waiting.get();
  check_whole(heard, 4);
  for (const auto& sequence : heard.result.sequences) CHECK(sequence.finish == FinishReason::kLength);
}

TEST_CASE("an engine that goes gives up the pass under way, and every listener hears one end") {
  LongPass pass;
  pass.script->before_prefill = [&](int) { pass(); };
  auto engine = pass.engine();
  auto running = start(*engine, request(1, 4, 100)), waiting = start(*engine, request(2, 16, 100));
  REQUIRE(comes(pass.within));
  engine.reset();
  check_cancelled(running.get(), 4);
  check_cancelled(waiting.get(), 16);
  CHECK(pass.early);
  CHECK(pass.script->open_prompts == 0);
}
