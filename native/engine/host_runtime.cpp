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

// Prompts ---------------------------------------------------------------------------------------------------------

HostRuntime::Prompt& HostRuntime::prompt(PromptId id) {
  for (Prompt& p : prompts_)
    if (p.id == id) return p;
  throw std::logic_error("no such prompt");
}

void HostRuntime::evict(std::list<Prompt>::iterator p) {
  target_->truncate(p->sequence, 0);
  if (draft_) draft_->truncate(p->sequence, 0);
  free_prompt_sequences_.push_back(p->sequence);
  prompts_.erase(p);
}

int HostRuntime::common_prefix(const Prompt& cached, std::span<const Token> tokens) const {
  const auto limit = std::min({cached.tokens.size(), tokens.size() - 1, static_cast<std::size_t>(cached.target_cached)});
  return static_cast<int>(std::mismatch(tokens.begin(), tokens.begin() + limit, cached.tokens.begin()).first - tokens.begin());
}

Runtime::OpenedPrompt HostRuntime::open_prompt(std::span<const Token> tokens, int tail_tokens) {
  if (tokens.empty()) throw std::logic_error("a prompt has at least one token");
  const int wanted = static_cast<int>(tokens.size()) + tail_tokens;
  int open = 0;
  for (const Prompt& p : prompts_)
    if (p.open) open += p.reserved();
  const bool slot = !free_prompt_sequences_.empty() ||
                    std::any_of(prompts_.begin(), prompts_.end(), [](const Prompt& p) { return !p.open; });
  if (open + wanted > info_.cache_tokens || !slot)
    throw CacheFull("the cache of " + std::to_string(info_.cache_tokens) + " tokens cannot hold " + std::to_string(wanted) +
                    " more beside " + std::to_string(open) + " in use");

  auto best = prompts_.end();
  int reused = 0;
  for (auto it = prompts_.begin(); it != prompts_.end(); ++it)
    if (const int common = common_prefix(*it, tokens); common > reused) best = it, reused = common;

  // Room: cached prompts go, oldest first, the one to reuse last of all (its cells are shared, then freed).
  int used = open;
  for (const Prompt& p : prompts_)
    if (!p.open) used += p.reserved();
  for (auto it = prompts_.end(); it != prompts_.begin() && (used + wanted > info_.cache_tokens || free_prompt_sequences_.empty());) {
    --it;
    if (it->open || it == best) continue;
    used -= it->reserved();
    const auto victim = it++;
    evict(victim);
  }

  Prompt fresh{.id = next_prompt_++, .tokens = {tokens.begin(), tokens.end()}, .tail_tokens = tail_tokens};
  // A cached prompt that is no longer needed beside the new one hands over its sequence instead of sharing it.
  const bool take_over = best != prompts_.end() && !best->open &&
                         (free_prompt_sequences_.empty() || used + wanted > info_.cache_tokens ||
                          reused == best->shared());
  if (take_over) {
    fresh.sequence = best->sequence;
    fresh.target_cached = reused;
    fresh.draft_cached = std::min(reused, best->draft_cached);
    target_->truncate(fresh.sequence, reused);
    if (draft_) draft_->truncate(fresh.sequence, fresh.draft_cached);
    prompts_.erase(best);
  } else {
    fresh.sequence = free_prompt_sequences_.back();
    free_prompt_sequences_.pop_back();
    if (reused > 0) {
      fresh.target_cached = reused;
      target_->share(best->sequence, fresh.sequence, reused);
      fresh.draft_cached = std::min(reused, best->draft_cached);
      if (draft_ && fresh.draft_cached > 0) draft_->share(best->sequence, fresh.sequence, fresh.draft_cached);
    }
  }
  prompts_.push_front(std::move(fresh));
  return {prompts_.front().id, reused};
}

int HostRuntime::fill(LogitsModel& model, Prompt& p, int& cached, int end, int max_tokens) {
  const int stop = std::min(end, cached + max_tokens);
  while (cached < stop) {
    const int chunk = std::min(stop - cached, model.max_rows());
    rows_.clear();
    for (int i = 0; i < chunk; ++i) rows_.push_back({p.sequence, p.tokens[cached + i], cached + i, false});
    model.decode(rows_);
    cached += chunk;
  }
  return end - cached;
}

int HostRuntime::prefill(PromptId id, int max_tokens, bool with_draft) {
  Prompt& p = prompt(id);
  int left = fill(*target_, p, p.target_cached, p.shared(), max_tokens);
  if (with_draft && draft_) left = std::max(left, fill(*draft_, p, p.draft_cached, p.shared(), max_tokens));
  return left;
}

void HostRuntime::close_prompt(PromptId id) {
  Prompt& p = prompt(id);
  p.open = false;
  p.tail_tokens = 0;
  if (p.target_cached == 0) evict(std::find_if(prompts_.begin(), prompts_.end(), [&](const Prompt& x) { return x.id == id; }));
}

