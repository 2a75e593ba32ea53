// A runtime without a model: every lane's tokens are known beforehand, so a test can say what must be heard. It holds
// the engine to runtimes/runtime.h: where the engine breaks it, the test fails.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <tuple>

#include "engine/engine.h"

namespace octet::test {

/// A request is known by its prompt's first token, its tag.
constexpr Token kEndToken = 1, kTags = 32, kFirstToken = 100, kTokensPerLane = 256;
constexpr int kVocabulary = kFirstToken + kTags * kMaxLanes * kTokensPerLane;

/// Lane `stream` of request `tag` writes this as its token number `index`.
inline Token token_of(int tag, int stream, int index) {
  return kFirstToken + (tag * kMaxLanes + stream) * kTokensPerLane + index % kTokensPerLane;
}

/// What the test tells the runtime, and what the runtime saw. With a depth of 2 it ends lanes as a device that runs ahead
/// does. The engine's thread alone touches it while it lives.
struct Script {
  int depth = 1, max_lanes = kMaxLanes, context_tokens = 4096, cache_tokens = 1 << 20, prefill_chunk = 1 << 20;
  std::map<std::tuple<int, int, int>, Token> tokens;  ///< Other than token_of (tag, stream, index).
  std::function<int(int stream, int step, int drafted)> accepted = [](int stream, int step, int drafted) {
    return (stream * 7 + step * 3) % (drafted + 1);
  };
  std::map<Token, float> logits;  ///< Of every row that is asked for, where not 0.
  std::function<void()> before_open, before_logits, before_score;
  std::function<void(int call)> before_prefill, before_submit, before_collect;  ///< May throw. Calls count from 1.
  bool keeps_prefill_chunk = false, has_draft = true, takes_drafts = false;
  std::vector<int> chunks;                                                      ///< Tokens of each prefill, as asked for.
  const std::atomic<bool>* given_up = nullptr;                                  ///< What it is to watch.

  int prefills = 0, submits = 0, collects = 0, open_prompts = 0, open_lanes = 0, most_lanes = 0;
  std::vector<StepPlan> plans;
  std::vector<LaneStart> starts;  ///< Of the lanes opened, in order.
  std::vector<bool> with_draft;   ///< Of each prefill.
  std::function<double(int rows)> verify_ms = [](int) { return 0.05; };
};

class ScriptedRuntime final : public Runtime {
 public:
  explicit ScriptedRuntime(std::shared_ptr<Script> script) : script_(std::move(script)) {
    info_ = {.name = "scripted", .device = "none", .max_lanes = script_->max_lanes,
             .context_tokens = script_->context_tokens, .cache_tokens = script_->cache_tokens,
             .vocabulary = kVocabulary, .has_draft = script_->has_draft, .takes_drafts = script_->takes_drafts,
             .prefill_chunk = 32, .keeps_prefill_chunk = script_->keeps_prefill_chunk};
  }

  const RuntimeInfo& info() const override { return info_; }
  int depth() const override { return script_->depth; }
  void watch(const std::atomic<bool>& given_up) override { script_->given_up = &given_up; }

  OpenedPrompt open_prompt(const PromptStart& start) override {
    if (script_->before_open) script_->before_open();
    const auto& [tokens, tail_tokens, logit_rows] = start;
    require(!tokens.empty() && tail_tokens > 0, "an empty prompt");
    require(logit_rows >= 0 && logit_rows < static_cast<int>(tokens.size()), "rows that the prompt does not have");
    const int size = static_cast<int>(tokens.size()) + tail_tokens;
    int used = 0;
    for (const auto& [id, prompt] : prompts_) used += prompt.reserved;
    if (used + size > script_->cache_tokens) throw CacheFull("full");
    const int shared = static_cast<int>(tokens.size()) - 1;
    prompts_[++last_prompt_] = {tokens[0], shared - logit_rows, size, shared, logit_rows};
    ++script_->open_prompts;
    return {last_prompt_, 0};
  }

  int prefill(PromptId id, int max_tokens, bool with_draft) override {
    if (script_->before_prefill) script_->before_prefill(++script_->prefills);
    require(max_tokens > 0, "no tokens to prefill");
    script_->chunks.push_back(max_tokens);
    script_->with_draft.push_back(with_draft);
    Prompt& prompt = prompts_.at(id);
    return prompt.left -= std::min({prompt.left, max_tokens, script_->prefill_chunk});
  }

  std::vector<float> logits(PromptId id) override {
    if (script_->before_logits) script_->before_logits();
    Prompt& prompt = prompts_.at(id);
    require(prompt.left == 0 && prompt.logit_rows > 0, "logits that are not due");
    std::vector<float> rows(static_cast<std::size_t>(prompt.logit_rows) * kVocabulary);
    for (int row = 0; row < prompt.logit_rows; ++row)
      for (const auto& [token, logit] : script_->logits) rows[static_cast<std::size_t>(row) * kVocabulary + static_cast<std::size_t>(token)] = logit;
    prompt.logit_rows = 0;
    return rows;
  }

  std::vector<float> score(std::span<const Token> tokens, bool) override {
    if (script_->before_score) script_->before_score();
    return std::vector<float>(tokens.size() - 1);
  }

  void close_prompt(PromptId id) override {
    require(prompts_.erase(id) == 1, "a prompt closed twice");
    --script_->open_prompts;
  }

