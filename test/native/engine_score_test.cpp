// Texts that are scored through the engine: alone on the device, by the model asked, and told like any other request.
#include <doctest/doctest.h>

#include "engine/host_runtime.h"
#include "fake_model.h"
#include "heard.h"
#include "long_pass.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr int kTokens = 6;
constexpr FakeFunction kTarget{.seed = 11}, kDraft{.seed = 11, .other_seed = 77, .mix = 0.45f};

std::unique_ptr<HostRuntime> runtime_of_fakes(bool with_draft = true) {
  const RuntimeInfo info{.name = "fake", .max_lanes = 4, .context_tokens = 400, .cache_tokens = 4096, .vocabulary = kTokens};
  return std::make_unique<HostRuntime>(info, std::make_unique<FakeModel>(kTarget, kTokens, 3), with_draft ? std::make_unique<FakeModel>(kDraft, kTokens, 1) : nullptr);
}

Request scored(Request::Score by, int tokens = 70) {
  Request asked = request(1, 1);
  asked.prompt.clear();
  for (int i = 0; i < tokens; ++i) asked.prompt.push_back((i * i + i / 3) % kTokens);
  asked.score = by;
  return asked;
}

}  // namespace

TEST_CASE("a text is scored by the model asked, and nothing is written") {
  Engine engine(runtime_of_fakes(), std::make_shared<ScriptedVocabulary>());
  for (const bool by_draft : {false, true}) {
    const Request asked = scored(by_draft ? Request::Score::kDraft : Request::Score::kTarget);
    const Heard heard = run(engine, asked);
    check_whole(heard, 1);
    CHECK(heard.steps.empty());
    CHECK(heard.result.sequences[0].finish == FinishReason::kEnd);
    CHECK(heard.result.totals.prefill_ms > 0);
    CHECK(heard.result.prompt_logprobs == runtime_of_fakes()->score(asked.prompt, by_draft));
  }
}

TEST_CASE("without a draft model there is none to score with, and what is looked up for it changes nothing of what is written") {
  Engine engine(runtime_of_fakes(false), std::make_shared<ScriptedVocabulary>());
  try {
    run(engine, scored(Request::Score::kDraft));
    FAIL("taken");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kBadParams);
  }
  CHECK(run(engine, scored(Request::Score::kTarget)).result.prompt_logprobs.size() == 69);
  Request asked = scored(Request::Score::kNone);
  asked.ignore_end = true;
  std::vector<std::string> texts;
  for (const char* policy : {"none", "auto", "bass", "fixed:5"}) {
    CAPTURE(policy);
    asked.draft_length = DraftLengthSpec::parse(policy);
    const Heard heard = run(engine, asked);
    check_whole(heard, 1);
    texts.push_back(heard.result.sequences[0].text);
    CHECK(texts.back() == texts.front());
    if (texts.size() > 2) CHECK(heard.result.totals.drafted > 0);
  }
}

TEST_CASE("a text is scored when nothing else runs, and what comes later waits for it") {
  const auto script = std::make_shared<Script>();
  std::atomic<bool> asked = false;
  int lanes_beside = -1, prompts_beside = -1, steps_before = 0;
  script->before_collect = [&](int) { comes(asked); };
  script->before_score = [&] {
    lanes_beside = script->open_lanes;
    prompts_beside = script->open_prompts;
    steps_before = script->collects;
  };
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  auto first = start(engine, request(1, 4, 6, "none"));
  auto text = start(engine, scored(Request::Score::kTarget));
  auto last = start(engine, request(2, 4, 6, "none"));
  asked = true;
  check_whole(first.get(), 4);
  check_whole(text.get(), 1);
  check_whole(last.get(), 4);
  CHECK(lanes_beside == 0);
  CHECK(prompts_beside == 0);
  CHECK(steps_before == 6);
}

TEST_CASE("a device that cannot score fails that request alone") {
  const auto script = std::make_shared<Script>();
  script->before_score = [] { throw std::runtime_error("no scores"); };
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  const Heard heard = run(engine, scored(Request::Score::kTarget));
  REQUIRE(heard.error);
  CHECK(std::string(heard.error->what()) == "no scores");
  check_whole(run(engine, request(2, 4, 6)), 4);
}
