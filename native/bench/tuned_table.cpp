#include "bench/tuned_table.h"

#include "bench/arguments.h"
#include "bench/interrupt.h"

namespace octet::bench {

using namespace cuda;

void report_tuned(Report& report, const std::vector<TunedRow>& rows) {
  report.table("tuned", "Measured plans of products, beside the cost model's",
               {{"shape", "shape"}, {"matrix", "matrix"}, {"format", "format"}, {"rows", "n up to", 0}, {"modelUs", "model's, microseconds", 2},
                {"tunedUs", "chosen, microseconds", 2}, {"overModel", "model's / chosen", 3}, {"plan", "chosen plan"}, {"modelPlan", "model's plan"},
                {"tried", "tried", 0}, {"dropped", "dropped as wrong"}});
  for (const auto& [shape, product] : rows) {
    const ProductTrials& trials = product.trials;
    const PlanTrial &model = trials.plans.front(), &chosen = trials.plans[trials.chosen];
    std::string dropped;
    for (const PlanTrial& trial : trials.plans)
      if (trial.finding == Finding::kWrong || trial.finding == Finding::kFailed)
        dropped += (dropped.empty() ? "" : "; ") + name_of(trial.plan) + (trial.finding == Finding::kFailed ? " (not launched)" : "");
    const auto us = [](const PlanTrial& trial) { return trial.us > 0 ? Value(trial.us) : Value(); };
    report.row({shape, product.name, option_name(product.key.format), static_cast<double>(product.key.bucket * 8), us(model), us(chosen),
                model.us > 0 && chosen.us > 0 ? Value(model.us / chosen.us) : Value(), name_of(chosen.plan),
                trials.chosen == 0 ? "the same" : name_of(model.plan), static_cast<double>(trials.plans.size()), dropped.empty() ? "none" : dropped});
  }
  report.note("Medians of " + std::to_string(kTrialRounds) +
              " rounds in which the plans took turns, over the weights of several layers, caches overwritten between. Every plan's result was compared "
              "with that of the cost model's plan by mma.sync.");
}

TuningOptions tuning_into(std::vector<TunedRow>& rows, std::string target, std::string draft) {
  TuningOptions options{.on = true, .budget_ms = 60000};  // what is not measured would be missing in the table
  options.progress = [](float) { return !interrupted(); };
  options.heard = [&rows, target = std::move(target), draft = std::move(draft)](const TunedProduct& product) {
    rows.push_back({product.draft ? draft : target, product});
  };
  return options;
}

}  // namespace octet::bench
