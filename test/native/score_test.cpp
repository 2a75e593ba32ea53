// Scoring a text: the log-probabilities are those of the model asked, whatever the caches hold, and nothing is left behind.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <vector>

#include "engine/host_runtime.h"
#include "fake_model.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr int kVocabulary = 6;
constexpr FakeFunction kTarget{.seed = 11};
constexpr FakeFunction kDraft{.seed = 11, .other_seed = 77, .mix = 0.45f};

std::unique_ptr<HostRuntime> make_runtime() {
  RuntimeInfo info{.name = "fake", .max_lanes = 4, .context_tokens = 4096, .cache_tokens = 4096, .vocabulary = kVocabulary};
  return std::make_unique<HostRuntime>(info, std::make_unique<FakeModel>(kTarget, kVocabulary, 3),
                                       std::make_unique<FakeModel>(kDraft, kVocabulary, 1));
}

std::vector<Token> text(int length) {
  std::vector<Token> tokens;
  for (int i = 0; i < length; ++i) tokens.push_back((i * i + i / 3) % kVocabulary);
  return tokens;
}

double expected(const FakeFunction& function, const std::vector<Token>& tokens, std::size_t at) {
  const auto row = function.logits(Context(std::span(tokens).first(at)), kVocabulary);
  double total = 0;
  for (const float logit : row) total += std::exp(static_cast<double>(logit));
  return row[tokens[at]] - std::log(total);
}

}  // namespace

TEST_CASE("a text's log-probabilities, by target and by draft, over one pass and over several") {
  const auto runtime = make_runtime();
  for (const int length : {1, 2, 33, 34, 35, 100}) {
    CAPTURE(length);
    const auto tokens = text(length);
    for (const bool by_draft : {false, true}) {
      const auto logprobs = runtime->score(tokens, by_draft);
      REQUIRE(logprobs.size() == tokens.size() - 1);
      for (std::size_t i = 0; i < logprobs.size(); ++i)
        CHECK(logprobs[i] == doctest::Approx(expected(by_draft ? kDraft : kTarget, tokens, i + 1)).epsilon(1e-5));
    }
  }
}

TEST_CASE("scoring and dropping leave no prompt in the cache") {
  const auto runtime = make_runtime();
  const auto tokens = text(50);
  const auto cache = [&] {
    const PromptId id = runtime->open_prompt({tokens, 8}).id;
    while (runtime->prefill(id, 16, true) > 0) {
    }
    runtime->close_prompt(id);
  };
  const auto reused = [&] {
    const auto opened = runtime->open_prompt({tokens, 8});
    runtime->close_prompt(opened.id);
    return opened.reused;
  };
  cache();
  CHECK(reused() == 49);
  runtime->drop_cached_prompts();
  CHECK(reused() == 0);
  cache();
  runtime->score(tokens, false);
  CHECK(reused() == 0);
}

TEST_CASE("a text that was scored, or given up, leaves no cell in use, and its room to the next") {
  auto t = std::make_unique<FakeModel>(kTarget, kVocabulary, 3), d = std::make_unique<FakeModel>(kDraft, kVocabulary, 1);
  FakeModel *const target = t.get(), *const draft = d.get();
  const RuntimeInfo info{.name = "fake", .max_lanes = 4, .context_tokens = 4096, .cache_tokens = 4096, .vocabulary = kVocabulary};
  HostRuntime runtime(info, std::move(t), std::move(d));
  std::atomic<bool> given_up = false;
  runtime.watch(given_up);
  for (const bool by_draft : {false, true}) {
    FakeModel& model = by_draft ? *draft : *target;
    CHECK(runtime.score(text(80), by_draft).size() == 79);
    CHECK(target->used_cells() + draft->used_cells() == 0);
    model.before_pass = [&, last = model.passes + 2](int pass) { given_up = pass >= last; };  // within the second pass
    CHECK_THROWS_AS(runtime.score(text(80), by_draft), GivenUp);
    model.before_pass = {};
    given_up = false;
    CHECK(target->used_cells() + draft->used_cells() == 0);
    const PromptId whole = runtime.open_prompt({text(96), 4000}).id;
    runtime.close_prompt(whole);
  }
}
