// Which plan is chosen, by a device that is made up: what it says is right, wrong or fails, and its times.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "runtimes/cuda/runtime/plan_trials.h"

using namespace octet::cuda;

namespace {

/// Plans told apart by their stages. Microseconds by round, the last for all further ones; none: it fails.
struct MadeUp {
  std::map<int, std::vector<double>> times;
  std::map<int, Finding> findings;
  std::map<int, int> measured;
  std::vector<int> order;

  ProductTrials choose() {
    std::vector<GemmPlan> plans;
    for (const auto& [stages, _] : times) plans.push_back({.stages = stages});
    return try_plans(plans, {[&](const GemmPlan& plan) { return findings.contains(plan.stages) ? findings[plan.stages] : Finding::kRight; },
                             [&](const GemmPlan& plan) -> std::optional<double> {
                               order.push_back(plan.stages);
                               const auto round = static_cast<std::size_t>(measured[plan.stages]++);
                               const std::vector<double>& own = times[plan.stages];
                               const double us = own[std::min(round, own.size() - 1)];
                               return us > 0 ? std::optional(us) : std::nullopt;
                             }});
  }
};

}  // namespace

TEST_CASE("cuda trials: the fastest plan is chosen, in rounds in which all take turns") {
  MadeUp device{.times = {{2, {100}}, {3, {90}}, {4, {80, 85, 81}}, {5, {84}}, {6, {120}}}};
  const ProductTrials trials = device.choose();
  CHECK(trials.chosen == 2);
  CHECK(trials.plan().stages == 4);
  CHECK(trials.plans[0].us == 100);
  CHECK(trials.plans[2].us == 81);
  REQUIRE(device.order.size() == 5u * kTrialRounds - (kTrialRounds - 2));  // the slowest is hopeless after two rounds
  CHECK(std::vector<int>(device.order.begin(), device.order.begin() + 10) == std::vector<int>{2, 3, 4, 5, 6, 2, 3, 4, 5, 6});
  CHECK(device.measured[2] == kTrialRounds);  // the model's is measured to the end
}

TEST_CASE("cuda trials: noise replaces nothing") {
  CHECK(MadeUp{.times = {{2, {100}}, {3, {98.5}}}}.choose().chosen == 0);            // too little
  CHECK(MadeUp{.times = {{2, {100}}, {3, {97.5}}}}.choose().chosen == 1);            // enough
  CHECK(MadeUp{.times = {{2, {100}}, {3, {90, 101, 101, 90, 90}}}}.choose().chosen == 0);  // its median is less, but it lost twice
  CHECK(MadeUp{.times = {{2, {100}}, {3, {90, 90, 101, 90, 90}}}}.choose().chosen == 1);
  CHECK(MadeUp{.times = {{2, {200, 200, 100, 100, 100}}, {3, {99}}}}.choose().chosen == 0);  // two slow rounds of the model's are no reason
}

TEST_CASE("cuda trials: what is wrong or cannot be launched is never chosen, nor measured") {
  MadeUp device{.times = {{2, {100}}, {3, {50}}, {4, {60}}, {5, {90}}}, .findings = {{3, Finding::kWrong}, {4, Finding::kFailed}}};
  const ProductTrials trials = device.choose();
  CHECK(trials.plan().stages == 5);
  CHECK(device.measured[3] + device.measured[4] == 0);
  CHECK(trials.plans[1].finding == Finding::kWrong);
  CHECK(trials.plans[2].finding == Finding::kFailed);
  // Fails as it is measured.
  MadeUp later{.times = {{2, {100}}, {3, {85, 85, 0}}, {4, {90}}}};
  CHECK(later.choose().plan().stages == 4);
  CHECK(later.measured[3] == 3);
}

TEST_CASE("cuda trials: where the model's plan is wrong itself, another is taken though it be slower; where none is right, it stays") {
  MadeUp device{.times = {{2, {50}}, {3, {100}}, {4, {70}}}, .findings = {{2, Finding::kWrong}}};
  CHECK(device.choose().plan().stages == 4);
  MadeUp one{.times = {{2, {50}}, {3, {100}}}, .findings = {{2, Finding::kWrong}}};
  CHECK(one.choose().plan().stages == 3);
  MadeUp none{.times = {{2, {50}}, {3, {40}}}, .findings = {{2, Finding::kWrong}, {3, Finding::kFailed}}};
  CHECK(none.choose().chosen == 0);
  MadeUp failing{.times = {{2, {0}}, {3, {0}}}};
  CHECK(failing.choose().chosen == 0);
}
