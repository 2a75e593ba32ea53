// A request on its way through the engine, and its lanes. The engine's thread owns all but the cancellation marks.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace octet {

using Clock = std::chrono::steady_clock;

inline double ms_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double, std::milli>(b - a).count();
}

struct Engine::LaneState {
  LaneId id = 0;      // 0: not open in the runtime
  int lane = 0;       // within its request
  int remaining = 0;  // tokens it may yet write
  int in_flight = 0;  // submitted steps it is in
  bool live = true;
  Found found;  // for the step in flight
  LaneText text;
  SequenceResult result;

  LaneState(int lane, int remaining, const std::vector<std::string>& stop, std::size_t lead = 0)
      : lane(lane), remaining(remaining), text(stop, lead) {
    result.lane = lane;
  }

  /// Every step brings at least one token, so a lane with as many steps in flight as tokens left needs no more.
  bool wants_step() const { return live && remaining > in_flight; }
};

struct Engine::Job {
  RequestId id = 0;
  Request request;
  std::vector<Token> tokens;  // the prompt with its lead
  std::unique_ptr<Listener> listener;
  std::atomic<bool> cancelled{false};
  std::atomic<std::uint32_t> cancelled_lanes{0};  // bit i: lane i

  Clock::time_point taken_up;
  PromptId prompt = 0;
  enum class Phase { kWaiting, kPrefill, kDecoding, kEnded } phase = Phase::kWaiting;
  bool prompt_open = false, with_draft = false;
  int computed = 0;  // of the prompt's tokens
  std::unique_ptr<DraftLengthPolicy> policy;
  std::optional<Lookup> lookup;  // where there is no draft model
  std::vector<LaneState> lanes;
  Result result;

  /// Drafts are looked up, as many as lookup_lengths says.
  bool looks_up_freely() const { return lookup && request.draft_length.kind == DraftLengthSpec::Kind::kAuto; }
  bool decoding() const { return phase == Phase::kDecoding; }
  bool ended() const { return phase == Phase::kEnded; }
  double now_ms() const { return ms_between(taken_up, Clock::now()); }
  bool over_budget() const { return request.budget_ms && now_ms() >= *request.budget_ms; }
  int live_lanes() const {
    return static_cast<int>(std::count_if(lanes.begin(), lanes.end(), [](const LaneState& lane) { return lane.live; }));
  }
  /// Of the batch, from when it is taken up.
  int lanes_in_use() const {
    return phase == Phase::kPrefill ? request.lanes : phase == Phase::kDecoding ? live_lanes() : 0;
  }
  bool all_lanes_cancelled() const { return (~cancelled_lanes & ((1u << request.lanes) - 1)) == 0; }
  bool unwanted() const { return cancelled || all_lanes_cancelled(); }
};

/// While it lives, the engine's thread is within passes that serve these jobs. The pass is given up when the last of the jobs is cancelled.
class Engine::Pass {
 public:
  Pass(Engine& engine, std::vector<std::shared_ptr<Job>> jobs) : engine_(engine) {
    const std::lock_guard lock(engine_.mutex_);
    engine_.served_ = std::move(jobs);
    engine_.give_up_if_unwanted();
  }
  ~Pass() {
    const std::lock_guard lock(engine_.mutex_);
    engine_.served_.clear();
    engine_.given_up_ = false;
  }
  Pass(const Pass&) = delete;

 private:
  Engine& engine_;
};

}  // namespace octet
