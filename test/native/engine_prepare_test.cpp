// Prompts that are computed for requests to come: they write nothing and give way to whatever is asked for.
#include <doctest/doctest.h>

#include <thread>

#include "heard.h"
#include "long_pass.h"

using namespace octet;
using namespace octet::test;

namespace {

Request preparation(int tag, int lanes = 4) {
  Request asked = request(tag, lanes);
  asked.prepare = true;
  return asked;
}

void check_prepared(const Heard& heard, int lanes, FinishReason finish) {
  check_whole(heard, lanes);
  CHECK(heard.steps.empty());
  CHECK(heard.result.totals.tokens == 0);
  for (const auto& sequence : heard.result.sequences) {
    CHECK(sequence.finish == finish);
    CHECK(sequence.tokens.empty());
    CHECK(sequence.text.empty());
  }
}

void check_empty(const Script& script) {
  CHECK(script.open_lanes == 0);
  CHECK(script.open_prompts == 0);
}

}  // namespace

TEST_CASE("a prepared prompt is computed to its end, piece by piece, and opens no lane") {
  const auto script = std::make_shared<Script>();
  script->prefill_chunk = 2;
  script->before_prefill = [](int) { std::this_thread::sleep_for(std::chrono::milliseconds(3)); };
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  const Heard heard = run(engine, preparation(1));
  check_prepared(heard, 4, FinishReason::kEnd);
  CHECK(heard.result.totals.prompt_tokens == 5);
  CHECK(heard.result.totals.prefill_ms >= 6);
  CHECK(script->chunks.size() == 2);  // of the four tokens that lanes would share
  CHECK(script->most_lanes == 0);
  check_empty(*script);
}

TEST_CASE("a prompt that is being prepared gives way to a request, within its pass") {
  LongPass pass;
  pass.script->before_prefill = [&](int) { pass(); };
  const auto engine = pass.engine();
  auto prepared = start(*engine, preparation(1));
  REQUIRE(comes(pass.within));
  const Heard asked = run(*engine, request(2, 8, 20));
  CHECK(pass.early);
  check_prepared(prepared.get(), 4, FinishReason::kCancelled);
  check_whole(asked, 8);
  for (const auto& sequence : asked.result.sequences) CHECK(sequence.finish == FinishReason::kLength);
  check_empty(*pass.script);
}

TEST_CASE("no prompt is prepared beside a request that runs or waits, whose passes go on") {
  LongPass pass;
  pass.script->before_prefill = [&](int) { pass(); };
  const auto engine = pass.engine();
  Engine::RequestId id = 0;
  auto asked = start(*engine, request(1, 4, 20), &id);
  REQUIRE(comes(pass.within));
  auto prepared = start(*engine, preparation(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(pass.ended);
  engine->cancel(id);
  check_prepared(prepared.get(), 4, FinishReason::kCancelled);
  check_whole(asked.get(), 4);
  CHECK(pass.script->chunks.empty());  // the one pass was the request's, and given up
  check_prepared(run(*engine, preparation(2)), 4, FinishReason::kEnd);
  check_empty(*pass.script);
}

TEST_CASE("of two prompts to prepare the later one is, and either can be cancelled") {
  LongPass pass;
  pass.script->before_prefill = [&](int) { pass(); };
  const auto engine = pass.engine();
  auto first = start(*engine, preparation(1));
  REQUIRE(comes(pass.within));
  check_prepared(run(*engine, preparation(2)), 4, FinishReason::kEnd);
  check_prepared(first.get(), 4, FinishReason::kCancelled);
  CHECK(pass.early);

  LongPass another;
  another.script->before_prefill = [&](int) { another(); };
  const auto other = another.engine();
  Engine::RequestId id = 0;
  auto cancelled = start(*other, preparation(1), &id);
  REQUIRE(comes(another.within));
  other->cancel(id);
  check_prepared(cancelled.get(), 4, FinishReason::kCancelled);
  CHECK(another.early);
  check_empty(*another.script);
}

TEST_CASE("a request that failed is nothing that a prompt to prepare gives way to") {
  const auto script = std::make_shared<Script>();
  script->before_prefill = [](int call) {
    if (call == 1) throw std::runtime_error("no room");
  };
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  CHECK(run(engine, request(1)).error);
  check_prepared(run(engine, preparation(2)), 4, FinishReason::kEnd);
}

TEST_CASE("a prompt is prepared or scored, not both") {
  Engine engine(std::make_unique<ScriptedRuntime>(std::make_shared<Script>()), std::make_shared<ScriptedVocabulary>());
  Request both = preparation(1);
  both.score = Request::Score::kTarget;
  CHECK_THROWS_AS(run(engine, both), Error);
}
