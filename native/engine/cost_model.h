// What `auto` knows: how long passes take on this device, and how often this draft is accepted.
#pragma once

#include <array>
#include <cstdint>

#include "runtimes/runtime.h"

namespace octet {

/// t(rows) = fixed + slope * rows, fitted by least squares over recent samples (each weighs 1/64 less than the next).
/// A sample far above the fit is clipped to three times it: another process took the core. One far below the first few
/// replaces them: they were the device warming up.
class LinearCost {
 public:
  void observe(double rows, double ms);
  bool known() const { return weight_ > 0; }
  bool knows_slope() const;  ///< More than one count of rows was seen.
  double ms(double rows) const;
  double clipped(double rows, double ms) const;

 private:
  double variance() const;

  double weight_ = 0, rows_ = 0, ms_ = 0, rows_rows_ = 0, rows_ms_ = 0;
};

/// LinearCost, corrected where a row count has been seen of late: real kernels have steps and kinks.
class PassCost {
 public:
  void observe(int rows, double ms);
  bool known() const { return now_ >= 4; }
  bool knows_rows() const { return fit_.knows_slope(); }
  double ms(int rows) const;

 private:
  struct Seen {
    double weight = 0, ms = 0;
    std::uint32_t at = 0;
  };
  static constexpr int kMaxRows = kMaxLanes * (kMaxDraftLength + 1);
  double weight(const Seen& seen) const;

  LinearCost fit_;
  std::array<Seen, kMaxRows + 1> seen_{};
  std::uint32_t now_ = 0;
};

/// Times of a step's parts by their rows. Host work is part of the pass that causes it.
class CostModel {
 public:
  void observe(const StepTimes& times);
  bool knows_draft() const { return draft_pass_.known(); }
  bool knows_verify() const { return verify_.known(); }
  bool knows_rows() const { return verify_.knows_rows(); }  ///< What more rows of a verification cost.
  double draft_pass_ms(double rows) const { return draft_pass_.ms(rows); }
  double verify_ms(int rows) const { return verify_.ms(rows); }

 private:
  LinearCost draft_pass_;
  PassCost verify_;
};

/// Chance that the draft's j-th token is accepted given that those before it were; recent steps weigh more.
class AcceptanceModel {
 public:
  void observe(int drafted, int accepted);
  /// A step in which nothing was drafted: what is known grows old, and hopes return to those of the start.
  void fade();
  bool known() const { return trials_ >= 16; }
  /// Expected tokens a lane gains in a step of draft length `length`: 1 + sum over j of the chance that j are accepted.
  double tokens_per_step(int length) const;
  double chance_of_all(int length) const;

 private:
  static constexpr int kPositions = 8;  // later ones share the last entry
  double rate(int position) const;
  double trials_ = 0, successes_ = 0;
  std::array<double, kPositions> position_trials_{}, position_successes_{};
};

/// What one kind of sampling has taught about speculation by a draft model, over all requests.
struct Experience {
  AcceptanceModel acceptance;
  /// What trials may yet lose, in plain steps' worth of time. A hundredth of a step comes in with every step.
  double allowance = kLargestAllowance;
  int since_plain = 0, since_draft = 0;  ///< Steps since all, since none were plain.

  static constexpr double kLargestAllowance = 5, kAllowancePerStep = 0.01;
};

}  // namespace octet
