#include "engine/host_runtime.h"

#include <algorithm>
#include <chrono>

#include "engine/acceptance.h"
#include "engine/random.h"

namespace octet {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace

HostRuntime::HostRuntime(RuntimeInfo info, std::unique_ptr<LogitsModel> target, std::unique_ptr<LogitsModel> draft)
    : info_(std::move(info)), target_(std::move(target)), draft_(std::move(draft)) {
  info_.has_draft = draft_ != nullptr;
  info_.takes_drafts = true;
  info_.vocabulary = std::min(info_.vocabulary, target_->vocabulary());
  int sequences = target_->max_sequences();
  if (draft_) {
    info_.vocabulary = std::min(info_.vocabulary, draft_->vocabulary());
    sequences = std::min(sequences, draft_->max_sequences());
  }
  info_.max_lanes = std::min({info_.max_lanes, kMaxLanes, sequences - 1, target_->max_rows()});
  if (info_.max_lanes < 1) throw std::runtime_error("the model has no room for a lane beside a prompt");
  for (Sequence s = info_.max_lanes - 1; s >= 0; --s) free_lane_sequences_.push_back(s);
  for (Sequence s = sequences - 1; s >= info_.max_lanes; --s) free_prompt_sequences_.push_back(s);
  draft_distributions_.resize(static_cast<std::size_t>(info_.max_lanes) * kMaxDraftLength);
}

void HostRuntime::watch(const std::atomic<bool>& given_up) {
  target_->watch(given_up);
  if (draft_) draft_->watch(given_up);
}

// Lanes -----------------------------------------------------------------------------------------------------------

void HostRuntime::open_lane(const LaneStart& start) {
  const Prompt& p = prompt(start.prompt);
  if (p.target_cached < p.shared()) throw std::logic_error("the prompt is not computed yet");
  if (free_lane_sequences_.empty()) throw std::logic_error("no free lane");
  const LaneFork fork = start.fork.value_or(LaneFork{p.shared(), p.tokens.back()});
  if (start.fork && (fork.shared < 1 || fork.shared > p.shared())) throw std::logic_error("a lane that does not start within its prompt");
  Lane lane{.start = start, .sequence = free_lane_sequences_.back(), .shared = fork.shared,
            .tokens = {p.tokens.begin(), p.tokens.begin() + fork.shared}};
  lane.tokens.push_back(fork.last);
  free_lane_sequences_.pop_back();
  if (lane.shared > 0) {
    target_->share(p.sequence, lane.sequence, lane.shared);
    if (draft_ && p.draft_cached > 0) {
      lane.draft_cached = std::min(p.draft_cached, lane.shared);
      draft_->share(p.sequence, lane.sequence, lane.draft_cached);
    }
  }
  lane.tokens.reserve(p.tokens.size() + start.max_new_tokens + kMaxDraftLength + 1);
  lanes_.emplace(start.id, std::move(lane));
}

void HostRuntime::close_lane(LaneId id) {
  const auto it = lanes_.find(id);
  if (it == lanes_.end()) return;
  target_->truncate(it->second.sequence, 0);
  if (draft_) draft_->truncate(it->second.sequence, 0);
  free_lane_sequences_.push_back(it->second.sequence);
  lanes_.erase(it);
}

// A step ----------------------------------------------------------------------------------------------------------

void HostRuntime::submit(const StepPlan& plan) {
  if (submitted_) throw std::logic_error("a step is already submitted");
  submitted_ = plan;
}

StepResult HostRuntime::collect() {
  const auto start = Clock::now();
  const StepPlan plan = std::move(submitted_.value());
  submitted_.reset();
  StepResult result;
  std::vector<Drafting> step;
  step.reserve(plan.lanes.size());
  const int row_limit = target_->max_rows() / std::max<int>(1, static_cast<int>(plan.lanes.size())) - 1;
  for (const LanePlan& lane : plan.lanes) step.push_back(drafting(lane, std::min(kMaxDraftLength, row_limit)));
  draft(step, result.times);
  verify(step, result.times);
  for (std::size_t i = 0; i < step.size(); ++i) result.lanes.push_back(accept(step[i], i));
  result.times.host_ms = ms_since(start) - result.times.draft_ms - result.times.verify_ms;
  return result;
}

HostRuntime::Drafting HostRuntime::drafting(const LanePlan& plan, int most) {
  Lane* const lane = &lanes_.at(plan.lane);
  if (plan.draft.empty()) return {.lane = lane, .length = draft_ ? std::clamp(plan.draft_length, 0, most) : 0};
  Drafting given{.lane = lane, .length = std::min(static_cast<int>(plan.draft.size()), most), .is_given = true, .drafted = plan.draft};
  given.drafted.resize(static_cast<std::size_t>(given.length));
  return given;
}

Distribution& HostRuntime::drafted_distribution(std::size_t lane_index, int position) {
  return draft_distributions_[lane_index * kMaxDraftLength + position];
}

// Brings the draft's cache of every drafting lane to all tokens but the last two, so that the first pass is short.
void HostRuntime::catch_up_draft(std::vector<Drafting>& step, StepTimes& times) {
  const auto start = Clock::now();
  for (Drafting& d : step) {
    if (!d.writes()) continue;
    Lane& lane = *d.lane;
    Prompt& p = prompt(lane.start.prompt);
    if (lane.draft_cached < lane.shared) {  // the prompt's draft pass was put off: do it once, for all its lanes
      times.draft_passes += (p.shared() - p.draft_cached + draft_->max_rows() - 1) / draft_->max_rows();
      times.draft_rows += p.shared() - p.draft_cached;
      fill(*draft_, p, p.draft_cached, p.shared(), p.shared());
      draft_->truncate(lane.sequence, 0);
      draft_->share(p.sequence, lane.sequence, lane.shared);
      lane.draft_cached = lane.shared;
    }
  }
  rows_.clear();
  const auto flush = [&] {
    if (rows_.empty()) return;
    draft_->decode(rows_);
    ++times.draft_passes;
    times.draft_rows += static_cast<int>(rows_.size());
    rows_.clear();
  };
  for (Drafting& d : step) {
    if (!d.writes()) continue;
    Lane& lane = *d.lane;
    for (const int end = static_cast<int>(lane.tokens.size()) - 2; lane.draft_cached < end; ++lane.draft_cached) {
      rows_.push_back({lane.sequence, lane.tokens[lane.draft_cached], lane.draft_cached, false});
      if (static_cast<int>(rows_.size()) == draft_->max_rows()) flush();
    }
  }
  flush();
  times.draft_ms += ms_since(start);
}

void HostRuntime::draft(std::vector<Drafting>& step, StepTimes& times) {
  int longest = 0;
  for (const Drafting& d : step)
    if (d.writes()) longest = std::max(longest, d.length);
  if (longest == 0) return;
  catch_up_draft(step, times);
  for (int pass = 0; pass < longest; ++pass) {
    rows_.clear();
    for (Drafting& d : step) {
      if (!d.writes()) continue;
      Lane& lane = *d.lane;
      if (pass == 0)
        for (const int n = static_cast<int>(lane.tokens.size()); lane.draft_cached < n; ++lane.draft_cached)
          rows_.push_back({lane.sequence, lane.tokens[lane.draft_cached], lane.draft_cached, lane.draft_cached == n - 1});
      else
        rows_.push_back({lane.sequence, d.drafted.back(), lane.draft_cached++, true});
    }
    const auto start = Clock::now();
    draft_->decode(rows_);
    times.draft_ms += ms_since(start);
    ++times.draft_passes;
    times.draft_rows += static_cast<int>(rows_.size());
    draw_drafts(step, pass);
  }
}

void HostRuntime::draw_drafts(std::vector<Drafting>& step, int pass) {
  int row = 0;
  for (std::size_t i = 0; i < step.size(); ++i) {
    Drafting& d = step[i];
    if (!d.writes()) continue;
    while (!rows_[row].wants_logits) ++row;
    const Sampling& sampling = d.lane->start.sampling;
    Distribution& q = drafted_distribution(i, pass);
    warper_.warp(known(draft_->logits(row++)), sampling, q);
    const auto position = static_cast<std::uint32_t>(d.lane->tokens.size() + pass);
    d.drafted.push_back(q.draw(uniform(sampling.seed, d.lane->start.stream, position, Use::kDraft)));
  }
}

void HostRuntime::verify(std::vector<Drafting>& step, StepTimes& times) {
  rows_.clear();
  for (Drafting& d : step) {
    d.first_row = static_cast<int>(rows_.size());
    const Lane& lane = *d.lane;
    int position = static_cast<int>(lane.tokens.size()) - 1;
    rows_.push_back({lane.sequence, lane.tokens.back(), position, true});
    for (const Token token : d.drafted) rows_.push_back({lane.sequence, token, ++position, true});
  }
  const auto start = Clock::now();
  target_->decode(rows_);
  times.verify_ms = ms_since(start);
  times.verify_rows = static_cast<int>(rows_.size());
}

LaneStep HostRuntime::accept(const Drafting& d, std::size_t index) {
  Lane& lane = *d.lane;
  const Sampling& sampling = lane.start.sampling;
  LaneStep result{lane.start.id, d.length, 0, {}};
  const int before = static_cast<int>(lane.tokens.size());
  for (bool accepted = true; accepted;) {
    const int j = result.accepted;
    const auto position = static_cast<std::uint32_t>(before + j);
    const auto u = [&](Use use) { return uniform(sampling.seed, lane.start.stream, position, use); };
    const auto logits = known(target_->logits(d.first_row + j));
    float log_sum_exp = 0;
    Distribution& p = target_distribution_;
    warper_.warp(logits, sampling, p, &log_sum_exp);
    Token token = 0;
    if (j == d.length || d.is_given) {
      token = p.draw(u(Use::kTarget));
      accepted = j < d.length && token == d.drafted[j];
    } else {
      const Distribution& q = drafted_distribution(index, j);
      accepted = accepts(p, q, d.drafted[j], u(Use::kAccept));
      token = accepted ? d.drafted[j] : draw_residual(p, q, u(Use::kResidual));
    }
    result.accepted += accepted ? 1 : 0;
    lane.tokens.push_back(token);
    result.tokens.push_back({token, logits[token] - log_sum_exp});
  }
  if (result.accepted < d.length) {  // forget the rejected tokens in both caches
    const int cached = static_cast<int>(lane.tokens.size()) - 1;
    target_->truncate(lane.sequence, cached);
    if (lane.draft_cached > cached) draft_->truncate(lane.sequence, lane.draft_cached = cached);
  }
  return result;
}

}  // namespace octet
