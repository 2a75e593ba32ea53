// The policies' draft lengths: the paper's algorithm by its table, and `auto` against devices of known speed.
#include <doctest/doctest.h>

#include "auto_simulation.h"
#include "engine/error.h"

using namespace octet;
using namespace octet::test;

TEST_CASE("draft lengths are parsed, and nothing else is") {
  using Kind = DraftLengthSpec::Kind;
  CHECK(DraftLengthSpec::parse("none").kind == Kind::kNone);
  CHECK(DraftLengthSpec::parse("bass").kind == Kind::kBass);
  CHECK(DraftLengthSpec::parse("auto").kind == Kind::kAuto);
  for (const int length : {1, 9, 32}) {
    const auto spec = DraftLengthSpec::parse("fixed:" + std::to_string(length));
    CHECK(spec.kind == Kind::kFixed);
    CHECK(spec.fixed == length);
  }
  for (const char* wrong : {"", "Auto", "auto ", "fixed", "fixed:", "fixed:0", "fixed:33", "fixed:-1", "fixed:+3",
                            "fixed:3x", "fixed: 3", "fixed:99999999999999999999", "fixed:3.5", "bass:7"}) {
    CAPTURE(wrong);
    try {
      DraftLengthSpec::parse(wrong);
      FAIL("parsed");
    } catch (const Error& error) {
      CHECK(error.code == ErrorCode::kBadParams);
    }
  }
}

namespace {

std::unique_ptr<DraftLengthPolicy> policy(const char* spec, int limit = kMaxDraftLength) {
  static const CostModel costs;
  static Experience experience;
  return make_policy(DraftLengthSpec::parse(spec), limit, costs, experience);
}

}  // namespace

TEST_CASE("none and fixed stay what they are") {
  const auto none = policy("none"), fixed = policy("fixed:5"), limited = policy("fixed:20", 8);
  for (int step = 0; step < 3; ++step) {
    CHECK(none->next(8).length == 0);
    CHECK(fixed->next(8).length == 5);
    CHECK(fixed->next(8).lanes >= 8);
    CHECK(limited->next(8).length == 8);
    fixed->observe({}, {{5, 0}}, 8);
  }
  CHECK_FALSE(none->wants_draft(8, 100));
  CHECK(fixed->wants_draft(8, 100));
}

TEST_CASE("bass is Algorithm 1 of the paper") {
  struct Step {
    std::vector<int> accepted;
    int next;
  };
  // l = 7, s = 0. All of one lane's draft kept: l + 2 up to 32, s = 0. Else max(1, max x, l - ceil(l / 10) - s), s = 1.
  const std::vector<Step> table = {
      {{7, 0}, 9},    {{9, 9}, 11},   {{3, 2}, 9},    // 11 - 2 - 0
      {{3, 2}, 7},                                    // 9 - 1 - 1
      {{6, 1}, 6},                                    // max x = 6 > 7 - 1 - 1
      {{0, 0}, 4},    {{0, 0}, 2},    {{0, 0}, 1},    // 6-1-1, 4-1-1, max(1, 2-1-1)
      {{0, 0}, 1},    {{1, 0}, 3},    {{0, 0}, 2},    // s = 0 after the growth: 3 - 1 - 0
      {{2, 0}, 4},    {{4, 1}, 6},    {{6, 0}, 8},    {{8, 8}, 10},   {{10, 0}, 12},  {{12, 0}, 14},
      {{14, 0}, 16},  {{16, 0}, 18},  {{18, 0}, 20},  {{20, 0}, 22},  {{22, 0}, 24},  {{24, 0}, 26},
      {{26, 0}, 28},  {{28, 0}, 30},  {{30, 0}, 32},  {{32, 0}, 32},  // the limit
      {{31, 0}, 31},                                  // max x = 31 > 32 - 4 - 0
      {{20, 5}, 26},                                  // 31 - 4 - 1
      {{20, 5}, 22},                                  // 26 - 3 - 1
      {{20, 5}, 20},                                  // max x = 20 > 22 - 3 - 1
      {{20, 5}, 22},
  };
  const auto bass = policy("bass");
  CHECK(bass->next(2).length == 7);
  for (std::size_t i = 0; i < table.size(); ++i) {
    CAPTURE(i);
    const int length = bass->next(2).length;
    bass->observe({length}, {{length, table[i].accepted[0]}, {length, table[i].accepted[1]}}, 2);
    CHECK(bass->next(2).length == table[i].next);
  }
}

