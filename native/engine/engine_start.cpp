// The engine's starts: prompts are computed, chunk by chunk, and lanes opened on them.
#include <algorithm>
#include <utility>

#include "engine/job.h"
#include "engine/prefill_chunk.h"
#include "engine/token_healing.h"

namespace octet {

void Engine::prefill_oldest() {
  const auto found = std::find_if(running_.begin(), running_.end(),
                                  [](const auto& job) { return job->phase == Job::Phase::kPrefill; });
  if (found == running_.end()) return;
  const std::shared_ptr<Job> job = *found;
  note_pass({{job->id, {}}});
  for (const Choices& choices : in_flight_) note_pass(choices);
  const Pass pass(*this, {job});
  try {
    prefill(*job);
  } catch (const GivenUp&) {
    throw;
  } catch (const std::exception& error) {  // of this prompt; if the device is gone, the others' next step tells
    running_.erase(std::find(running_.begin(), running_.end(), job));
    fail(job, error.what());
  }
}

int Engine::next_piece(const Job& job) const {
  const int stable = job.request.stable_tokens - job.computed;
  return info_.keeps_prefill_chunk && stable > 0 ? std::min(stable, prefill_chunk_) : prefill_chunk_;
}

void Engine::prefill(Job& job) {
  const auto start = Clock::now();
  const int left = runtime_->prefill(job.prompt, next_piece(job), job.with_draft);
  const double ms = ms_between(start, Clock::now());
  if (left > 0 && !info_.keeps_prefill_chunk) prefill_chunk_ = next_prefill_chunk(prefill_chunk_, ms);
  const int total = static_cast<int>(job.tokens.size());
  const int reused = job.result.totals.reused_tokens;  // by the target; the draft may have to catch up
  job.computed = std::max(reused, total - 1 - static_cast<int>(job.request.lead.size()) - left);
  job.listener->on_prefill({.done = std::max(reused, total - left), .total = total, .reused = reused});
  job.result.totals.prefill_ms = job.now_ms();
  if (left > 0) return;
  if (job.request.prepare)
    end(job, FinishReason::kEnd);
  else
    start_lanes(job);
}

void Engine::start_lanes(Job& job) {
  const Request& request = job.request;
  const std::size_t lead = bytes_of(*vocabulary_, request.lead).size();
  job.lanes.reserve(request.lanes);
  for (int lane = 0; lane < request.lanes; ++lane) job.lanes.emplace_back(lane, request.max_new_tokens, request.stop, lead);
  job.phase = Job::Phase::kDecoding;
  if (request.lead.empty())
    for (LaneState& lane : job.lanes) open_lane(job, lane, {});
  else
    start_healed(job);
  if (job.cancelled_lanes != 0) end_lanes(job, FinishReason::kCancelled, job.cancelled_lanes);
}

void Engine::open_lane(const Job& job, LaneState& lane, const std::optional<LaneFork>& fork) {
  const Request& request = job.request;
  const LaneId id = next_lane_++;
  runtime_->open_lane({.id = id, .prompt = job.prompt, .stream = static_cast<std::uint32_t>(lane.lane), .max_new_tokens = lane.remaining,
                       .ends_at_end = !request.ignore_end, .sampling = request.sampling, .fork = fork});
  lane.id = id;
}

// The first tokens of all lanes from one pass over the lead, as a step that drafts nothing. Each lane then goes on behind what it
// has in common with the lead.
void Engine::start_healed(Job& job) {
  const auto start = Clock::now();
  const std::vector<float> logits = runtime_->logits(job.prompt);
  const double pass_ms = ms_between(start, Clock::now());
  const int prompt = static_cast<int>(job.request.prompt.size());
  if (!index_) index_.emplace(*vocabulary_, info_.vocabulary);
  const LeadSampler sampler(*vocabulary_, *index_, job.request.lead, logits, job.request.sampling);
  std::vector<LaneStep> steps;
  for (const LaneState& lane : job.lanes) steps.push_back({.tokens = sampler.draw(static_cast<std::uint32_t>(lane.lane), prompt)});
  const double step_ms = ms_between(start, Clock::now());
  StepEvent event{.at_ms = job.now_ms(), .step_ms = step_ms, .verify_ms = pass_ms, .host_ms = step_ms - pass_ms};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    LaneState& lane = job.lanes[i];
    const LaneFork fork{.shared = prompt + static_cast<int>(steps[i].tokens.size()) - 1, .last = steps[i].tokens.back().token};
    advance(job, lane, std::move(steps[i]), event);
    if (lane.live) open_lane(job, lane, fork);
  }
  tell(job, std::move(event));
}

}  // namespace octet
