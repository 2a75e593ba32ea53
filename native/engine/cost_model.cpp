#include "engine/cost_model.h"

#include <algorithm>
#include <cmath>

namespace octet {

void LinearCost::observe(double rows, double sample) {
  constexpr double kKeep = 1 - 1.0 / 64;
  if (weight_ < 4 && 3 * sample < ms(rows)) *this = {};
  sample = clipped(rows, sample);
  weight_ = weight_ * kKeep + 1;
  rows_ = rows_ * kKeep + rows;
  ms_ = ms_ * kKeep + sample;
  rows_rows_ = rows_rows_ * kKeep + rows * rows;
  rows_ms_ = rows_ms_ * kKeep + rows * sample;
}

double LinearCost::clipped(double rows, double sample) const {
  return weight_ > 0 ? std::min(sample, 3 * ms(rows)) : sample;
}

double LinearCost::variance() const {
  const double mean_rows = rows_ / weight_;
  return rows_rows_ / weight_ - mean_rows * mean_rows;
}

bool LinearCost::knows_slope() const {
  const double mean_rows = rows_ / weight_;
  return known() && variance() > 1e-6 * mean_rows * mean_rows;
}

double LinearCost::ms(double rows) const {
  if (weight_ == 0) return 0;
  const double mean_rows = rows_ / weight_, mean_ms = ms_ / weight_;
  // One row count seen: assume half of the time is fixed, which neither forbids nor favours longer drafts.
  double slope = 0.5 * mean_ms / std::max(1.0, mean_rows);
  if (knows_slope()) slope = std::clamp((rows_ms_ / weight_ - mean_rows * mean_ms) / variance(), 0.0, mean_ms / mean_rows);
  return mean_ms + slope * (rows - mean_rows);
}

double PassCost::weight(const Seen& seen) const { return seen.weight * std::pow(1 - 1.0 / 512, now_ - seen.at); }

void PassCost::observe(int rows, double sample) {
  ++now_;
  Seen& seen = seen_[static_cast<std::size_t>(std::min(rows, kMaxRows))];
  double before = std::min(weight(seen), 31.0);
  if (before < 4 && 3 * sample < seen.ms) before = 0;
  sample = before >= 1 ? std::min(sample, 2 * seen.ms) : fit_.clipped(rows, sample);
  fit_.observe(rows, sample);
  seen = {before + 1, (seen.ms * before + sample) / (before + 1), now_};
}

double PassCost::ms(int rows) const {
  const Seen& seen = seen_[static_cast<std::size_t>(std::min(rows, kMaxRows))];
  const double weight = this->weight(seen);
  return (seen.ms * weight + fit_.ms(rows)) / (weight + 1);
}

void CostModel::observe(const StepTimes& times) {
  const int rows = times.draft_rows + times.verify_rows;
  if (rows == 0) return;
  const double host_per_row = times.host_ms / rows;
  verify_.observe(times.verify_rows, times.verify_ms + host_per_row * times.verify_rows);
  if (times.draft_passes > 0) {
    const double passes = times.draft_passes;
    draft_pass_.observe(times.draft_rows / passes, (times.draft_ms + host_per_row * times.draft_rows) / passes);
  }
}

void AcceptanceModel::observe(int drafted, int accepted) {
  constexpr double kKeep = 1 - 1.0 / 256;
  const int tries = std::min(drafted, accepted + 1);
  for (int j = 0; j < tries; ++j) {
    const auto at = static_cast<std::size_t>(std::min(j, kPositions - 1));
    const double success = j < accepted ? 1 : 0;
    trials_ = trials_ * kKeep + 1;
    successes_ = successes_ * kKeep + success;
    position_trials_[at] = position_trials_[at] * kKeep + 1;
    position_successes_[at] = position_successes_[at] * kKeep + success;
  }
}

void AcceptanceModel::fade() {
  constexpr double kKeep = 1 - 1.0 / 128;
  trials_ *= kKeep;
  successes_ *= kKeep;
  for (double& trials : position_trials_) trials *= kKeep;
  for (double& successes : position_successes_) successes *= kKeep;
}

double AcceptanceModel::rate(int position) const {
  const auto at = static_cast<std::size_t>(std::min(position, kPositions - 1));
  constexpr double kPrior = 8;  // pseudo-trials at the overall rate, itself drawn towards 0.8 while little is known
  const double overall = (successes_ + 0.8 * 4) / (trials_ + 4);
  return (position_successes_[at] + kPrior * overall) / (position_trials_[at] + kPrior);
}

double AcceptanceModel::tokens_per_step(int length) const {
  double tokens = 1, chance = 1;
  for (int j = 0; j < length; ++j) tokens += chance *= rate(j);
  return tokens;
}

double AcceptanceModel::chance_of_all(int length) const {
  double chance = 1;
  for (int j = 0; j < length; ++j) chance *= rate(j);
  return chance;
}

}  // namespace octet
