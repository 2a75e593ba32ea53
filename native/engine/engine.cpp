#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "engine/job.h"
#include "engine/token_healing.h"

namespace octet {
namespace {

void check(const Request& request, const RuntimeInfo& info) {
  const auto text = [](auto number) { return std::to_string(number); };
  const std::size_t prompt = request.prompt.size() + request.lead.size();
  if (request.prompt.empty()) throw Error(ErrorCode::kEmptyPrompt, "the prompt is empty", "Give some text to continue.");
  if (prompt >= static_cast<std::size_t>(info.context_tokens))
    throw Error(ErrorCode::kPromptTooLong,
                "the prompt has " + text(prompt) + " tokens; the context holds " + text(info.context_tokens) +
                    " including the completion",
                "Shorten the prompt or load with a longer context.");
  if (request.lanes < 1 || request.lanes > info.max_lanes)
    throw Error(ErrorCode::kBadParams,
                text(request.lanes) + " lanes asked for; 1 to " + text(info.max_lanes) + " are loaded");
  if (request.max_new_tokens < 1)
    throw Error(ErrorCode::kBadParams, text(request.max_new_tokens) + " new tokens asked for; at least 1 is needed");
  if (request.prepare && request.score != Request::Score::kNone)
    throw Error(ErrorCode::kBadParams, "a prompt is either prepared or scored");
  if (request.score == Request::Score::kDraft && !info.has_draft)
    throw Error(ErrorCode::kBadParams, "there is no draft model to score with", "Load a draft model.");
  for (const auto* tokens : {&request.prompt, &request.lead})
    for (const Token token : *tokens)
      if (token < 0 || token >= info.vocabulary)
        throw Error(ErrorCode::kBadParams, "the prompt has token " + text(token) + "; the models know " +
                                               text(info.vocabulary) + " tokens, from 0 on");
  if (request.lead.size() > kMostLeadTokens)
    throw Error(ErrorCode::kBadParams, text(request.lead.size()) + " tokens to heal; at most " + text(kMostLeadTokens) + " are");
  for (const std::string& stop : request.stop)
    if (stop.empty()) throw Error(ErrorCode::kBadParams, "a stop string is empty");
}

}  // namespace

Engine::Engine(std::unique_ptr<Runtime> runtime, std::shared_ptr<const Vocabulary> vocabulary)
    : runtime_(std::move(runtime)), vocabulary_(std::move(vocabulary)), info_(runtime_->info()), prefill_chunk_(info_.prefill_chunk),
      thread_([this] { run(); }) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    give_up_if_unwanted();
  }
  wake_.notify_one();
  thread_.join();
}

Engine::RequestId Engine::submit(Request request, std::unique_ptr<Listener> listener) {
  check(request, info_);
  const auto job = std::make_shared<Job>();
  const auto cut = [&](int tokens, const std::string& reason) {
    if (request.max_new_tokens <= tokens) return;
    request.max_new_tokens = tokens;
    job->result.notices.push_back("The completions are cut to " + std::to_string(tokens) + " tokens: " + reason);
  };
  job->tokens = request.prompt;
  job->tokens.insert(job->tokens.end(), request.lead.begin(), request.lead.end());
  const int prompt = static_cast<int>(job->tokens.size());
  cut(info_.context_tokens - prompt, "the context holds " + std::to_string(info_.context_tokens) + ".");
  const int room = (info_.cache_tokens - prompt) / request.lanes - runtime_->draft_cells();
  if (room < 1)
    throw Error(ErrorCode::kPromptTooLong,
                "the prompt has " + std::to_string(prompt) + " tokens; the cache of " +
                    std::to_string(info_.cache_tokens) + " has no room for " + std::to_string(request.lanes) +
                    " lanes beside it",
                "Ask for fewer lanes or shorten the prompt.");
  cut(room, "the cache holds " + std::to_string(info_.cache_tokens) + " for all lanes.");
  job->request = std::move(request);
  job->listener = std::move(listener);
  job->result.totals.prompt_tokens = prompt;

  const std::lock_guard lock(mutex_);
  job->id = next_request_++;
  give_way(*job);
  known_.emplace(job->id, job);
  arrived_.push_back(job);
  ++counts_.queued;
  wake_.notify_one();
  return job->id;
}

// The mutex is held. A prompt is prepared while nothing else is asked for.
void Engine::give_way(Job& next) {
  for (const auto& [id, job] : known_) {
    if (job->request.prepare) job->cancelled = true;
    if (next.request.prepare && !job->request.prepare) next.cancelled = true;
  }
  give_up_if_unwanted();
}

void Engine::cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  if (const auto it = known_.find(id); it != known_.end()) it->second->cancelled = true;
  give_up_if_unwanted();
}

void Engine::cancel_lane(RequestId id, int lane) {
  if (lane < 0 || lane >= kMaxLanes) return;
  const std::lock_guard lock(mutex_);
  if (const auto it = known_.find(id); it != known_.end()) it->second->cancelled_lanes |= 1u << lane;
  give_up_if_unwanted();
}

