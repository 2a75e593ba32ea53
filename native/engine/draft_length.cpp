#include "engine/draft_length.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "engine/error.h"

namespace octet {
namespace {

class Fixed final : public DraftLengthPolicy {
 public:
  explicit Fixed(int length) : length_(length) {}
  Choice next(int) override { return {length_}; }
  bool wants_draft(int, int) override { return length_ > 0; }
  void observe(const Choice&, const std::vector<LaneOutcome>&, int) override {}

 private:
  int length_;
};

// Algorithm 1 of the BASS paper: l0 = 7, l_increment = 2, l_mod = 10, l_limit = 32.
class Bass final : public DraftLengthPolicy {
 public:
  explicit Bass(int limit) : limit_(limit), length_(std::min(7, limit)) {}
  Choice next(int) override { return {length_}; }
  bool wants_draft(int, int) override { return length_ > 0; }

  // A step planned before the last one's outcome was known is judged by the length it had.
  void observe(const Choice&, const std::vector<LaneOutcome>& outcomes, int) override {
    int length = 0, most = 0;
    for (const LaneOutcome& outcome : outcomes) {
      length = std::max(length, outcome.drafted);
      most = std::max(most, outcome.accepted);
    }
    if (length == 0) return;
    if (most == length) {
      length_ = std::max(length_, std::min(length + 2, limit_));
      shrunk_ = 0;
    } else {
      length_ = std::max({1, most, length_ - (length_ + 9) / 10 - shrunk_});
      shrunk_ = 1;
    }
  }

 private:
  int limit_;
  int length_;
  int shrunk_ = 0;
};

// The length, 0 included, that maximises expected tokens per millisecond. What is not known is hoped for and tried, as
// far as the allowance pays for it; plain decoding is measured again now and then, being what all is compared with.
class Auto final : public DraftLengthPolicy {
 public:
  Auto(int limit, const CostModel& costs, Experience& experience)
      : limit_(std::min(limit, 16)), costs_(costs), experience_(experience) {}

  Choice next(int lanes) override {
    Choice choice = choose(lanes);
    if (choice.is_trial && trial_under_way_) choice = {0};  // what the first one teaches and costs is not known yet
    trial_under_way_ = trial_under_way_ || choice.is_trial;
    return choice;
  }

  bool wants_draft(int lanes, int prompt_tokens) override {
    prompt_behind_ = prompt_tokens;
    if (choose(lanes).length == 0 && costs_.knows_verify()) return false;
    prompt_behind_ = 0;
    return true;
  }

  void observe(const Choice& choice, const std::vector<LaneOutcome>& outcomes, int lanes) override {
    if (choice.is_trial) trial_under_way_ = false;
    if (outcomes.empty()) return;
    int drafting = 0, accepted = 0, length = 0;
    for (const LaneOutcome& outcome : outcomes) {
      experience_.acceptance.observe(outcome.drafted, outcome.accepted);
      drafting += outcome.drafted > 0;
      accepted += outcome.accepted;
      length = std::max(length, outcome.drafted);
    }
    experience_.allowance += Experience::kAllowancePerStep;
    experience_.allowance = std::min(experience_.allowance, Experience::kLargestAllowance);
    if (drafting == 0) {
      experience_.acceptance.fade();
      experience_.since_plain = 0;
      ++experience_.since_draft;
      ++behind_;
      return;
    }
    const double loss = worst_loss(lanes, drafting, length);
    prompt_behind_ = 0;
    if (drafting == static_cast<int>(outcomes.size())) behind_ = 0;
    ++experience_.since_plain;
    experience_.since_draft = 0;
    const double gained = static_cast<double>(accepted) / static_cast<double>(outcomes.size());
    if (choice.is_trial) experience_.allowance -= std::max(0.0, loss - gained);
  }

 private:
  static constexpr int kTrialLength = 3;
  static constexpr int kPlainEvery = 32, kDraftEvery = 32;
  static constexpr double kMargin = 1.03;  // speculation must promise this much more than plain decoding

