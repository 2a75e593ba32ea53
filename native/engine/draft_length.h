// Draft-length policies: how many tokens the draft proposes in the next step.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/cost_model.h"

namespace octet {

struct DraftLengthSpec {
  enum class Kind { kNone, kFixed, kBass, kAuto } kind = Kind::kAuto;
  int fixed = 0;  ///< 1 to kMaxDraftLength where kind is kFixed.

  /// "none", "bass", "auto" or "fixed:K". Throws Error(kBadParams).
  static DraftLengthSpec parse(std::string_view text);
};

/// Accepted and drafted tokens of one lane in one step.
struct LaneOutcome {
  int drafted = 0;
  int accepted = 0;
};

/// One request's policy. Lanes of a request share one draft length in a step (the engine may cut it for a lane that is
/// about to end).
class DraftLengthPolicy {
 public:
  virtual ~DraftLengthPolicy() = default;

  /// Draft length of the next step over `lanes` live lanes, and how many of them draft (the first ones): fewer than all
  /// only where `auto` tries its luck.
  struct Choice {
    int length = 0;
    int lanes = kMaxLanes;
    bool is_trial = false;  ///< Of `auto`: for what it teaches, not for what it promises.
  };
  virtual Choice next(int lanes) = 0;
  /// Asked once, before the prefill: should the draft see the prompt too? Otherwise it will when it first drafts.
  virtual bool wants_draft(int lanes, int prompt_tokens) = 0;
  /// What the step for which next() answered `choice` gave this request's lanes, with `lanes` live ones of all requests. Comes for
  /// every answer, in their order, but later ones may have been given by then; the costs have heard of the step already.
  virtual void observe(const Choice& choice, const std::vector<LaneOutcome>& outcomes, int lanes) = 0;
};

/// `limit`: the longest draft any policy may ask for. `costs` and `experience` outlive the policy and are shared by the
/// requests of one engine; only `auto` reads them.
std::unique_ptr<DraftLengthPolicy> make_policy(const DraftLengthSpec& spec, int limit, const CostModel& costs,
                                               Experience& experience);

}  // namespace octet
