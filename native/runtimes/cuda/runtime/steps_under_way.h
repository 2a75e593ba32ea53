// The steps between submit() and collect(): each one's input for the device, the event it ends with, and its output as the engine's result.
// Knows nothing of networks, prompts and graphs.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "runtimes/cuda/kernels/step.h"
#include "runtimes/cuda/kernels/step_clock.h"
#include "runtimes/cuda/runtime/lanes.h"
#include "runtimes/runtime.h"

namespace octet::cuda {

class StepsUnderWay {
 public:
  /// Both outlive this.
  StepsUnderWay(const StepMemory& memory, const StepClock& clock) : memory_(memory), clock_(clock) {}

  int count() const { return static_cast<int>(steps_.size()); }

  /// The input of the step to be put on the stream next: `batch`, of `plan`'s lanes. May be written anew.
  void write_input(const std::vector<PlannedLane>& batch) const;

  /// After a step by that input was put on the stream. `draft_length`: the step's shape's; its rows are told padded to it
  /// where the input gave the drafts.
  void put(Stream& stream, const StepPlan& plan, const std::vector<PlannedLane>& batch, int draft_length, bool drafts_given);
  /// The same of a step that nobody will collect.
  void put_unheard() { ++next_; }

  /// Waits for the earliest. Throws std::logic_error where there is none, std::runtime_error where logits were not finite.
  StepResult collect();

 private:
  struct Step {
    std::uint64_t number = 0;
    std::vector<LaneId> lanes;  // of the plan
    std::vector<int> place;     // of each in the batch
    int draft_length = 0;
    bool drafts_given = false;
  };

  const StepMemory& memory_;
  const StepClock& clock_;
  std::array<Event, kStepRing> over_;
  std::deque<Step> steps_;
  std::uint64_t next_ = 0;  ///< Number of the next step: so many have been put on the stream.
};

}  // namespace octet::cuda