  static Choice trial(int length, int lanes = kMaxLanes) { return {length, lanes, true}; }

  Choice choose(int lanes) const {
    if (!costs_.knows_draft()) return trial(1);
    if (!costs_.knows_verify()) return {0};
    const Best best = this->best(lanes);
    const bool promising = best.ratio_to_plain >= kMargin;
    if (promising && experience_.acceptance.known()) {
      const bool pays = (best.ratio_to_plain - 1) * kPlainEvery >= catch_up_steps(lanes, lanes);
      return {pays && experience_.since_plain < kPlainEvery ? best.length : 0};
    }
    if (!promising && experience_.since_draft < kDraftEvery) return {0};
    const int length = std::min(best.length, kTrialLength);
    if (worst_loss(lanes, lanes, length) <= experience_.allowance) return trial(length);
    if (worst_loss(lanes, 1, length) <= experience_.allowance) return trial(length, 1);
    return {0};
  }

  struct Best {
    int length = 0;
    double ratio_to_plain = 0;  // expected tokens per millisecond over plain decoding's
  };
  Best best(int lanes) const {
    Best best;
    for (int length = 1; length <= limit_; ++length) {
      const double ratio = experience_.acceptance.tokens_per_step(length) / plain_steps(lanes, lanes, length);
      if (ratio > best.ratio_to_plain) best = {length, ratio};
    }
    return best;
  }

  // Expected time of a step in which `drafting` of the lanes draft, in plain steps. The first draft pass has a second
  // row for each lane that had all its draft accepted before.
  double plain_steps(int lanes, int drafting, int length) const {
    const double rows = drafting * (1 + experience_.acceptance.chance_of_all(length) / length);
    const double ms = length * costs_.draft_pass_ms(rows) + costs_.verify_ms(lanes + drafting * length);
    return ms / costs_.verify_ms(lanes);
  }

  // The draft reads what was decoded without it.
  double catch_up_steps(int lanes, int drafting) const {
    const int rows = prompt_behind_ + drafting * behind_;
    return rows > 0 ? costs_.draft_pass_ms(rows) / costs_.verify_ms(lanes) : 0;
  }

  // Should nothing be accepted.
  double worst_loss(int lanes, int drafting, int length) const {
    return catch_up_steps(lanes, drafting) + plain_steps(lanes, drafting, length) - 1;
  }

  int limit_;
  const CostModel& costs_;
  Experience& experience_;
  bool trial_under_way_ = false;
  int behind_ = 0;         // tokens of each lane that the draft has not seen
  int prompt_behind_ = 0;  // tokens of the prompt that it has not seen
};

}  // namespace

DraftLengthSpec DraftLengthSpec::parse(std::string_view text) {
  if (text == "none") return {Kind::kNone};
  if (text == "bass") return {Kind::kBass};
  if (text == "auto") return {Kind::kAuto};
  constexpr std::string_view kPrefix = "fixed:";
  if (text.starts_with(kPrefix)) {
    int length = 0;
    const char* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data() + kPrefix.size(), end, length);
    if (failed == std::errc{} && stop == end && length >= 1 && length <= kMaxDraftLength) return {Kind::kFixed, length};
  }
  throw Error(ErrorCode::kBadParams, "draft length \"" + std::string(text) +
                                         "\" is not none, bass, auto or fixed:K with K from 1 to " +
                                         std::to_string(kMaxDraftLength));
}

std::unique_ptr<DraftLengthPolicy> make_policy(const DraftLengthSpec& spec, int limit, const CostModel& costs,
                                               Experience& experience) {
  switch (spec.kind) {
    case DraftLengthSpec::Kind::kFixed: return std::make_unique<Fixed>(std::min(spec.fixed, limit));
    case DraftLengthSpec::Kind::kBass: return std::make_unique<Bass>(limit);
    case DraftLengthSpec::Kind::kAuto: return std::make_unique<Auto>(limit, costs, experience);
    case DraftLengthSpec::Kind::kNone: break;
  }
  return std::make_unique<Fixed>(0);
}

}  // namespace octet
