// A device of known speed and a draft of known quality, on which `auto` decodes.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <functional>
#include <random>

#include "engine/draft_length.h"

namespace octet::test {

/// Milliseconds of a pass by its rows.
struct Shape {
  const char* name;
  std::function<double(double rows)> ms;
};

struct World {
  Shape draft, verify;
  double cost = 0;   ///< Of a draft pass, over a verification of eight rows.
  double rate = 0;   ///< Chance that a drafted token is accepted.
  double noise = 0;  ///< Relative, of every measured time; now and then another process takes the core.

  double draft_ms(double rows) const { return cost * verify.ms(8) * draft.ms(rows); }
  double verify_ms(double rows) const { return 1.03 * verify.ms(rows); }
  double plain_ms_per_token(int lanes) const { return verify_ms(lanes) / lanes; }

  struct Best {
    int length = 0;
    double ms_per_token = 0;
  };
  /// The best of all lengths up to 16, each kept forever.
  Best best(int lanes) const {
    Best best{0, plain_ms_per_token(lanes)};
    double tokens = 1, all = 1;
    for (int length = 1; length <= 16; ++length) {
      tokens += all *= rate;
      const double ms = (length - 1) * draft_ms(lanes) + draft_ms(lanes * (1 + all)) + verify_ms(lanes * (length + 1));
      if (const double each = ms / (lanes * tokens); each < best.ms_per_token) best = {length, each};
    }
    return best;
  }
};

struct Outcome {
  double ms_per_token = 0;
  std::array<int, kMaxDraftLength + 1> steps_of_length{};
  int mode() const {
    return static_cast<int>(std::max_element(steps_of_length.begin(), steps_of_length.end()) - steps_of_length.begin());
  }
};

class Simulation {
 public:
  /// `depth`: steps chosen before the first of them is observed, as by Runtime::depth.
  explicit Simulation(World world, int depth = 1) : world_(std::move(world)), depth_(depth) { next_request(0); }

  World& world() { return world_; }
  bool wants_draft(int lanes, int prompt_tokens) { return policy_->wants_draft(lanes, prompt_tokens); }

  void next_request(int) {
    in_flight_.clear();
    policy_ = make_policy({DraftLengthSpec::Kind::kAuto}, kMaxDraftLength, costs_, experience_);
    behind_.fill(1);
  }

  /// Times are what is measured but for the noise, which only the policy hears.
  Outcome run(int lanes, int steps) {
    Outcome outcome;
    double ms = 0, tokens = 0;
    for (int step = 0; step < steps; ++step) {
      const auto choice = policy_->next(lanes);
      const int drafting = choice.length > 0 ? std::min(choice.lanes, lanes) : 0;
      ++outcome.steps_of_length[static_cast<std::size_t>(choice.length)];
      StepTimes times;
      const auto draft = [&](int rows) {
        if (rows == 0) return;
        ++times.draft_passes;
        times.draft_rows += rows;
        times.draft_ms += measured(world_.draft_ms(rows));
        ms += world_.draft_ms(rows);
      };
      int late = 0, first = 0;
      for (int lane = 0; lane < drafting; ++lane) {
        late += std::max(0, behind_[lane] - 2);
        first += std::min(2, behind_[lane]);
      }
      draft(late);
      for (int pass = 0; pass < choice.length; ++pass) draft(pass == 0 ? first : drafting);
      times.verify_rows = lanes + drafting * choice.length;
      times.verify_ms = measured(world_.verify_ms(times.verify_rows));
      ms += world_.verify_ms(times.verify_rows);
      std::vector<LaneOutcome> outcomes;
      for (int lane = 0; lane < lanes; ++lane) {
        const int length = lane < drafting ? choice.length : 0;
        int accepted = 0;
        while (accepted < length && chance_(random_) < world_.rate) ++accepted;
        behind_[lane] = length == 0 ? behind_[lane] + 1 : accepted == length ? 2 : 1;
        tokens += accepted + 1;
        outcomes.push_back({length, accepted});
      }
      in_flight_.push_back({choice, times, outcomes});
      if (static_cast<int>(in_flight_.size()) < depth_) continue;
      costs_.observe(in_flight_.front().times);
      policy_->observe(in_flight_.front().choice, in_flight_.front().outcomes, lanes);
      in_flight_.pop_front();
    }
    outcome.ms_per_token = ms / tokens;
    return outcome;
  }

 private:
  double measured(double ms) {
    if (world_.noise == 0) return ms;
    const double taken = chance_(random_) < 0.02 ? 5 : 1;
    return ms * taken * std::max(0.5, 1 + world_.noise * normal_(random_));
  }

  struct Step {
    DraftLengthPolicy::Choice choice;
    StepTimes times;
    std::vector<LaneOutcome> outcomes;
  };

  World world_;
  int depth_;
  std::deque<Step> in_flight_;
  CostModel costs_;
  Experience experience_;
  std::unique_ptr<DraftLengthPolicy> policy_;
  std::array<int, kMaxLanes> behind_{};  // tokens the draft has not seen
  std::mt19937 random_{1};
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> chance_;
};

}  // namespace octet::test
