// Healed requests through the engine: on models small enough to follow by hand, and on a runtime whose tokens are known beforehand.
#include <doctest/doctest.h>

#include "engine/host_runtime.h"
#include "engine/token_healing.h"
#include "fake_model.h"
#include "heard.h"
#include "scripted_runtime.h"
#include "toy_vocabulary.h"

using namespace octet;
using namespace octet::test;

namespace {

// A lead "ab" "a" "b" can be left at its first place by "abab" and "ababc", at its second by "abc", at its third by "b" and "bc".
const std::vector<std::string> kTexts = {"<end>", "a", "b", "c", "ab", "abab", "ababc", "abc", "bc", "d"};
const std::vector<Token> kLead = {4, 1, 2}, kPrompt = {9, 3, 3, 9, 1, 9};
constexpr FakeFunction kTarget{.seed = 24}, kDraft{.seed = 24, .other_seed = 5, .mix = 0.4f};

std::unique_ptr<Engine> engine_of_fakes() {
  const int size = static_cast<int>(kTexts.size());
  std::vector<std::string> texts = kTexts;
  texts.push_back("ababd");  // the vocabulary's alone: the models do not know it
  const RuntimeInfo info{.name = "fake", .max_lanes = 16, .context_tokens = 400, .cache_tokens = 4096, .vocabulary = size};
  return std::make_unique<Engine>(std::make_unique<HostRuntime>(info, std::make_unique<FakeModel>(kTarget, size, 3), std::make_unique<FakeModel>(kDraft, size, 1)),
                                  std::make_shared<ToyVocabulary>(texts));
}

Request healed(const char* draft_length, float temperature = 1) {
  Request request;
  request.prompt = kPrompt;
  request.lead = kLead;
  request.lanes = 16;
  request.max_new_tokens = 20;
  request.ignore_end = true;
  request.sampling = {.temperature = temperature, .top_k = 0, .top_p = 1, .seed = 3};
  request.draft_length = DraftLengthSpec::parse(draft_length);
  return request;
}

std::vector<Token> tokens_of(const SequenceResult& sequence) {
  std::vector<Token> tokens;
  for (const EmittedToken& token : sequence.tokens) tokens.push_back(token.token);
  return tokens;
}

std::string text_of(const std::vector<Token>& tokens) {
  std::string text;
  for (const Token token : tokens)
    if (token != 0) text += kTexts[static_cast<std::size_t>(token)];
  return text;
}

// How many of the lead's tokens a lane wrote before it left it.
std::size_t kept(const std::vector<Token>& tokens) {
  std::size_t count = 0;
  while (count < kLead.size() && tokens[count] == kLead[count]) ++count;
  return count;
}

}  // namespace

TEST_CASE("healed lanes go on exactly as lanes of a prompt that ends in their first tokens, wherever they left the lead") {
  for (const char* policy : {"none", "fixed:3", "bass"}) {
    CAPTURE(std::string(policy));
    const auto engine = engine_of_fakes();
    const Heard heard = run(*engine, healed(policy));
    check_whole(heard, 16);
    std::set<std::size_t> left_at;
    for (const SequenceResult& sequence : heard.result.sequences) {
      CAPTURE(sequence.lane);
      const std::vector<Token> tokens = tokens_of(sequence);
      REQUIRE(tokens.size() == 20);
      CHECK(text_of(tokens) == "abab" + sequence.text);
      const std::size_t first = std::min(kept(tokens) + 1, kLead.size());
      left_at.insert(kept(tokens));
      if (std::string(policy) != "none") continue;  // drafts draw other random numbers at other places
      Request plain = healed("none");
      plain.lead.clear();
      plain.prompt.insert(plain.prompt.end(), tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(first));
      plain.max_new_tokens = 20 - static_cast<int>(first);
      const Heard want = run(*engine, plain);
      CHECK(tokens_of(want.result.sequences[static_cast<std::size_t>(sequence.lane)]) ==
            std::vector<Token>(tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end()));
    }
    CHECK(left_at == std::set<std::size_t>{0, 1, 2, 3});
  }
}

TEST_CASE("a healed greedy lane writes the same whatever is drafted, alone or beside others, from the cache or not") {
  const auto engine = engine_of_fakes();
  const std::vector<Token> want = tokens_of(run(*engine, healed("none", 0)).result.sequences[0]);
  for (const char* policy : {"fixed:1", "fixed:4", "bass", "auto"}) {
    CAPTURE(std::string(policy));
    Request other = healed(policy);
    other.prompt.back() = 1;
    auto beside = start(*engine, other);
    Request asked = healed(policy, 0);
    asked.fresh_prompt = policy[0] == 'b';
    const Heard heard = run(*engine, asked);
    check_whole(beside.get(), 16);
    for (const SequenceResult& sequence : heard.result.sequences) CHECK(tokens_of(sequence) == want);
    CHECK(heard.result.totals.prompt_tokens == 9);
    if (asked.fresh_prompt) CHECK(heard.result.totals.reused_tokens == 0);
  }
}

