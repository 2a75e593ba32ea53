// The engine's ends: of lanes, of requests, of all that fails, and what each gives back.
#include <utility>

#include "engine/job.h"
#include "engine/metrics.h"

namespace octet {
namespace {

// A device that cannot free what it holds has told, or will tell, of its failure elsewhere.
void quietly(const auto& action) {
  try {
    action();
  } catch (const std::exception&) {
  }
}

}  // namespace

void Engine::end_lane(LaneState& lane, FinishReason reason, LaneEvent& event) {
  lane.live = false;
  for (TextSpan& span : lane.text.finish()) {
    if (!event.text.empty() && event.text.back().accepted == span.accepted)
      event.text.back().text += span.text;
    else
      event.text.push_back(std::move(span));
  }
  lane.result.text = lane.text.text();
  lane.result.finish = reason;
  event.finish = reason;
  if (lane.id != 0) quietly([&] { runtime_->close_lane(lane.id); });
}

void Engine::end_lanes(Job& job, FinishReason reason, std::uint32_t lanes) {
  StepEvent event{.at_ms = job.now_ms()};
  for (LaneState& lane : job.lanes) {
    if (!lane.live || !(lanes >> lane.lane & 1)) continue;
    LaneEvent& lane_event = event.lanes.emplace_back();
    lane_event.lane = lane.lane;
    end_lane(lane, reason, lane_event);
  }
  if (!event.lanes.empty()) job.listener->on_step(std::move(event));
}

void Engine::end(Job& job, FinishReason reason) {
  if (job.ended()) return;
  if (job.decoding()) {
    end_lanes(job, reason, ~0u);
  } else {
    if (job.phase == Job::Phase::kWaiting) job.taken_up = Clock::now();
    job.lanes.clear();
    for (int lane = 0; lane < job.request.lanes; ++lane) {
      LaneState& state = job.lanes.emplace_back(lane, 0, job.request.stop);
      state.result.finish = reason;
      state.live = false;
    }
  }
  job.phase = Job::Phase::kEnded;
}

void Engine::release_ended() {
  std::vector<std::shared_ptr<Job>> ended;
  std::erase_if(running_, [&](const auto& job) {
    if (job->decoding() && job->live_lanes() == 0) job->phase = Job::Phase::kEnded;
    if (job->ended()) ended.push_back(job);
    return job->ended();
  });
  publish_counts();
  for (const auto& job : ended) {
    keep_texts(*job);
    free(*job);
    forget(*job);
    for (LaneState& lane : job->lanes) job->result.sequences.push_back(std::move(lane.result));
    job->result.totals.wall_ms = job->now_ms();
    summarise(job->result);
    job->listener->on_finish(std::move(job->result));
  }
}

void Engine::drop_steps_in_flight() {
  for (; !in_flight_.empty(); in_flight_.pop_front()) quietly([&] { runtime_->collect(); });
}

void Engine::fail_all(const std::string& message) {
  const auto failed = std::exchange(running_, {});
  for (const auto& job : failed) fail(job, message);
}

void Engine::fail(const std::shared_ptr<Job>& job, const std::string& message) {
  publish_counts();
  free(*job);
  forget(*job);
  job->listener->on_error(Error(ErrorCode::kInternal, message));
}

void Engine::free(Job& job) {
  for (LaneState& lane : job.lanes)
    if (lane.live && lane.id != 0) quietly([&] { runtime_->close_lane(lane.id); });
  if (job.prompt_open) quietly([&] { runtime_->close_prompt(job.prompt); });
}

void Engine::forget(const Job& job) {
  const std::lock_guard lock(mutex_);
  known_.erase(job.id);
}

void Engine::publish_counts() {
  Counts counts;
  counts.running = static_cast<int>(running_.size());
  for (const auto& job : running_) counts.lanes_in_use += job->lanes_in_use();
  const std::lock_guard lock(mutex_);
  counts.queued = static_cast<int>(waiting_.size() + arrived_.size());
  counts_ = counts;
}

}  // namespace octet
