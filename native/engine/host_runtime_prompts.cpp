// The host runtime's prompts: kept in the caches, shared, handed over, and scored.
#include <algorithm>
#include <stdexcept>

#include "engine/host_runtime.h"

namespace octet {
namespace {

constexpr double kMost = 0.75;

}  // namespace

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

// Whether other prompts hold most of what is computed of this one.
bool HostRuntime::is_held(const Prompt& p) const {
  const std::span<const Token> computed(p.tokens.data(), static_cast<std::size_t>(p.target_cached) + 1);
  return std::any_of(prompts_.begin(), prompts_.end(), [&](const Prompt& other) {
    return other.id != p.id && common_prefix(other, computed) >= kMost * p.target_cached;
  });
}

// The oldest cached prompt of those that others hold, of which someone who types leaves one behind with every key; else the oldest. Those
// of other places, and a long one that is computed in the pauses between, so outlast the keys.
std::list<HostRuntime::Prompt>::iterator HostRuntime::least_needed(std::list<Prompt>::iterator keep) {
  auto oldest = prompts_.end();
  for (auto it = prompts_.end(); it != prompts_.begin();) {
    if ((--it)->open || it == keep) continue;
    if (is_held(*it)) return it;
    if (oldest == prompts_.end()) oldest = it;
  }
  return oldest;
}

Runtime::OpenedPrompt HostRuntime::open_prompt(const PromptStart& start) {
  const auto& [tokens, tail_tokens, logit_rows] = start;
  if (tokens.empty()) throw std::logic_error("a prompt has at least one token");
  if (logit_rows < 0 || logit_rows >= static_cast<int>(tokens.size())) throw std::logic_error("a prompt has no such rows");
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

  // Room: cached prompts go, the one to reuse last of all (its cells are shared, then freed). One that the new prompt continues needs none
  // beside it.
  const bool continues = best != prompts_.end() && !best->open && reused == best->shared();
  int used = open;
  for (const Prompt& p : prompts_)
    if (!p.open && !(continues && p.id == best->id)) used += p.reserved();
  while (used + wanted > info_.cache_tokens || (free_prompt_sequences_.empty() && !continues)) {
    const auto victim = least_needed(best);
    if (victim == prompts_.end()) break;
    used -= victim->reserved();
    evict(victim);
  }

  Prompt fresh{.id = next_prompt_++, .tokens = {tokens.begin(), tokens.end()}, .tail_tokens = tail_tokens, .logit_rows = logit_rows};
  reused = std::min(reused, fresh.shared() - logit_rows);
  // A cached prompt that is no longer needed beside the new one hands over its sequence instead of sharing it.
  const bool take_over = best != prompts_.end() && !best->open &&
                         (free_prompt_sequences_.empty() || used + wanted > info_.cache_tokens || continues);
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
  int left = fill(*target_, p, p.target_cached, p.shared() - p.logit_rows, max_tokens);
  if (with_draft && draft_) left = std::max(left, fill(*draft_, p, p.draft_cached, p.shared(), max_tokens));
  return left;
}

std::vector<float> HostRuntime::logits(PromptId id) {
  Prompt& p = prompt(id);
  if (p.target_cached != p.shared() - p.logit_rows) throw std::logic_error("the prompt is not computed up to its logits");
  std::vector<float> rows;
  while (p.target_cached < p.shared()) {
    const int chunk = std::min({p.shared() - p.target_cached, target_->max_rows(), kMaxDraftLength + 1});
    rows_.clear();
    for (int i = 0; i < chunk; ++i) rows_.push_back({p.sequence, p.tokens[p.target_cached + i], p.target_cached + i, true});
    target_->decode(rows_);
    for (int i = 0; i < chunk; ++i) {
      const auto row = known(target_->logits(i));
      rows.insert(rows.end(), row.begin(), row.end());
    }
    p.target_cached += chunk;
  }
  return rows;
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
  if (by_draft && !draft_) throw std::runtime_error("There is no draft model to score with");
  LogitsModel& model = by_draft ? *draft_ : *target_;
  drop_cached_prompts();
  const PromptId id = open_prompt({tokens}).id;
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
    close_prompt(id);
    throw;
  }
  close_prompt(id);  // none of it counts as computed: it is forgotten
  return logprobs;
}

}  // namespace octet
