// Which prompts the host runtime's cache keeps where it is short of room.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "host_runtime_lanes.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr int kPromptSlots = 4;
constexpr FakeModel::Limits kFewSlots{.sequences = kMaxLanes + kPromptSlots};

std::vector<Token> joined(std::vector<Token> a, const std::vector<Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A prompt of its own: no other tag's begins as it does.
std::vector<Token> place(int tag, int length) {
  std::vector<Token> tokens{tag % kVocabulary, tag / kVocabulary % kVocabulary};
  for (int i = 0; i < length; ++i) tokens.push_back((i * i + tag) % kVocabulary);
  return tokens;
}

/// As someone types: what stands before the cursor grows by a key, and what stands behind it follows.
std::vector<Token> typed(int keys) { return joined(place(1, 30 + keys), {5, 5, 5, 0}); }

void ask(Fixture& fixture, const std::vector<Token>& tokens) { fixture.runtime->close_prompt(fixture.open_prompt(tokens, 16)); }

int reused(Fixture& fixture, const std::vector<Token>& tokens) {
  const auto [id, reused] = fixture.runtime->open_prompt({tokens, 16});
  fixture.runtime->close_prompt(id);
  return reused;
}

}  // namespace

TEST_CASE("host runtime: keys push out the prompts of keys before, not that of another place or one that is half computed") {
  Fixture fixture(kDraft, kFewSlots);
  const std::vector<Token> other = place(2, 20), whole = place(3, 60);
  ask(fixture, other);
  const PromptId half = fixture.runtime->open_prompt({whole, 16}).id;
  for (int piece = 0; piece < 10; ++piece) fixture.runtime->prefill(half, 3, false);
  fixture.runtime->close_prompt(half);
  for (int keys = 0; keys < 5 * kPromptSlots; ++keys) ask(fixture, typed(keys));
  CHECK(reused(fixture, joined(whole, {1, 2})) == 30);
  CHECK(reused(fixture, joined(other, {1, 2})) == static_cast<int>(other.size()) - 1);
}

TEST_CASE("host runtime: of prompts of different places the oldest goes") {
  Fixture fixture(kDraft, kFewSlots);
  for (int tag = 1; tag <= kPromptSlots + 2; ++tag) ask(fixture, place(tag, 20));
  CHECK(fixture.target->used_cells() == kPromptSlots * 21);
  CHECK(reused(fixture, place(4, 20)) == 21);
  CHECK(reused(fixture, place(2, 20)) == 0);
}

TEST_CASE("host runtime: a prompt of which others hold the smaller part is as old as it is") {
  Fixture fixture(kDraft, kFewSlots);
  const std::vector<Token> oldest = place(4, 20), second = place(2, 40);
  ask(fixture, oldest);
  ask(fixture, second);
  ask(fixture, joined({second.begin(), second.begin() + 20}, place(5, 20)));
  ask(fixture, place(3, 20));
  ask(fixture, place(7, 20));
  CHECK(reused(fixture, second) == static_cast<int>(second.size()) - 1);
  CHECK(reused(fixture, oldest) == 0);
}

TEST_CASE("host runtime: a prompt that ends within a cached one leaves that as it is") {
  Fixture fixture(kDraft, kFewSlots);
  const std::vector<Token> longer = place(2, 20);
  ask(fixture, longer);
  ask(fixture, {longer.begin(), longer.end() - 1});
  CHECK(reused(fixture, joined(longer, {1})) == static_cast<int>(longer.size()) - 1);
}

TEST_CASE("host runtime: a prompt that is asked for twice at once is computed once, and both write") {
  Fixture fixture(kDraft, kFewSlots);
  const std::vector<Token> tokens = place(4, 20);
  const PromptId first = fixture.open_prompt(tokens, 80);
  for (int tag = 1; tag < kPromptSlots; ++tag) ask(fixture, place(tag, 20));
  const auto [second, reused] = fixture.runtime->open_prompt({tokens, 80});
  CHECK(reused == static_cast<int>(tokens.size()) - 1);
  for (const PromptId id : {first, second})
    for (const auto& lane : run_lanes(fixture, {id}, {tokens}, 2, {0}, 20, ragged_length)) CHECK(lane == plain_greedy(tokens, 20));
}

TEST_CASE("host runtime: room is taken to the last token, and given back but for the prompt itself") {
  constexpr int kCells = 120;
  Fixture fixture(kDraft, {.sequences = kMaxLanes + kPromptSlots, .cache_tokens = kCells});
  const std::vector<Token> first = place(2, 18), other = place(3, 18);
  CHECK_THROWS_AS(fixture.runtime->open_prompt({first, kCells - 19}), CacheFull);
  const PromptId whole = fixture.runtime->open_prompt({first, kCells - 20}).id;
  CHECK_THROWS_AS(fixture.runtime->open_prompt({std::vector<Token>{1}, 0}), CacheFull);
  while (fixture.runtime->prefill(whole, 50, true) > 0) {
  }
  fixture.runtime->close_prompt(whole);
  fixture.runtime->close_prompt(fixture.runtime->open_prompt({other, kCells - 40}).id);
  CHECK(reused(fixture, first) == 19);
  const PromptId again = fixture.runtime->open_prompt({other, kCells - 39}).id;
  CHECK(fixture.target->used_cells() == 0);
  fixture.runtime->close_prompt(again);
}