  void open_lane(const LaneStart& start) override {
    require(used_.insert(start.id).second, "a lane's id used twice");
    const Prompt& prompt = prompts_.at(start.prompt);
    require(prompt.left == 0 && prompt.logit_rows == 0, "a lane opened before its prompt is ready");
    require(start.max_new_tokens > 0, "a lane without room");
    require(!start.fork || (start.fork->shared > 0 && start.fork->shared <= prompt.shared), "a lane that starts outside its prompt");
    script_->starts.push_back(start);
    lanes_[start.id] = {prompt.tag, static_cast<int>(start.stream), start.max_new_tokens, start.ends_at_end};
    require(static_cast<int>(lanes_.size()) <= info_.max_lanes, "too many lanes");
    ++script_->open_lanes;
    script_->most_lanes = std::max(script_->most_lanes, script_->open_lanes);
  }

  void close_lane(LaneId id) override {
    require(lanes_.erase(id) == 1, "a lane closed twice");
    --script_->open_lanes;
  }

  void submit(const StepPlan& plan) override {
    if (script_->before_submit) script_->before_submit(++script_->submits);
    require(!plan.lanes.empty() && static_cast<int>(in_flight_.size()) < script_->depth, "a step too many");
    StepResult result;
    std::set<LaneId> seen;
    int drafted = 0, longest = 0;
    for (const LanePlan& planned : plan.lanes) {
      require(seen.insert(planned.lane).second, "a lane twice in a plan");
      require(planned.draft_length >= 0 && planned.draft_length <= kMaxDraftLength, "an absurd draft length");
      require(planned.draft.empty() || (script_->takes_drafts && static_cast<int>(planned.draft.size()) == planned.draft_length),
              "drafts that were not asked for");
      Lane& lane = lanes_.at(planned.lane);
      if (lane.ended) {
        result.lanes.push_back({.lane = planned.lane});
        continue;
      }
      const bool on_device = script_->depth > 1;
      const int length = on_device ? std::min(planned.draft_length, lane.room - 1) : planned.draft_length;
      require(length < lane.room, "a draft longer than the lane's room");
      const int accepted = planned.draft.empty() ? script_->accepted(lane.stream, lane.steps, length) : right(lane, planned.draft);
      ++lane.steps;
      LaneStep step{planned.lane, length, accepted, {}};
      lane.room -= accepted + 1;
      lane.ended = on_device && lane.room == 0;
      bool at_end = false;
      for (int i = 0; i <= step.accepted && !at_end; ++i, ++lane.index) {
        const Token token = token_at(lane, lane.index);
        at_end = on_device && lane.ends_at_end && token == kEndToken;
        lane.ended = lane.ended || at_end;
        step.tokens.push_back({token, -0.001f * static_cast<float>(lane.stream + 1)});
      }
      drafted += length;
      longest = std::max(longest, length);
      result.lanes.push_back(std::move(step));
    }
    const int rows = drafted + static_cast<int>(plan.lanes.size());
    result.times = {.draft_ms = 0.01 * longest, .verify_ms = script_->verify_ms(rows), .host_ms = 0.001, .draft_passes = longest,
                    .draft_rows = drafted, .verify_rows = rows};
    script_->plans.push_back(plan);
    in_flight_.push_back(std::move(result));
  }

  StepResult collect() override {
    require(!in_flight_.empty(), "nothing to collect");
    StepResult result = std::move(in_flight_.front());
    in_flight_.pop_front();
    if (script_->before_collect) script_->before_collect(++script_->collects);
    return result;
  }

 private:
  struct Prompt {
    Token tag = 0;
    int left = 0, reserved = 0, shared = 0, logit_rows = 0;
  };
  struct Lane {
    int tag = 0, stream = 0, room = 0;
    bool ends_at_end = true, ended = false;
    int index = 0, steps = 0;
  };
  Token token_at(const Lane& lane, int index) const {
    const auto other = script_->tokens.find({lane.tag, lane.stream, index});
    return other != script_->tokens.end() ? other->second : token_of(lane.tag, lane.stream, index);
  }
  int right(const Lane& lane, const std::vector<Token>& draft) const {
    int right = 0;
    while (right < static_cast<int>(draft.size()) && draft[static_cast<std::size_t>(right)] == token_at(lane, lane.index + right)) ++right;
    return right;
  }
  static void require(bool kept, const char* broken) {
    if (kept) return;
    FAIL_CHECK(std::string(broken));
    throw std::logic_error(broken);
  }

  std::shared_ptr<Script> script_;
  RuntimeInfo info_;
  std::map<PromptId, Prompt> prompts_;
  std::map<LaneId, Lane> lanes_;
  std::set<LaneId> used_;
  std::deque<StepResult> in_flight_;
  PromptId last_prompt_ = 0;
};

/// Every token is one small letter, but for those the test gives a text.
class ScriptedVocabulary final : public Vocabulary {
 public:
  std::map<Token, std::string> texts;

  int size() const override { return kVocabulary; }
  std::vector<Token> tokenize(std::string_view, bool, bool) const override { return {}; }
  std::string_view bytes(Token token) const override {
    if (token == kEndToken) return {};
    if (const auto text = texts.find(token); text != texts.end()) return text->second;
    return std::string_view("abcdefghijklmnopqrstuvwxyz").substr(static_cast<std::size_t>(token % 26), 1);
  }
  bool is_end(Token token) const override { return token == kEndToken; }
  const std::optional<FimTokens>& fim() const override { return fim_; }

 private:
  std::optional<FimTokens> fim_;
};

/// `tag` is 0 to kTags - 1.
inline Request request(int tag, int lanes = 4, int max_new_tokens = 40, const char* draft_length = "fixed:3") {
  Request request;
  request.prompt = {tag, 50, 51, 52, 53};
  request.lanes = lanes;
  request.max_new_tokens = max_new_tokens;
  request.draft_length = DraftLengthSpec::parse(draft_length);
  return request;
}

}  // namespace octet::test
