// What `auto` learns: costs by rows, and how often drafts are accepted.
#include <doctest/doctest.h>

#include "engine/cost_model.h"

using namespace octet;
using doctest::Approx;

TEST_CASE("a line through samples without noise is found") {
  LinearCost cost;
  CHECK_FALSE(cost.known());
  for (int i = 0; i < 40; ++i) cost.observe(8 + i % 4 * 8, 2 + 0.25 * (8 + i % 4 * 8));
  CHECK(cost.known());
  for (const int rows : {1, 8, 20, 64, 200}) CHECK(cost.ms(rows) == Approx(2 + 0.25 * rows).epsilon(1e-6));
}

TEST_CASE("one row count seen: half of the time is taken for fixed") {
  LinearCost cost;
  cost.observe(8, 4);
  CHECK(cost.ms(8) == Approx(4));
  CHECK(cost.ms(16) == Approx(6));
  CHECK(cost.ms(1) == Approx(2.25));
}

TEST_CASE("the slope is neither negative nor more than by the row") {
  LinearCost falling, steep;
  for (int i = 0; i < 10; ++i) {
    falling.observe(8, 10);
    falling.observe(16, 5);
    steep.observe(8, 1);
    steep.observe(16, 9);
  }
  CHECK(falling.ms(100) == Approx(falling.ms(8)));
  CHECK(steep.ms(0) >= -1e-9);
}

TEST_CASE("a sample far above the fit counts as three times it, a change that stays is learnt") {
  LinearCost cost;
  for (int i = 0; i < 20; ++i) cost.observe(8 + i % 2 * 8, 4);
  cost.observe(8, 1);
  CHECK(cost.ms(8) > 3.6);  // one fast pass is no warm-up's end by then
  cost.observe(8, 4000);
  CHECK(cost.ms(8) < 4.8);
  for (int i = 0; i < 300; ++i) cost.observe(8 + i % 2 * 8, 40);
  CHECK(cost.ms(8) == Approx(40).epsilon(0.05));
}

TEST_CASE("a slow first pass is forgotten when the next are fast") {
  LinearCost cost;
  PassCost pass;
  cost.observe(8, 100);
  pass.observe(8, 100);
  for (int i = 0; i < 4; ++i) {
    cost.observe(8, 4);
    pass.observe(8, 4);
  }
  CHECK(cost.ms(8) == Approx(4));
  CHECK(pass.ms(8) == Approx(4));
}

TEST_CASE("a row count that was seen is known better than the line through all") {
  const auto tiles = [](int rows) { return 5.0 * ((rows + 15) / 16); };
  PassCost pass;
  for (int i = 0; i < 60; ++i)
    for (const int rows : {8, 16, 24, 64}) pass.observe(rows, tiles(rows));
  for (const int rows : {8, 16, 24, 64}) CHECK(pass.ms(rows) == Approx(tiles(rows)).epsilon(0.1));
  CHECK(pass.ms(40) > tiles(24));
  CHECK(pass.ms(40) < tiles(64));
  CHECK(pass.ms(100000) > 0);
}

TEST_CASE("a row count that becomes faster is learnt within a hundred passes, one not seen for long is known by the line alone") {
  PassCost pass;
  for (int i = 0; i < 500; ++i) pass.observe(8, 10);
  for (int i = 0; i < 100; ++i) pass.observe(8, 5);
  CHECK(pass.ms(8) == Approx(5).epsilon(0.1));
  for (int i = 0; i < 3000; ++i) pass.observe(i % 2 == 0 ? 4 : 16, i % 2 == 0 ? 4 : 16);
  CHECK(pass.ms(8) == Approx(8).epsilon(0.05));
}

TEST_CASE("host work is part of the pass that causes it") {
  CostModel costs;
  const StepTimes times{.draft_ms = 2, .verify_ms = 6, .host_ms = 1.6, .draft_passes = 2, .draft_rows = 16,
                        .verify_rows = 24};
  for (int i = 0; i < 4; ++i) costs.observe(times);
  REQUIRE(costs.knows_draft());
  REQUIRE(costs.knows_verify());
  CHECK(costs.verify_ms(24) == Approx(6 + 0.04 * 24));
  CHECK(costs.draft_pass_ms(8) == Approx((2 + 0.04 * 16) / 2));
  CostModel plain;
  for (int i = 0; i < 4; ++i) plain.observe({.verify_ms = 6, .verify_rows = 8});
  plain.observe({});
  CHECK(plain.verify_ms(8) == Approx(6));
  CHECK(plain.knows_verify());
  CHECK_FALSE(plain.knows_draft());
}

TEST_CASE("acceptance: the rate by position, of recent steps") {
  AcceptanceModel model;
  CHECK_FALSE(model.known());
  const double hoped = model.tokens_per_step(3);
  CHECK(hoped > 2);
  // The first token is accepted every time, the second every other time, the third never.
  for (int i = 0; i < 2000; ++i) model.observe(3, i % 2 == 0 ? 1 : 2);
  CHECK(model.known());
  CHECK(model.tokens_per_step(0) == 1);
  CHECK(model.tokens_per_step(1) == Approx(2).epsilon(0.02));
  CHECK(model.tokens_per_step(2) == Approx(2.5).epsilon(0.02));
  CHECK(model.tokens_per_step(3) == Approx(2.5).epsilon(0.04));
  CHECK(model.chance_of_all(1) == Approx(1).epsilon(0.02));
  CHECK(model.chance_of_all(3) < 0.05);

  for (int i = 0; i < 2000; ++i) model.observe(3, 0);
  CHECK(model.tokens_per_step(3) < 1.05);

  model.observe(0, 0);
  CHECK(model.tokens_per_step(3) < 1.05);
  for (int i = 0; i < 1000; ++i) model.fade();
  CHECK_FALSE(model.known());
  CHECK(model.tokens_per_step(3) == Approx(hoped).epsilon(0.06));
}

TEST_CASE("what comes after a rejection says nothing of the acceptance") {
  AcceptanceModel short_drafts, long_drafts;
  for (int i = 0; i < 1000; ++i) {
    short_drafts.observe(1, i % 2);
    long_drafts.observe(8, i % 2);  // rejected at the first or at the second token
  }
  CHECK(short_drafts.tokens_per_step(1) == Approx(1.5).epsilon(0.02));
  CHECK(long_drafts.tokens_per_step(1) == Approx(1.5).epsilon(0.02));
  CHECK(long_drafts.tokens_per_step(20) < 1.6);
}