TEST_CASE("bass with a step in flight judges a step by the length it had; lanes at their end say nothing") {
  const auto bass = policy("bass");
  bass->observe({}, {{7, 7}}, 1);
  CHECK(bass->next(1).length == 9);
  bass->observe({}, {{7, 7}}, 1);  // planned before the growth
  CHECK(bass->next(1).length == 9);
  bass->observe({}, {{0, 0}}, 1);
  CHECK(bass->next(1).length == 9);
  bass->observe({}, {{2, 2}, {0, 0}}, 2);  // cut short
  CHECK(bass->next(1).length == 9);
  const auto limited = policy("bass", 4);
  CHECK(limited->next(1).length == 4);
  limited->observe({}, {{4, 4}}, 1);
  CHECK(limited->next(1).length == 4);
}

namespace {

const std::vector<Shape>& verify_shapes() {
  static const std::vector<Shape> shapes = {
      {"the same for any number of rows", [](double) { return 10.0; }},
      {"half fixed", [](double rows) { return 5 + 5 * rows / 8; }},
      {"by the row", [](double rows) { return 10 * rows / 8; }},
      {"the same up to 32 rows", [](double rows) { return rows <= 32 ? 10 : 10 * rows / 32; }},
      {"by tiles of 16 rows", [](double rows) { return 5 * std::ceil(rows / 16); }},
      {"two kernels", [](double rows) { return rows <= 4 ? 0.5 + 0.15 * rows : 0.35 * rows; }}};
  return shapes;
}

const std::vector<Shape>& draft_shapes() {
  static const std::vector<Shape> shapes = {{"the same for any number of rows", [](double) { return 1.0; }},
                                            {"by the row", [](double rows) { return rows / 8; }}};
  return shapes;
}

}  // namespace

TEST_CASE("auto never loses to plain decoding by more than a twentieth, whatever the device and the draft") {
  double worst = 0, worst_to_best = 0, sum_to_best = 0;
  int worlds = 0;
  for (const Shape& verify : verify_shapes())
    for (const Shape& draft : draft_shapes())
      for (const double cost : {0.02, 0.1, 0.3, 1.0, 3.0})
        for (const double rate : {0.0, 0.3, 0.6, 0.8, 0.95})
          for (const int lanes : {1, 2, 8, 16})
            for (const auto& [noise, depth] : {std::pair{0.0, 1}, {0.2, 1}, {0.0, 2}}) {
              World world{draft, verify, cost, rate, noise};
              const Outcome outcome = Simulation(world, depth).run(lanes, 500);
              CAPTURE(std::string(verify.name));
              CAPTURE(std::string(draft.name));
              CAPTURE(cost);
              CAPTURE(rate);
              CAPTURE(lanes);
              CAPTURE(noise);
              CAPTURE(depth);
              const double to_plain = outcome.ms_per_token / world.plain_ms_per_token(lanes);
              CHECK(to_plain < (noise > 0 ? 1.08 : 1.05));
              worst = std::max(worst, to_plain);
              const double to_best = outcome.ms_per_token / world.best(lanes).ms_per_token;
              worst_to_best = std::max(worst_to_best, to_best);
              sum_to_best += to_best;
              ++worlds;
            }
  MESSAGE(worlds << " worlds; time per token at worst " << worst << " of plain decoding's and " << worst_to_best
                 << " of the best length's, on average " << sum_to_best / worlds);
  CHECK(sum_to_best / worlds < 1.03);
}

