// The engine's steps: what the batch does next, and what each lane makes of what came back.
#include "engine/job.h"

namespace octet {

int Engine::live_lanes() const {
  int live = 0;
  for (const auto& job : running_)
    if (job->decoding()) live += job->live_lanes();
  return live;
}

// What is looked up continues a text that is known: no step of its lane is in flight.
int Engine::depth() const {
  const bool looks_up = std::any_of(running_.begin(), running_.end(), [](const auto& job) { return job->decoding() && job->lookup; });
  return looks_up ? 1 : runtime_->depth();
}

StepPlan Engine::plan(Choices& choices) {
  StepPlan plan;
  const int live = live_lanes();
  for (const auto& job : running_) {
    const auto wants_step = [](const LaneState& lane) { return lane.wants_step(); };
    if (!job->decoding() || std::none_of(job->lanes.begin(), job->lanes.end(), wants_step)) continue;
    const DraftLengthPolicy::Choice choice = job->policy->next(live);
    choices.emplace_back(job->id, choice);
    if (job->lookup) {
      plan_lookup(*job, choice, live, plan);
      continue;
    }
    int drafting = 0;
    for (LaneState& lane : job->lanes) {
      if (!lane.wants_step()) continue;
      const int most = lane.remaining - lane.in_flight - 1;
      plan.lanes.push_back({lane.id, drafting++ < choice.lanes ? std::min(choice.length, most) : 0});
      ++lane.in_flight;
    }
  }
  return plan;
}

std::vector<std::shared_ptr<Engine::Job>> Engine::served_by(const Choices& choices) const {
  std::vector<std::shared_ptr<Job>> jobs;
  for (const auto& job : running_)
    if (std::any_of(choices.begin(), choices.end(), [&](const auto& choice) { return choice.first == job->id; })) jobs.push_back(job);
  return jobs;
}

// What is done for one request is within the time of every other that runs.
void Engine::note_pass(const Choices& served) {
  for (const auto& job : running_) {
    Totals& totals = job->result.totals;
    const bool others = std::any_of(served.begin(), served.end(), [&](const auto& choice) { return choice.first != job->id; });
    if (others) (job->phase == Job::Phase::kPrefill ? totals.prompt_alone : totals.steps_alone) = false;
  }
}

void Engine::step() {
  const auto start = Clock::now();
  lookup_ms_ = 0;  // a step that failed may have left some
  while (static_cast<int>(in_flight_.size()) < depth()) {
    Choices choices;
    const StepPlan next = plan(choices);
    if (next.lanes.empty()) break;
    runtime_->submit(next);
    in_flight_.push_back(std::move(choices));
  }
  if (in_flight_.empty()) return;
  const Choices choices = std::move(in_flight_.front());
  in_flight_.pop_front();  // whatever comes of it
  note_pass(choices);
  const Pass pass(*this, served_by(choices));
  StepResult result = runtime_->collect();
  result.times.draft_ms += lookup_ms_;
  process(std::move(result), choices, ms_between(start, Clock::now()));
}

void Engine::process(StepResult&& step, const Choices& choices, double step_ms) {
  costs_.observe(step.times);
  const int live = live_lanes();
  std::unordered_map<LaneId, LaneStep*> by_lane;
  for (LaneStep& lane : step.lanes) by_lane.emplace(lane.lane, &lane);
  for (const auto& [id, choice] : choices) {
    const auto found_job = std::find_if(running_.begin(), running_.end(), [&](const auto& running) { return running->id == id; });
    if (found_job == running_.end() || !(*found_job)->decoding()) continue;
    const auto& job = *found_job;
    StepEvent event{.at_ms = job->now_ms(), .step_ms = step_ms, .draft_ms = step.times.draft_ms,
                    .verify_ms = step.times.verify_ms, .host_ms = step.times.host_ms, .draft_length = 0, .lanes = {}};
    std::vector<LaneOutcome> outcomes;
    for (LaneState& lane : job->lanes) {
      const auto found = by_lane.find(lane.id);
      if (!lane.live || found == by_lane.end()) continue;
      --lane.in_flight;
      if (found->second->tokens.empty()) throw std::runtime_error("the device ended a lane that has room left");
      event.draft_length = std::max(event.draft_length, found->second->drafted);
      outcomes.push_back({found->second->drafted, found->second->accepted});
      if (job->lookup) match_chances_[kind_of(job->request.sampling)].observe(lane.found, found->second->tokens);
      advance(*job, lane, std::move(*found->second), event);
    }
    job->policy->observe(choice, outcomes, live);
    if (!event.lanes.empty()) tell(*job, std::move(event));
  }
}

void Engine::tell(Job& job, StepEvent&& event) {
  Totals& totals = job.result.totals;
  ++totals.steps;
  totals.draft_ms += event.draft_ms;
  totals.verify_ms += event.verify_ms;
  totals.host_ms += event.host_ms;
  job.listener->on_step(std::move(event));
}

void Engine::advance(Job& job, LaneState& lane, LaneStep&& result, StepEvent& event) {
  const Request& request = job.request;
  SequenceResult& sequence = lane.result;
  LaneEvent& lane_event = event.lanes.emplace_back();
  lane_event.lane = lane.lane;
  lane_event.drafted = result.drafted;
  lane_event.accepted = result.accepted;
  ++sequence.steps;
  sequence.drafted += result.drafted;
  sequence.accepted += result.accepted;
  std::optional<FinishReason> finish;
  for (std::size_t i = 0; i < result.tokens.size() && !finish; ++i) {
    const EmittedToken& token = result.tokens[i];
    if (sequence.tokens.empty()) sequence.first_token_at_ms = event.at_ms;
    sequence.tokens.push_back(token);
    lane_event.tokens.push_back(token);
    if (job.lookup) job.lookup->append(lane.lane, token.token);
    --lane.remaining;
    const auto& listed = request.stop_tokens;
    if (vocabulary_->is_end(token.token) && !request.ignore_end)
      finish = FinishReason::kEnd;
    else if (std::find(listed.begin(), listed.end(), token.token) != listed.end())
      finish = FinishReason::kStop;
    else if (lane.text.append(vocabulary_->bytes(token.token), static_cast<int>(i) < result.accepted))
      finish = FinishReason::kStop;
    else if (lane.remaining == 0)
      finish = FinishReason::kLength;
  }
  sequence.end_at_ms = event.at_ms;
  lane_event.text = lane.text.take();
  if (finish) end_lane(lane, *finish, lane_event);
}

}  // namespace octet