TEST_CASE("the lead is told as a step that drafts nothing, and its tokens as the lanes' own") {
  const auto engine = engine_of_fakes();
  const Heard heard = run(*engine, healed("fixed:2"));
  const StepEvent& first = heard.steps.at(0);
  CHECK(first.draft_length == 0);
  CHECK(first.draft_ms == 0);
  CHECK(first.lanes.size() == 16);
  CHECK(heard.result.totals.steps == static_cast<int>(heard.steps.size()));
  check_whole(heard, 16);
  for (const StepEvent& step : heard.steps) CHECK(step.step_ms * (1 + 1e-9) >= step.draft_ms + step.verify_ms + step.host_ms);
  for (const LaneEvent& lane : first.lanes) {
    CHECK(lane.drafted == 0);
    const SequenceResult& sequence = heard.result.sequences[static_cast<std::size_t>(lane.lane)];
    std::vector<Token> tokens = tokens_of(sequence);
    REQUIRE(lane.tokens.size() == std::min(kept(tokens) + 1, kLead.size()));
    CHECK(sequence.first_token_at_ms == first.at_ms);
    tokens.resize(lane.tokens.size());
    std::string shown;
    for (const TextSpan& span : lane.text) shown += span.text;
    CHECK("abab" + shown == text_of(tokens));
  }
}

TEST_CASE("the lead's tokens are drawn as all others are: by the lane's number and their place in its text") {
  const auto engine = engine_of_fakes();
  const ToyVocabulary vocabulary(kTexts);
  const TokenIndex index(vocabulary, vocabulary.size());
  std::vector<float> logits;
  std::vector<Token> before = kPrompt;
  for (const Token token : kLead) {
    const auto row = kTarget.logits(Context(before), vocabulary.size());
    logits.insert(logits.end(), row.begin(), row.end());
    before.push_back(token);
  }
  for (const std::uint64_t seed : {3, 4}) {
    Request asked = healed("none");
    asked.sampling.seed = seed;
    const Heard heard = run(*engine, asked);
    const LeadSampler sampler(vocabulary, index, kLead, logits, asked.sampling);
    for (const LaneEvent& lane : heard.steps.at(0).lanes) {
      const auto drawn = sampler.draw(static_cast<std::uint32_t>(lane.lane), static_cast<int>(kPrompt.size()));
      REQUIRE(lane.tokens.size() == drawn.size());
      for (std::size_t i = 0; i < drawn.size(); ++i) CHECK(lane.tokens[i].token == drawn[i].token);
    }
  }
}

TEST_CASE("lanes that end with the lead are never opened; stop strings look at what is behind it") {
  const auto script = std::make_shared<Script>();
  const auto vocabulary = std::make_shared<ScriptedVocabulary>();
  vocabulary->texts = {{60, "ab"}, {61, "abX"}, {62, "abSTOP"}, {63, "STOPab"}};
  script->logits = {{62, 50}};
  Request asked = request(1, 3, 5, "none");
  asked.prompt = {1, 90, 91};
  asked.lead = {60};
  asked.stop = {"STOP"};
  {
    Engine engine(std::make_unique<ScriptedRuntime>(script), vocabulary);
    const Heard heard = run(engine, asked);
    check_whole(heard, 3);
    CHECK(script->starts.empty());
    for (const SequenceResult& sequence : heard.result.sequences) {
      CHECK(sequence.finish == FinishReason::kStop);
      CHECK(sequence.text.empty());
      CHECK(sequence.tokens.size() == 1);
    }
    script->logits = {{61, 50}};
    asked.stop = {"abX"};
    asked.max_new_tokens = 1;
    const Heard one = run(engine, asked);
    check_whole(one, 3);
    CHECK(one.result.sequences[0].text == "X");
    CHECK(one.result.sequences[0].finish == FinishReason::kLength);
    CHECK(script->starts.empty());
    asked.max_new_tokens = 4;
    CHECK(run(engine, asked).result.sequences[0].text.starts_with("X"));
    REQUIRE(script->starts.size() == 3);
    CHECK(script->starts[0].fork->shared == 3);
    CHECK(script->starts[0].fork->last == 61);
    CHECK(script->starts[0].max_new_tokens == 3);  // the lead's token was one of four
  }
  CHECK(script->open_lanes == 0);
  CHECK(script->open_prompts == 0);
}

TEST_CASE("a device that fails at the lead fails that request alone") {
  const auto script = std::make_shared<Script>();
  script->before_logits = [] { throw std::runtime_error("the device is gone"); };
  {
    Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
    auto other = start(engine, request(2, 3, 30));
    Request asked = request(1, 3, 5);
    asked.lead = {60};
    const Heard heard = run(engine, asked);
    REQUIRE(heard.error);
    CHECK(std::string(heard.error->what()) == "the device is gone");
    check_whole(other.get(), 3);
  }
  CHECK(script->open_lanes == 0);
  CHECK(script->open_prompts == 0);
}

TEST_CASE("a lead that is too long, or of tokens that are none, is refused") {
  const auto engine = engine_of_fakes();
  Request asked = healed("none");
  asked.lead = {1, 1, 1, 1, 1};
  CHECK_THROWS_AS(engine->submit(asked, std::make_unique<Collector>()), Error);
  asked.lead = {99};
  CHECK_THROWS_AS(engine->submit(asked, std::make_unique<Collector>()), Error);
  asked.lead = {1};
  asked.prompt.assign(399, 1);
  CHECK_THROWS_AS(engine->submit(asked, std::make_unique<Collector>()), Error);
}
