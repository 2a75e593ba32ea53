#include "runtimes/cuda/runtime/prompt_store.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace octet::cuda {
namespace {

constexpr double kMost = 0.75;

}  // namespace

int PromptStore::common_prefix(const StoredPrompt& cached, std::span<const Token> tokens) {
  const auto limit = std::min({static_cast<std::size_t>(cached.target_cached), cached.tokens.size(), tokens.size() - 1});
  return static_cast<int>(std::mismatch(tokens.begin(), tokens.begin() + limit, cached.tokens.begin()).first - tokens.begin());
}

void PromptStore::drop(Position prompt) {
  if (prompt->region.length > 0) cells_.shrink(prompt->region, 0);
  prompts_.erase(prompt);
}

// Whether other prompts hold most of what is computed of this one.
bool PromptStore::is_held(const StoredPrompt& prompt) const {
  const std::span<const Token> computed(prompt.tokens.data(), static_cast<std::size_t>(prompt.target_cached) + 1);
  return std::any_of(prompts_.begin(), prompts_.end(), [&](const StoredPrompt& other) {
    return other.id != prompt.id && common_prefix(other, computed) >= kMost * prompt.target_cached;
  });
}

// Of the closed prompts one that others hold, of which someone who types leaves one behind with every key; else the least recently used.
bool PromptStore::drop_least_needed(Position keep) {
  auto least = prompts_.end();
  for (auto it = prompts_.end(); it != prompts_.begin();) {
    if ((--it)->open || it == keep) continue;
    if (is_held(*it)) {
      least = it;
      break;
    }
    if (least == prompts_.end()) least = it;
  }
  if (least == prompts_.end()) return false;
  drop(least);
  return true;
}

PromptStore::Opened PromptStore::open(const PromptStart& start) {
  const auto& [tokens, tail_cells, logit_rows] = start;
  if (tokens.empty()) throw std::logic_error("a prompt has at least one token");
  if (logit_rows < 0 || logit_rows >= static_cast<int>(tokens.size())) throw std::logic_error("a prompt has no such rows");
  const int wanted = static_cast<int>(tokens.size()) + tail_cells;
  auto best = prompts_.end();
  int reused = 0;
  for (auto it = prompts_.begin(); it != prompts_.end(); ++it)
    if (const int common = common_prefix(*it, tokens); common > reused) best = it, reused = common;

  StoredPrompt fresh{.id = next_, .tokens = {tokens.begin(), tokens.end()}, .logit_rows = logit_rows};
  Opened opened;
  const auto inherit = [&](const StoredPrompt& from) {
    fresh.target_cached = opened.reused = std::min(reused, fresh.before_logits());
    fresh.draft_cached = std::min(reused, from.draft_cached);
  };
  for (;;) {
    // In place, where the cached prompt is not needed beside the new one: a continuation, or too little room for both.
    const bool closed = best != prompts_.end() && !best->open;
    if (closed && (reused == best->shared() || cells_.count() - cells_.used() < wanted) && cells_.grow(best->region, std::max(wanted, best->region.length))) {
      cells_.shrink(best->region, wanted);
      fresh.region = best->region;
      inherit(*best);
      prompts_.erase(best);
      break;
    }
    if (const auto region = cells_.take(wanted)) {
      fresh.region = *region;
      if (best != prompts_.end()) {
        inherit(*best);
        opened.copy = Copy{best->region.start, region->start, reused};
        used_now(best);
      }
      break;
    }
    if (drop_least_needed(best)) continue;
    if (closed) {  // its room is needed more than its content
      drop(best);
      best = prompts_.end();
      reused = 0;
      continue;
    }
    throw CacheFull("the cache of " + std::to_string(cells_.count()) + " tokens cannot hold " + std::to_string(wanted) + " more beside " +
                    std::to_string(cells_.used()) + " in use");
  }
  ++next_;
  fresh.next_tail = fresh.region.start + fresh.shared();
  prompts_.push_front(std::move(fresh));
  opened.prompt = &prompts_.front();
  return opened;
}

StoredPrompt& PromptStore::at(PromptId id) {
  const auto found = std::find_if(prompts_.begin(), prompts_.end(), [&](const StoredPrompt& p) { return p.id == id; });
  if (found == prompts_.end()) throw std::logic_error("no such prompt");
  return *found;
}

int PromptStore::take_tail(StoredPrompt& prompt, int cells) {
  if (prompt.next_tail + cells > prompt.region.end()) throw std::logic_error("more lanes than the prompt has room for");
  const int start = prompt.next_tail;
  prompt.next_tail += cells;
  return start;
}

void PromptStore::close(PromptId id) {
  StoredPrompt& prompt = at(id);
  const auto position = std::find_if(prompts_.begin(), prompts_.end(), [&](const StoredPrompt& p) { return p.id == id; });
  prompt.open = false;
  if (prompt.target_cached == 0) return drop(position);
  cells_.shrink(prompt.region, std::max(1, prompt.shared()));
  used_now(position);
}

}  // namespace octet::cuda