void HostRuntime::drop_cached_prompts() {
  for (auto it = prompts_.begin(); it != prompts_.end();) {
    const auto next = std::next(it);
    if (!it->open) evict(it);
    it = next;
  }
}

std::vector<float> HostRuntime::score(std::span<const Token> tokens, bool by_draft) {
  if (by_draft && !draft_) throw std::runtime_error("There is no draft to score with");
  LogitsModel& model = by_draft ? *draft_ : *target_;
  drop_cached_prompts();
  const PromptId id = open_prompt(tokens, 0).id;
  const Sequence sequence = prompt(id).sequence;
  std::vector<float> logprobs;
  logprobs.reserve(tokens.size());
  try {
    const std::size_t chunk = kMaxDraftLength + 1;  // what a model can return of one lane in one pass
    for (std::size_t at = 0; at + 1 < tokens.size(); at += chunk) {
      rows_.clear();
      for (std::size_t i = at; i + 1 < tokens.size() && i < at + chunk; ++i)
        rows_.push_back({sequence, tokens[i], static_cast<int>(i), true});
      model.decode(rows_);
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        const auto logits = known(model.logits(static_cast<int>(row)));
        float log_sum_exp = 0;
        warper_.warp(logits, Sampling{.temperature = 0}, target_distribution_, &log_sum_exp);
        logprobs.push_back(logits[tokens[at + row + 1]] - log_sum_exp);
      }
    }
  } catch (...) {
    model.truncate(sequence, 0);
    close_prompt(id);
    throw;
  }
  model.truncate(sequence, 0);
  close_prompt(id);
  return logprobs;
}

// Lanes -----------------------------------------------------------------------------------------------------------

void HostRuntime::open_lane(const LaneStart& start) {
  const Prompt& p = prompt(start.prompt);
  if (p.target_cached < p.shared()) throw std::logic_error("the prompt is not computed yet");
  if (free_lane_sequences_.empty()) throw std::logic_error("no free lane");
  Lane lane{.start = start, .sequence = free_lane_sequences_.back(), .tokens = p.tokens};
  free_lane_sequences_.pop_back();
  if (p.shared() > 0) {
    target_->share(p.sequence, lane.sequence, p.shared());
    if (draft_ && p.draft_cached > 0) {
      lane.draft_cached = std::min(p.draft_cached, p.shared());
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
  for (const LanePlan& lane : plan.lanes)
    step.emplace_back(&lanes_.at(lane.lane),
                      draft_ ? std::clamp(lane.draft_length, 0, std::min(kMaxDraftLength, row_limit)) : 0);
  draft(step, result.times);
  verify(step, result.times);
  for (std::size_t i = 0; i < step.size(); ++i) result.lanes.push_back(accept(step[i], i));
  result.times.host_ms = ms_since(start) - result.times.draft_ms - result.times.verify_ms;
  return result;
}

Distribution& HostRuntime::drafted_distribution(std::size_t lane_index, int position) {
  return draft_distributions_[lane_index * kMaxDraftLength + position];
}

// Brings the draft's cache of every drafting lane to all tokens but the last two, so that the first pass is short.
void HostRuntime::catch_up_draft(std::vector<Drafting>& step, StepTimes& times) {
  const auto start = Clock::now();
  for (Drafting& d : step) {
    if (d.length == 0) continue;
    Lane& lane = *d.lane;
    Prompt& p = prompt(lane.start.prompt);
    if (lane.draft_cached < p.shared()) {  // the prompt's draft pass was put off: do it once, for all its lanes
      times.draft_passes += (p.shared() - p.draft_cached + draft_->max_rows() - 1) / draft_->max_rows();
      times.draft_rows += p.shared() - p.draft_cached;
      fill(*draft_, p, p.draft_cached, p.shared(), p.shared());
      draft_->truncate(lane.sequence, 0);
      draft_->share(p.sequence, lane.sequence, p.shared());
      lane.draft_cached = p.shared();
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
    if (d.length == 0) continue;
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
  for (const Drafting& d : step) longest = std::max(longest, d.length);
  if (longest == 0) return;
  catch_up_draft(step, times);
  for (int pass = 0; pass < longest; ++pass) {
    rows_.clear();
    for (Drafting& d : step) {
      if (pass >= d.length) continue;
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
    if (pass >= d.length) continue;
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
    accepted = false;
    if (j == d.length) {
      token = p.draw(u(Use::kTarget));
    } else if (accepts(p, drafted_distribution(index, j), d.drafted[j], u(Use::kAccept))) {
      token = d.drafted[j];
      accepted = true;
      ++result.accepted;
    } else {
      token = draw_residual(p, drafted_distribution(index, j), u(Use::kResidual));
    }
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