// The mutex is held.
void Engine::give_up_if_unwanted() {
  if (served_.empty()) return;
  given_up_ = stopping_ || std::all_of(served_.begin(), served_.end(), [](const auto& job) { return job->unwanted(); });
}

Engine::Counts Engine::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

// The thread ----------------------------------------------------------------------------------------------------------

void Engine::run() {
  runtime_->watch(given_up_);
  while (wait_for_work()) {
    try {
      check_cancellations();
      admit();
      // One chunk of the oldest prompt that is not ready, then a step of those that are: a long prompt stops nobody.
      prefill_oldest();
      step();
    } catch (const GivenUp&) {
      check_cancellations();
    } catch (const std::exception& error) {
      fail_all(error.what());
    }
    release_ended();
    if (running_.empty()) drop_steps_in_flight();  // of lanes that are gone: no later request is to hear of them
  }
  running_.insert(running_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  for (const auto& job : running_) end(*job, FinishReason::kCancelled);
  release_ended();
}

bool Engine::wait_for_work() {
  std::unique_lock lock(mutex_);
  if (running_.empty() && waiting_.empty()) wake_.wait(lock, [this] { return stopping_ || !arrived_.empty(); });
  waiting_.insert(waiting_.end(), arrived_.begin(), arrived_.end());
  arrived_.clear();
  return !stopping_;
}

void Engine::check_cancellations() {
  for (const auto& job : running_) {
    if (job->unwanted()) {
      end(*job, FinishReason::kCancelled);
    } else if (job->over_budget()) {
      end(*job, FinishReason::kBudget);
    } else if (job->decoding() && job->cancelled_lanes != 0) {
      end_lanes(*job, FinishReason::kCancelled, job->cancelled_lanes);
    }
  }
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (!(*it)->unwanted()) {
      ++it;
      continue;
    }
    end(**it, FinishReason::kCancelled);
    running_.push_back(*it);
    it = waiting_.erase(it);
  }
  release_ended();
}

void Engine::admit() {
  while (!waiting_.empty()) {
    const auto job = waiting_.front();
    const Request& request = job->request;
    int lanes_in_use = 0;
    for (const auto& other : running_) lanes_in_use += other->lanes_in_use();
    if (lanes_in_use + request.lanes > info_.max_lanes) return;
    Runtime::OpenedPrompt opened;
    if (request.score != Request::Score::kNone) {
      if (!running_.empty()) return;
      waiting_.pop_front();
      score(job);
      continue;
    }
    try {
      if (request.fresh_prompt) runtime_->drop_cached_prompts();
      opened = runtime_->open_prompt({.tokens = job->tokens,
                                      .tail_tokens = request.lanes * (request.max_new_tokens + runtime_->draft_cells()),
                                      .logit_rows = static_cast<int>(request.lead.size())});
    } catch (const std::exception& error) {
      const bool full = dynamic_cast<const CacheFull*>(&error) != nullptr;
      if (full && !running_.empty()) return;  // what is running will make room
      waiting_.pop_front();
      fail(job, error.what());
      continue;
    }
    waiting_.pop_front();
    running_.push_back(job);
    job->prompt = opened.id;
    job->prompt_open = true;
    job->phase = Job::Phase::kPrefill;
    job->taken_up = Clock::now();
    job->result.totals.reused_tokens = job->computed = opened.reused;
    const DraftLengthSpec spec = info_.has_draft ? request.draft_length : DraftLengthSpec{DraftLengthSpec::Kind::kNone};
    job->policy = make_policy(spec, kMaxDraftLength, costs_, experience_[kind_of(request.sampling)]);
    if (!info_.has_draft && info_.takes_drafts) prepare_lookup(*job);
    job->with_draft = job->policy->wants_draft(lanes_in_use + request.lanes, static_cast<int>(job->tokens.size()));
    publish_counts();
  }
}

// In one go, with the device to itself: it is a measurement.
void Engine::score(const std::shared_ptr<Job>& job) {
  const auto start = Clock::now();
  try {
    const Pass pass(*this, {job});
    job->result.prompt_logprobs = runtime_->score(job->request.prompt, job->request.score == Request::Score::kDraft);
    end(*job, FinishReason::kEnd);
  } catch (const GivenUp&) {
    end(*job, FinishReason::kCancelled);
  } catch (const std::exception& error) {
    return fail(job, error.what());
  }
  job->taken_up = start;
  job->result.totals.prefill_ms = job->now_ms();
  running_.push_back(job);
  release_ended();
}

std::size_t Engine::kind_of(const Sampling& sampling) {
  const float t = sampling.temperature;
  return t <= 0 ? 0 : t <= 0.3f ? 1 : t <= 0.7f ? 2 : 3;
}

}  // namespace octet
