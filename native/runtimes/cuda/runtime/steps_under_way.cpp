#include "runtimes/cuda/runtime/steps_under_way.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace octet::cuda {

void StepsUnderWay::write_input(const std::vector<PlannedLane>& batch) const {
  StepInput& input = memory_.input(static_cast<int>(next_ % kStepRing));
  std::fill(std::begin(input.slot), std::end(input.slot), -1);
  std::fill(std::begin(input.draft_length), std::end(input.draft_length), 0);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    input.slot[i] = batch[i].lane->slot;
    input.draft_length[i] = batch[i].draft_length;
    std::copy(batch[i].draft.begin(), batch[i].draft.end(), input.draft[i]);
  }
}

void StepsUnderWay::put(Stream& stream, const StepPlan& plan, const std::vector<PlannedLane>& batch, int draft_length, bool drafts_given) {
  Step step{.number = next_, .lanes = {}, .place = std::vector<int>(batch.size()), .draft_length = draft_length, .drafts_given = drafts_given};
  for (const LanePlan& lane : plan.lanes) step.lanes.push_back(lane.lane);
  for (std::size_t i = 0; i < batch.size(); ++i) step.place[static_cast<std::size_t>(batch[i].at)] = static_cast<int>(i);
  stream.record(over_[next_ % kStepRing]);
  ++next_;
  steps_.push_back(std::move(step));
}

StepResult StepsUnderWay::collect() {
  if (steps_.empty()) throw std::logic_error("no step is under way");
  const Step step = std::move(steps_.front());
  steps_.pop_front();
  over_[step.number % kStepRing].wait();
  const StepOutput& output = memory_.output(static_cast<int>(step.number % kStepRing));
  if (output.bad_logits) throw std::runtime_error("The model returned NaN or infinite logits: its file is damaged, or the device computes it wrongly");
  StepResult result;
  StepTimes& times = result.times;
  for (std::size_t i = 0; i < step.lanes.size(); ++i) {
    const StepOutput::Lane& lane = output.lane[step.place[i]];
    LaneStep& given = result.lanes.emplace_back(LaneStep{step.lanes[i], lane.drafted, lane.accepted, {}});
    for (int token = 0; token < lane.tokens; ++token) given.tokens.push_back({lane.token[token], lane.logprob[token]});
    if (lane.tokens == 0) continue;
    times.verify_rows += lane.drafted + 1;
    if (!step.drafts_given) times.draft_rows += lane.drafted;
  }
  if (step.drafts_given && times.verify_rows > 0) times.verify_rows = static_cast<int>(step.lanes.size()) * (step.draft_length + 1);
  times.draft_passes = times.draft_rows > 0 ? step.draft_length : 0;
  times.draft_ms = clock_.ms(step.number, StepClock::kStart, StepClock::kDrafted);
  times.verify_ms = clock_.ms(step.number, StepClock::kDrafted, StepClock::kVerified);
  times.host_ms = clock_.ms(step.number, StepClock::kVerified, StepClock::kEnd);
  return result;
}

}  // namespace octet::cuda