TEST_CASE("host runtime: what is open counts where room is made") {
  Fixture fixture(kDraft, {.cache_tokens = 120});
  ask(fixture, place(1, 18));
  fixture.open_prompt(place(2, 18), 30);
  fixture.runtime->open_prompt({place(3, 18), 30});
  CHECK(fixture.target->used_cells() == 19 + 19);
  fixture.runtime->open_prompt({std::vector<Token>{4}, 19});
  CHECK(fixture.target->used_cells() == 19);
}

TEST_CASE("host runtime: a prompt that goes on from a cached one takes its place, and pushes out none of another place") {
  const std::vector<Token> whole = place(4, 60);
  const auto keys = [&](Fixture& fixture, int tail) {
    for (int key = 0; key < 5; ++key) {
      const auto [id, reused] = fixture.runtime->open_prompt({{whole.begin(), whole.begin() + 40 + key}, tail});
      CHECK(reused == (key > 0 ? 38 + key : 0));
      while (fixture.runtime->prefill(id, 50, true) > 0) {
      }
      fixture.runtime->close_prompt(id);
    }
  };
  SUBCASE("where no place is free") {
    Fixture fixture(kDraft, kFewSlots);
    for (int tag = 1; tag < kPromptSlots; ++tag) ask(fixture, place(tag, 20));
    keys(fixture, 16);
    for (int tag = 1; tag < kPromptSlots; ++tag) CHECK(reused(fixture, place(tag, 20)) == 21);
  }
  SUBCASE("where there is no room for both") {
    Fixture fixture(kDraft, {.cache_tokens = 100});
    ask(fixture, place(1, 20));
    keys(fixture, 34);
    CHECK(fixture.target->used_cells() == 21 + 43);
    CHECK(reused(fixture, place(1, 20)) == 21);
  }
}

TEST_CASE("host runtime: of a cached prompt that has no room beside the new one only the common beginning stays") {
  Fixture fixture(kDraft, {.cache_tokens = 120});
  const std::vector<Token> cached = place(2, 58);
  ask(fixture, cached);
  CHECK(fixture.target->used_cells() == 59);
  const std::vector<Token> next = joined({cached.begin(), cached.begin() + 30}, place(1, 18));
  const auto [id, reused] = fixture.runtime->open_prompt({next, 70});
  CHECK(fixture.target->used_cells() == reused);
  CHECK(fixture.draft->used_cells() == reused);
}

TEST_CASE("host runtime: where all places for prompts are in use the cache is full") {
  Fixture fixture(kDraft, kFewSlots);
  std::vector<PromptId> open;
  for (int tag = 1; tag <= kPromptSlots; ++tag) open.push_back(fixture.open_prompt(place(tag, 20), 16));
  CHECK_THROWS_AS(fixture.runtime->open_prompt({place(5, 20), 16}), CacheFull);
  fixture.runtime->close_prompt(open[1]);
  CHECK(reused(fixture, place(5, 20)) == 0);
}

TEST_CASE("host runtime: whatever prompts come and go in a cache too small for them, lanes write what plain decoding does") {
  constexpr int kCells = 150, kSlots = 3, kWanted = 6, kLength = 3, kLanes = 2, kTail = kLanes * (kWanted + kLength + 1);
  Fixture fixture(kTarget, {.sequences = 8 + kSlots, .cache_tokens = kCells, .max_rows = 8});
  REQUIRE(fixture.runtime->info().max_lanes == 8);
  struct Open {
    PromptId id;
    std::vector<Token> tokens;
  };
  std::vector<Open> open;
  std::mt19937 random(3);
  const auto below = [&](std::size_t n) { return static_cast<int>(random() % n); };
  int full = 0, found = 0;
  Totals totals;
  for (int round = 0; round < 1500; ++round) {
    if (below(2) == 0) {
      const std::vector<Token> beginning = place(below(4), 30);
      const std::vector<Token> tokens = joined({beginning.begin(), beginning.begin() + 1 + below(30)}, place(below(36), below(12)));
      int used = static_cast<int>(tokens.size()) + kTail;
      for (const Open& other : open) used += static_cast<int>(other.tokens.size()) + kTail;
      try {
        const auto [id, reused] = fixture.runtime->open_prompt({tokens, kTail});
        found += reused > 0;
        REQUIRE(used <= kCells);
        REQUIRE(open.size() < kSlots);
        open.push_back({id, tokens});
      } catch (const CacheFull&) {
        ++full;
        REQUIRE((used > kCells || open.size() == kSlots));
      }
    } else if (!open.empty()) {
      const auto at = open.begin() + below(open.size());
      const bool with_draft = below(3) > 0;
      if (below(8) > 0) {
        while (fixture.runtime->prefill(at->id, 1 + below(40), with_draft) > 0) {
        }
        for (const auto& lane : run_lanes(fixture, {at->id}, {at->tokens}, kLanes, {0}, kWanted, [&](int, int) { return below(kLength + 1); }, &totals))
          REQUIRE(lane == plain_greedy(at->tokens, kWanted));
      } else {
        fixture.runtime->prefill(at->id, 1 + below(10), with_draft);
      }
      fixture.runtime->close_prompt(at->id);
      open.erase(at);
    }
    if (below(100) == 0) fixture.runtime->drop_cached_prompts();
    REQUIRE(fixture.target->used_cells() <= kCells - kTail * static_cast<int>(open.size()));
  }
  CHECK(full > 20);
  CHECK(found > 200);
  CHECK(totals.accepted == totals.drafted);
}
