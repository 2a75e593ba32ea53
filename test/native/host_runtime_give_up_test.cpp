// The host runtime where passes are given up: what was computed before stays, and what comes after is what it would have been.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "host_runtime_lanes.h"

using namespace octet;
using namespace octet::test;

namespace {

const std::vector<Token> kPrompt{1, 4, 2, 0, 5, 3, 3, 1, 2};

/// A fixture whose passes are given up from the model's pass number `pass` on, until told otherwise.
struct Watched : Fixture {
  std::atomic<bool> given_up{false};

  Watched() { runtime->watch(given_up); }
  void give_up(FakeModel& model, int pass) {
    model.before_pass = [this, pass](int now) {
      if (now >= pass) given_up = true;
    };
  }
  void go_on(FakeModel& model) {
    model.before_pass = {};
    given_up = false;
  }
};

void step_lane(Watched& fixture, LaneId id, std::vector<Token>& tokens) {
  const StepResult step = fixture.step({{{id, 3}}});
  for (const EmittedToken& token : step.lanes[0].tokens) tokens.push_back(token.token);
}

std::vector<Token> greedy_lane(Watched& fixture, PromptId prompt, LaneId id, int length) {
  fixture.runtime->open_lane({.id = id, .prompt = prompt, .max_new_tokens = 64, .sampling = {0}});
  std::vector<Token> tokens;
  while (static_cast<int>(tokens.size()) < length) step_lane(fixture, id, tokens);
  tokens.resize(static_cast<std::size_t>(length));
  fixture.runtime->close_lane(id);
  return tokens;
}

}  // namespace

TEST_CASE("host runtime: of a prompt that is given up, the pieces that were computed are there for the next") {
  for (const bool in_draft : {false, true}) {
    CAPTURE(in_draft);
    Watched fixture;
    FakeModel& model = in_draft ? *fixture.draft : *fixture.target;
    fixture.give_up(model, 3);  // two pieces of two tokens are computed
    const PromptId first = fixture.runtime->open_prompt({kPrompt, 100}).id;
    fixture.runtime->prefill(first, 2, true);
    fixture.runtime->prefill(first, 2, true);
    CHECK_THROWS_AS(fixture.runtime->prefill(first, 2, true), GivenUp);
    fixture.runtime->close_prompt(first);
    fixture.go_on(model);

    const auto [second, reused] = fixture.runtime->open_prompt({kPrompt, 100});
    CHECK(reused == (in_draft ? 6 : 4));
    while (fixture.runtime->prefill(second, 2, true) > 0) {
    }
    CHECK(greedy_lane(fixture, second, 1, 20) == plain_greedy(kPrompt, 20));
    fixture.runtime->close_prompt(second);
  }
}

TEST_CASE("host runtime: a step that is given up, in any of its passes, leaves the prompt and the other lanes as they were") {
  for (const bool in_draft : {false, true})
    for (int pass = 1; pass <= (in_draft ? 3 : 1); ++pass) {
      CAPTURE(in_draft);
      CAPTURE(pass);
      Watched fixture;
      const PromptId prompt = fixture.open_prompt(kPrompt, 1000);
      const int free_before = fixture.target->used_cells();
      for (const LaneId id : {1, 2}) fixture.runtime->open_lane({.id = id, .prompt = prompt, .stream = static_cast<std::uint32_t>(id), .max_new_tokens = 64, .sampling = {0}});
      std::vector<Token> other;
      const StepResult both = fixture.step({{{1, 3}, {2, 3}}});
      for (const EmittedToken& token : both.lanes[1].tokens) other.push_back(token.token);

      FakeModel& model = in_draft ? *fixture.draft : *fixture.target;
      fixture.give_up(model, model.passes + pass);
      fixture.runtime->submit({{{1, 3}}});
      CHECK_THROWS_AS(fixture.runtime->collect(), GivenUp);
      fixture.runtime->close_lane(1);
      fixture.go_on(model);

      while (other.size() < 20) step_lane(fixture, 2, other);
      other.resize(20);
      CHECK(other == plain_greedy(kPrompt, 20));
      fixture.runtime->close_lane(2);
      CHECK(greedy_lane(fixture, prompt, 3, 20) == plain_greedy(kPrompt, 20));
      CHECK(fixture.target->used_cells() == free_before);
    }
}
