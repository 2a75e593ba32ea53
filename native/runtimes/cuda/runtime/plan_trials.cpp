#include "runtimes/cuda/runtime/plan_trials.h"

#include <algorithm>

namespace octet::cuda {
namespace {

constexpr int kRoundsOfAll = 2;         // then hopeless plans are left out
constexpr double kHopelessAbove = 1.2;  // times the fastest's best

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

using Times = std::vector<double>;  // of a plan, by round

bool is_faster(const Times& candidate, const Times& than) {
  if (median(candidate) > (1 - kTrialNoise) * median(than)) return false;
  std::size_t won = 0;
  for (std::size_t round = 0; round < candidate.size(); ++round) won += candidate[round] < than[round];
  return won + 1 >= candidate.size();
}

}  // namespace

ProductTrials try_plans(const std::vector<GemmPlan>& plans, const PlanTrialDevice& device) {
  ProductTrials trials;
  for (const GemmPlan& plan : plans) trials.plans.push_back({.plan = plan, .finding = device.check(plan)});
  const auto runs = [&](std::size_t i) { return trials.plans[i].finding == Finding::kRight; };
  // The plan to beat: the cost model's, or where that is wrong the first that is right.
  const auto model = [&] {
    std::size_t first = 0;
    while (first < plans.size() && !runs(first)) ++first;
    return first < plans.size() ? first : 0;
  };
  const auto right = std::count_if(trials.plans.begin(), trials.plans.end(), [](const PlanTrial& trial) { return trial.finding == Finding::kRight; });
  std::vector<Times> times(plans.size());
  for (int round = 0; round < kTrialRounds && right > 1; ++round) {
    for (std::size_t i = 0; i < plans.size(); ++i) {
      if (!runs(i)) continue;
      if (const std::optional<double> us = device.measure(plans[i])) times[i].push_back(*us);
      else trials.plans[i].finding = Finding::kFailed;
    }
    if (round + 1 != kRoundsOfAll || !runs(model())) continue;
    const auto best = [&](std::size_t i) { return *std::min_element(times[i].begin(), times[i].end()); };
    double least = best(model());
    for (std::size_t i = 0; i < plans.size(); ++i)
      if (runs(i)) least = std::min(least, best(i));
    for (std::size_t i = 0; i < plans.size(); ++i)
      if (runs(i) && i != model() && best(i) > kHopelessAbove * least) trials.plans[i].finding = Finding::kHopeless;
  }
  for (std::size_t i = 0; i < plans.size(); ++i)
    if (!times[i].empty()) trials.plans[i].us = median(times[i]);
  const std::size_t beaten = model();
  trials.chosen = beaten;
  for (std::size_t i = 0; i < plans.size(); ++i)
    if (runs(i) && i != beaten && is_faster(times[i], times[beaten]) && trials.plans[i].us < trials.plans[trials.chosen].us) trials.chosen = i;
  return trials;
}

}  // namespace octet::cuda
