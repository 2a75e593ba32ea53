// A Runtime over models that return logits: draft, verify, accept and advance on the host, ragged over the lanes.
// Shared by every device that cannot run a whole step itself.
//
// Per lane, with n = tokens so far (prompt included), the caches hold between steps:
//   target: n - 1 tokens (the last one is the first row of the next verification);
//   draft:  at most n - 1, whatever it last saw; the rest is fed before it drafts again. After a fully accepted step
//           its own last token is missing, after plain steps more are.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/distribution.h"
#include "runtimes/logits_model.h"

namespace octet {

class HostRuntime final : public Runtime {
 public:
  /// `draft` may be null. `info.vocabulary` is at most both models' and bounds every token drawn.
  HostRuntime(RuntimeInfo info, std::unique_ptr<LogitsModel> target, std::unique_ptr<LogitsModel> draft);

  const RuntimeInfo& info() const override { return info_; }
  void watch(const std::atomic<bool>& given_up) override;
  OpenedPrompt open_prompt(const PromptStart& start) override;
  int prefill(PromptId prompt, int max_tokens, bool with_draft) override;
  std::vector<float> logits(PromptId prompt) override;
  void close_prompt(PromptId prompt) override;
  void drop_cached_prompts() override;
  std::vector<float> score(std::span<const Token> tokens, bool by_draft) override;
  void open_lane(const LaneStart& lane) override;
  void close_lane(LaneId lane) override;
  void submit(const StepPlan& plan) override;
  StepResult collect() override;

 private:
  struct Prompt {
    PromptId id = 0;
    Sequence sequence = 0;
    std::vector<Token> tokens;
    int target_cached = 0, draft_cached = 0;
    int tail_tokens = 0;  // reserved for its lanes; 0 once closed
    int logit_rows = 0;   // of the shared tokens, the last ones, not for prefill
    bool open = true;
    int shared() const { return static_cast<int>(tokens.size()) - 1; }  // tokens the lanes share
    int reserved() const { return static_cast<int>(tokens.size()) + tail_tokens; }
  };
  struct Lane {
    LaneStart start;
    Sequence sequence = 0;
    int shared = 0;             // tokens of the prompt that it shares
    std::vector<Token> tokens;  // prompt and completion
    int draft_cached = 0;
  };
  // One lane within the step under way.
  struct Drafting {
    Lane* lane;
    int length;
    bool is_given = false;  // with the plan
    std::vector<Token> drafted;
    int first_row = 0;  // of its rows in the verification
    /// The draft model has tokens left to write.
    bool writes() const { return static_cast<int>(drafted.size()) < length; }
  };

  Prompt& prompt(PromptId id);
  void evict(std::list<Prompt>::iterator prompt);
  bool is_held(const Prompt& prompt) const;
  std::list<Prompt>::iterator least_needed(std::list<Prompt>::iterator keep);
  int common_prefix(const Prompt& cached, std::span<const Token> tokens) const;
  int fill(LogitsModel& model, Prompt& prompt, int& cached, int end, int max_tokens);
  Drafting drafting(const LanePlan& plan, int most);
  void catch_up_draft(std::vector<Drafting>& step, StepTimes& times);
  void draft(std::vector<Drafting>& step, StepTimes& times);
  void draw_drafts(std::vector<Drafting>& step, int pass);
  void verify(std::vector<Drafting>& step, StepTimes& times);
  LaneStep accept(const Drafting& drafting, std::size_t lane_index);
  Distribution& drafted_distribution(std::size_t lane_index, int position);
  std::span<const float> known(std::span<const float> logits) const { return logits.first(info_.vocabulary); }

  RuntimeInfo info_;
  std::unique_ptr<LogitsModel> target_, draft_;
  std::list<Prompt> prompts_;  // most recently used first
  std::unordered_map<LaneId, Lane> lanes_;
  std::vector<Sequence> free_lane_sequences_, free_prompt_sequences_;
  PromptId next_prompt_ = 1;

  std::optional<StepPlan> submitted_;
  Warper warper_;
  Distribution target_distribution_;
  std::vector<Distribution> draft_distributions_;  // [lane in step][draft position], kept to spare allocations
  std::vector<Row> rows_;
};

}  // namespace octet