TEST_CASE("auto settles at the best length, or near it, within a few steps") {
  for (const auto& [rate, cost] : {std::pair{0.8, 0.05}, {0.9, 0.1}, {0.6, 0.05}, {0.95, 0.02}, {0.7, 0.1}})
    for (const auto& [lanes, depth] : {std::pair{4, 1}, {8, 1}, {16, 1}, {8, 2}}) {
      World world{draft_shapes()[0], verify_shapes()[1], cost, rate, 0};
      const World::Best best = world.best(lanes);
      CAPTURE(rate);
      CAPTURE(cost);
      CAPTURE(lanes);
      Simulation simulation(world, depth);
      simulation.run(lanes, 20);
      const Outcome settled = simulation.run(lanes, 100);
      CAPTURE(best.length);
      CAPTURE(settled.mode());
      CHECK(settled.ms_per_token < 1.06 * best.ms_per_token);
      CHECK(std::abs(settled.mode() - best.length) <= std::max(1, best.length / 3));
    }
}

TEST_CASE("auto does not draft where plain decoding is best") {
  for (const double rate : {0.0, 0.3, 0.6}) {
    World world{draft_shapes()[0], verify_shapes()[2], 0.3, rate, 0};
    Simulation simulation(world);
    simulation.run(8, 20);
    const Outcome settled = simulation.run(8, 300);
    CHECK(settled.mode() == 0);
    CHECK(settled.ms_per_token < 1.03 * world.plain_ms_per_token(8));
  }
}

TEST_CASE("auto has one trial under way at a time, and books it when that step is over") {
  CostModel costs;
  Experience experience;
  const auto policy = make_policy({DraftLengthSpec::Kind::kAuto}, kMaxDraftLength, costs, experience);
  const auto first = policy->next(8), second = policy->next(8);
  CHECK(first.is_trial);
  CHECK(first.length > 0);
  CHECK_FALSE(second.is_trial);
  CHECK(second.length == 0);
  const double before = experience.allowance;
  for (int i = 0; i < 4; ++i) costs.observe({.draft_ms = 0.05, .verify_ms = 1, .draft_passes = 1, .draft_rows = 8, .verify_rows = 16});
  policy->observe(first, {{1, 0}}, 8);
  CHECK(experience.allowance < before);
  const double booked = experience.allowance;
  policy->observe(second, {{0, 0}}, 8);
  CHECK(experience.allowance > booked);
  CHECK(policy->next(8).length > 0);
}

TEST_CASE("auto notices when the draft becomes good, and when it becomes bad") {
  World world{draft_shapes()[0], verify_shapes()[0], 0.1, 0.02, 0};
  Simulation simulation(world);
  simulation.run(8, 300);
  CHECK(simulation.run(8, 50).ms_per_token < 1.05 * world.plain_ms_per_token(8));
  simulation.world().rate = 0.9;
  simulation.run(8, 300);
  CHECK(simulation.run(8, 100).ms_per_token < 1.15 * simulation.world().best(8).ms_per_token);
  simulation.world().rate = 0;
  simulation.run(8, 60);
  CHECK(simulation.run(8, 200).ms_per_token < 1.04 * world.plain_ms_per_token(8));
}

TEST_CASE("auto knows from earlier requests what to do, and whether the draft should see the prompt") {
  World good{draft_shapes()[0], verify_shapes()[0], 0.05, 0.9, 0};
  Simulation simulation(good);
  CHECK(simulation.wants_draft(8, 1000));  // nothing is known: it must be tried
  simulation.run(8, 100);
  simulation.next_request(1000);
  CHECK(simulation.wants_draft(8, 1000));
  const Outcome outcome = simulation.run(8, 20);
  CHECK(outcome.ms_per_token < 1.1 * good.best(8).ms_per_token);

  World bad{draft_shapes()[1], verify_shapes()[2], 1.0, 0.3, 0};
  Simulation hopeless(bad);
  hopeless.run(8, 100);
  hopeless.next_request(1000);
  CHECK_FALSE(hopeless.wants_draft(8, 1000));
}
