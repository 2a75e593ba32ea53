// Scoring a text: the log-probabilities are those of the model asked, whatever the caches hold, and nothing is left behind.
#include <doctest/doctest.h>

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
