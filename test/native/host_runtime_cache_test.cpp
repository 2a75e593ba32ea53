// Which prompts the host runtime's cache keeps where it is short of room.
#include <doctest/doctest.h>

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
