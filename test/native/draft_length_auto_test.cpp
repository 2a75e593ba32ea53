// What `auto` decides step by step, where costs and experience are given: what a trial may lose and who pays for it, and when the draft
// is to read what it has missed.
#include <doctest/doctest.h>

#include <functional>

#include "engine/draft_length.h"

using namespace octet;
using doctest::Approx;

namespace {

using Ms = std::function<double(int rows)>;

/// Costs that are known at all the row counts that two or eight lanes need.
CostModel costs_of(const Ms& draft_pass, const Ms& verify) {
  CostModel costs;
  for (int i = 0; i < 40; ++i)
    for (const int rows : {1, 2, 8, 16, 200})
      costs.observe({.draft_ms = draft_pass(rows), .verify_ms = verify(rows), .draft_passes = 1, .draft_rows = rows, .verify_rows = rows});
  return costs;
}

double flat(int) { return 1; }
double by_row(int rows) { return rows / 8.0; }
double hundredth(int rows) { return rows / 100.0; }

struct Auto {
  CostModel costs;
  Experience experience;
  std::unique_ptr<DraftLengthPolicy> policy;

  explicit Auto(CostModel known) : costs(std::move(known)), policy(make_policy({DraftLengthSpec::Kind::kAuto}, kMaxDraftLength, costs, experience)) {}

  /// The step for which next() answered `choice` kept `accepted` of each draft.
  void observe(const DraftLengthPolicy::Choice& choice, int accepted, int lanes = 2) {
    policy->observe(choice, std::vector<LaneOutcome>(static_cast<std::size_t>(lanes), {choice.length, accepted}), lanes);
  }
  void know(int drafted, int accepted) {
    for (int i = 0; i < 500; ++i) experience.acceptance.observe(drafted, accepted);
  }
};

}  // namespace

TEST_CASE("auto has the draft read the prompt where it cannot tell yet what drafting costs") {
  for (const bool draft_known : {false, true}) {
    Auto fresh{CostModel()};
    if (draft_known) fresh.costs.observe({.draft_ms = 1, .verify_ms = 1, .draft_passes = 1, .draft_rows = 2, .verify_rows = 4});
    REQUIRE(fresh.costs.knows_draft() == draft_known);
    CHECK(fresh.policy->wants_draft(2, 100'000));
    // Then the prompt is no part of what a trial loses.
    const auto choice = fresh.policy->next(2);
    if (!draft_known) CHECK(choice.is_trial);
    for (int i = 0; i < 8; ++i) fresh.costs.observe({.draft_ms = 1, .verify_ms = 1, .draft_passes = 1, .draft_rows = 2, .verify_rows = 4});
    fresh.observe(choice, 0);
    CHECK(fresh.experience.allowance > 2);
  }
}

TEST_CASE("auto leaves a prompt unread that costs more than drafting could gain, and reads one that does not") {
  Auto good{costs_of(hundredth, flat)};
  good.know(4, 4);
  CHECK_FALSE(good.policy->wants_draft(2, 100'000));
  CHECK(good.policy->next(2).length == 0);
  CHECK(good.policy->wants_draft(2, 200));
  CHECK(good.policy->next(2).length > 0);
}

TEST_CASE("auto pays once for the prompt that the draft has not seen, and for nothing it gained") {
  Auto sparing{costs_of(hundredth, flat)};
  sparing.experience.allowance = 1;
  CHECK_FALSE(sparing.policy->wants_draft(2, 200));  // two plain steps' worth
  sparing.experience.allowance = 4;
  const auto first = sparing.policy->next(2);
  REQUIRE(first.is_trial);
  CHECK(first.length == 3);  // of the sixteen that are hoped for
  sparing.observe(first, 0);
  CHECK(sparing.experience.allowance < 4 - 2);
  sparing.experience.allowance = 1;
  const auto second = sparing.policy->next(2);
  REQUIRE(second.is_trial);
  sparing.observe(second, 0);
  CHECK(sparing.experience.allowance > 0.5);
  sparing.experience.allowance = 1;
  const auto third = sparing.policy->next(2);
  REQUIRE(third.is_trial);
  sparing.observe(third, third.length);
  CHECK(sparing.experience.allowance == Approx(1 + Experience::kAllowancePerStep));
}

TEST_CASE("auto tries its luck with one lane where all would cost more than is left") {
  Auto poor{costs_of(by_row, by_row)};
  poor.experience.since_draft = 1000;
  poor.experience.allowance = 5;
  const auto all = poor.policy->next(8);
  REQUIRE(all.is_trial);
  CHECK(all.lanes >= 8);
  poor.observe(all, 0, 8);
  poor.experience.since_draft = 1000;
  poor.experience.allowance = 0.5;
  const auto one = poor.policy->next(8);
  CHECK(one.is_trial);
  CHECK(one.lanes == 1);
  CHECK(one.length > 0);
  poor.observe({0}, 0, 8);
  CHECK(poor.policy->next(8).length == 0);  // one trial at a time
}

TEST_CASE("auto forgets a bad draft over plain steps, saves up no more than its allowance, and learns nothing from a step without lanes") {
  Auto idle{costs_of(hundredth, flat)};
  idle.know(4, 0);
  REQUIRE(idle.experience.acceptance.known());
  const double before = idle.experience.acceptance.tokens_per_step(3);
  idle.experience.allowance = 1;
  for (int i = 0; i < 50; ++i) idle.policy->observe({0}, {}, 0);
  CHECK(idle.experience.allowance == 1);
  CHECK(idle.experience.since_draft == 0);
  CHECK(idle.experience.acceptance.tokens_per_step(3) == before);
  for (int i = 0; i < 2000; ++i) idle.observe({0}, 0);
  CHECK_FALSE(idle.experience.acceptance.known());
  CHECK(idle.experience.acceptance.tokens_per_step(3) > before + 1);
  CHECK(idle.experience.allowance == Experience::kLargestAllowance);
}

TEST_CASE("auto drafts sixteen tokens at most, however good the draft") {
  Auto perfect{costs_of([](int) { return 0.001; }, flat)};
  perfect.know(32, 32);
  CHECK(perfect.policy->next(2).length == 16);
}

TEST_CASE("auto goes on drafting over thousands of steps, the plain ones between being caught up with each time") {
  Auto steady{costs_of([](int rows) { return 0.35 * rows; }, flat)};
  steady.know(4, 4);
  int drafted = 0;
  constexpr int kSteps = 10'000;
  for (int step = 0; step < kSteps; ++step) {
    const auto choice = steady.policy->next(2);
    drafted += choice.length > 0;
    steady.observe(choice, choice.length);
  }
  CHECK(drafted > kSteps * 9 / 10);
}
