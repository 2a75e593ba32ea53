// Prompts in the cache: reuse, room, tails.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "runtimes/cuda/runtime/prompt_store.h"

using namespace octet;
using namespace octet::cuda;

namespace {

std::vector<Token> tokens(int count, int from = 0) {
  std::vector<Token> all;
  for (int i = 0; i < count; ++i) all.push_back(from + i);
  return all;
}

PromptId computed(PromptStore& store, std::span<const Token> prompt, int tail) {
  StoredPrompt* const opened = store.open({prompt, tail}).prompt;
  opened->target_cached = opened->draft_cached = opened->shared();
  return opened->id;
}

}  // namespace

TEST_CASE("cuda prompts: a continuation grows in place, with nothing copied") {
  PromptStore store(100);
  store.close(computed(store, tokens(20), 30));
  CHECK(store.cells().used() == 19);
  const auto opened = store.open({tokens(40), 20});
  CHECK(opened.reused == 19);
  CHECK(!opened.copy);
  CHECK(opened.prompt->region.start == 0);
  CHECK(opened.prompt->draft_cached == 19);
  CHECK(store.cells().used() == 60);
}

TEST_CASE("cuda prompts: a fork copies the common cells and leaves the other prompt alone") {
  PromptStore store(100);
  store.close(computed(store, tokens(20), 10));
  std::vector<Token> fork = tokens(15);
  fork.push_back(99);
  fork.push_back(98);
  const auto opened = store.open({fork, 10});
  CHECK(opened.reused == 15);
  REQUIRE(opened.copy);
  CHECK(opened.copy->from == 0);
  CHECK(opened.copy->to == opened.prompt->region.start);
  CHECK(opened.copy->count == 15);
  CHECK(opened.copy->to >= 19);
}

TEST_CASE("cuda prompts: the draft inherits no more than it has, the last token is never reused") {
  PromptStore store(100);
  const PromptId first = store.open({tokens(20), 1}).prompt->id;
  store.at(first).target_cached = 12;
  store.at(first).draft_cached = 5;
  store.close(first);
  auto opened = store.open({tokens(20), 1});
  CHECK(opened.reused == 12);
  CHECK(opened.prompt->draft_cached == 5);
  store.close(opened.prompt->id);
  PromptStore other(100);
  other.close(computed(other, tokens(20), 1));
  CHECK(other.open({tokens(10), 1}).reused == 9);
}

TEST_CASE("cuda prompts: rows kept for logits are not reused, though the prompt is, in place") {
  PromptStore store(100);
  store.close(computed(store, tokens(20), 1));
  const auto again = store.open({tokens(20), 1, 3});
  CHECK(again.reused == 16);
  CHECK(again.prompt->target_cached == 16);
  CHECK(again.prompt->before_logits() == 16);
  CHECK_FALSE(again.copy);
  CHECK(store.cells().used() == 21);
  CHECK(store.open({tokens(20), 1, 2}).reused == 16);
  CHECK_THROWS_AS(store.open({tokens(3), 1, 3}), std::logic_error);
  CHECK_THROWS_AS(store.open({tokens(3), 1, -1}), std::logic_error);
}

TEST_CASE("cuda prompts: closed ones make room, open ones do not") {
  PromptStore store(100);
  store.close(computed(store, tokens(30), 1));
  store.close(computed(store, tokens(30, 100), 1));
  const auto third = store.open({tokens(60, 200), 10});
  CHECK(third.prompt->region.length == 70);
  CHECK_THROWS_AS(store.open({tokens(50, 300), 10}), CacheFull);
  CHECK(store.open({tokens(20, 400), 10}).prompt->region.length == 30);
}

TEST_CASE("cuda prompts: what someone who types leaves behind makes room before a prompt of another place") {
  PromptStore store(95);
  store.close(computed(store, tokens(40, 500), 1));
  for (const Token key : {900, 901}) {
    std::vector<Token> typed = tokens(20);
    typed.insert(typed.end(), {key, key});
    store.close(computed(store, typed, 1));
  }
  CHECK(store.cells().used() == 81);
  store.close(computed(store, tokens(20, 700), 1));
  CHECK(store.open({tokens(30, 500), 1}).reused == 29);
}

TEST_CASE("cuda prompts: a prompt that another began with, or that lanes have just ended in, stays before one that was opened later") {
  PromptStore store(100);
  store.close(computed(store, tokens(30), 1));
  store.close(computed(store, tokens(30, 100), 1));
  std::vector<Token> fork = tokens(10);
  for (int i = 0; i < 11; ++i) fork.push_back(700 + i);
  store.close(computed(store, fork, 1));
  store.close(computed(store, tokens(25, 300), 1));
  CHECK(store.open({tokens(30), 1}).reused == 29);

  PromptStore other(100);
  const PromptId first = computed(other, tokens(30), 1);
  other.close(computed(other, tokens(30, 100), 1));
  other.close(first);
  other.close(computed(other, tokens(50, 300), 1));
  CHECK(other.open({tokens(30), 1}).reused == 29);
}

TEST_CASE("cuda prompts: tails lie behind the shared cells and never overlap") {
  PromptStore store(100);
  StoredPrompt& prompt = *store.open({tokens(10), 30}).prompt;
  CHECK(store.take_tail(prompt, 15) == prompt.region.start + 9);
  CHECK(store.take_tail(prompt, 15) == prompt.region.start + 24);
  CHECK_THROWS_AS(store.take_tail(prompt, 15), std::logic_error);
}

TEST_CASE("cuda prompts: whatever comes, regions stay apart and copies come from computed cells") {
  std::mt19937 random(3);
  PromptStore store(300);
  std::vector<PromptId> open;
  std::set<int> copied;
  for (int i = 0; i < 3000; ++i) {
    if (!open.empty() && random() % 2) {
      store.close(open.back());
      open.pop_back();
      continue;
    }
    std::vector<Token> prompt = tokens(5 + static_cast<int>(random() % 60), static_cast<int>(random() % 3) * 1000);
    if (random() % 2) prompt.push_back(-static_cast<int>(random() % 3) - 1);
    try {
      const auto opened = store.open({prompt, 1 + static_cast<int>(random() % 80)});
      if (opened.copy) {
        CHECK(opened.copy->count == opened.reused);
        CHECK((opened.copy->to >= opened.copy->from + opened.copy->count || opened.copy->from >= opened.copy->to + opened.copy->count));
        copied.insert(opened.reused);
      }
      CHECK(opened.prompt->target_cached == opened.reused);
      opened.prompt->target_cached = opened.prompt->shared();
      open.push_back(opened.prompt->id);
    } catch (const CacheFull&) {
      REQUIRE(!open.empty());
    }
  }
  CHECK(copied.size() > 3);
}
