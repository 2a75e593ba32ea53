// The seam between the engine and a device: what a runtime must be able to do.
//
// The engine decides *what* a step is (which lanes are live, how many tokens each drafts, when a lane ends);
// a runtime decides how much of a step happens on the device. A runtime that only returns logits implements
// runtimes/logits_model.h instead and lets engine/host_runtime.h do draft, verify, accept and advance.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace octet {

using Token = std::int32_t;

/// A lane: one sequence in the batch. Ids are given out by the engine and never used twice, so that a result
/// that arrives late (see Runtime::depth) can never be taken for another lane's.
using LaneId = std::uint64_t;

/// A prompt whose keys and values are stored once and shared by every lane opened on it.
using PromptId = std::uint64_t;

constexpr int kMaxLanes = 16;        ///< Lanes in one batch, over all requests.
constexpr int kMaxDraftLength = 32;  ///< The paper's l_limit.

/// How a lane's tokens are drawn. The same warping is applied to the draft's and to the target's distribution.
/// Order: temperature, top-k, top-p, min-p.
struct Sampling {
  float temperature = 0.8f;  ///< 0 = greedy (argmax, lowest token id on a tie).
  int top_k = 0;             ///< Keep the k most probable tokens; 0 = all.
  float top_p = 0.95f;       ///< Keep the smallest set with at least this mass; 1 = all.
  float min_p = 0.0f;        ///< Drop tokens below min_p times the most probable one's probability.
  std::uint64_t seed = 0;
};

/// A prompt that is to be computed.
struct PromptStart {
  std::span<const Token> tokens;  ///< At least one.
  int tail_tokens = 0;            ///< Room in the cache for its lanes to come, all together.
  int logit_rows = 0;             ///< Tokens at the end of those it shares that prefill() leaves to logits(); fewer than there are tokens.
};

/// Where a lane starts that is not to start at its prompt's end: behind the prompt's first `shared` tokens (at least one, and not all), with
/// `last` for its next one.
struct LaneFork {
  int shared = 0;
  Token last = 0;
};

/// What a runtime needs to know to start a lane on a prompt.
struct LaneStart {
  LaneId id = 0;
  PromptId prompt = 0;
  std::uint32_t stream = 0;  ///< The lane's number within its request: with `seed` it keys the random numbers.
  int max_new_tokens = 0;    ///< Room the lane may take in the cache, drafts not counted.
  bool ends_at_end = true;   ///< A device that runs ahead of the host may leave the lane alone once it drew an end token.
  Sampling sampling;
  std::optional<LaneFork> fork;  ///< Without: it shares all tokens of the prompt but the last, which is its own.
};

/// One lane's part of a step. All lanes of a plan share the two forward passes; each may draft its own length.
struct LanePlan {
  LaneId lane = 0;
  int draft_length = 0;  ///< 0 = plain decoding for this lane.
  /// Empty: the draft model writes them. Else they are these, draft_length of them. A token of them is accepted where plain decoding, with the
  /// same random number (Use::kTarget), draws it: with probability p, as the accept test has it for q = 1, and a lane's tokens do not depend on
  /// what was given. So they may come from earlier completions of the same seed. Only where RuntimeInfo::takes_drafts.
  std::vector<Token> draft;
};

struct StepPlan {
  std::vector<LanePlan> lanes;
};

struct EmittedToken {
  Token token = 0;
  float logprob = 0;  ///< Natural log, under the target's unwarped distribution (temperature 1, no truncation).
};

/// What a step gave one lane: `accepted` drafted tokens, then one drawn from the target (residual or bonus).
struct LaneStep {
  LaneId lane = 0;
  int drafted = 0;
  int accepted = 0;
  /// accepted + 1 of them. A device that runs ahead of the host may leave out what lies behind an end token, and gives none
  /// where the lane had ended in a step before.
  std::vector<EmittedToken> tokens;
};

/// Wall times of a step in milliseconds, and the rows its passes had.
struct StepTimes {
  double draft_ms = 0;   ///< All draft forward passes.
  double verify_ms = 0;  ///< The target's forward pass.
  double host_ms = 0;    ///< Everything else in the step: warping, drawing, accepting, book-keeping.
  int draft_passes = 0;
  int draft_rows = 0;
  int verify_rows = 0;
};

struct StepResult {
  std::vector<LaneStep> lanes;  ///< In the order of the plan.
  StepTimes times;
};

struct RuntimeInfo {
  std::string name;         ///< "llama" or "cuda".
  std::string device;       ///< For people: "CPU, 2 threads", "NVIDIA H200".
  int max_lanes = 0;        ///< 1 to kMaxLanes.
  int context_tokens = 0;   ///< The longest prompt + completion of one lane.
  int cache_tokens = 0;     ///< Cells of the KV cache, shared by prompts and lanes.
  int vocabulary = 0;       ///< Tokens both models agree on; logits beyond are padding and never drawn.
  bool has_draft = false;    ///< A draft model.
  bool takes_drafts = false; ///< Plans may bring drafts along (LanePlan::draft).
  int prefill_chunk = 256;           ///< Tokens of a prompt to compute at once, to take some 50 ms.
  bool keeps_prefill_chunk = false;  ///< However long it takes, so that prompts round the same; else the engine takes others where it is far off.
};

/// The cache cannot hold what was asked for now; with less in flight it might.
struct CacheFull : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A pass was given up while it ran (Runtime::watch): what was cached before it is still there, what it was to bring is not.
struct GivenUp : std::runtime_error {
  GivenUp() : std::runtime_error("the pass was given up") {}
};

/// A loaded target (and draft) on a device. Not thread-safe: the engine's thread owns it.
/// Every call may throw std::runtime_error with a sentence for the user if the device fails.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual const RuntimeInfo& info() const = 0;

  /// From now on passes may look at `given_up`, from any thread, and end early where it is true: the call that runs them throws GivenUp.
  /// Lanes of a step that was given up can only be closed. `given_up` outlives the runtime. Where passes are short, nothing need look.
  virtual void watch(const std::atomic<bool>& given_up) { (void)given_up; }

  struct OpenedPrompt {
    PromptId id = 0;
    int reused = 0;  ///< Tokens whose keys and values were found in the cache.
  };

  /// Reserves the cache for the prompt and its lanes to come, dropping cached prompts, oldest first. Reuses the longest
  /// common token prefix with any prompt still in the cache. Throws CacheFull if it does not fit beside what is open.
  virtual OpenedPrompt open_prompt(const PromptStart& prompt) = 0;

  /// Computes up to `max_tokens` more of the prompt, in the target and, where `with_draft`, in the draft.
  /// Returns the number of tokens left, those for logits() not counted. The prompt's last token is not computed here: it is
  /// every lane's first row.
  virtual int prefill(PromptId prompt, int max_tokens, bool with_draft) = 0;

  /// Of a prompt opened with `logit_rows`, once, after its prefill and before its first lane: computes these rows in the target, in
  /// one pass. Returns [logit_rows][info().vocabulary], the unwarped logits of what follows each of them.
  virtual std::vector<float> logits(PromptId prompt) = 0;

  /// Every lane opened on it is closed. Its cells stay as a cache until their room is needed.
  virtual void close_prompt(PromptId prompt) = 0;

  /// For measurements: forgets the prompts that are kept only because they may come again.
  virtual void drop_cached_prompts() {}

  /// For measurements, with nothing else open: natural log-probabilities of tokens[1], tokens[2], ..., each given those
  /// before it, under the unwarped target or draft: tokens.size() - 1 of them.
  virtual std::vector<float> score(std::span<const Token> tokens, bool by_draft) {
    (void)tokens, (void)by_draft;
    throw std::runtime_error("This device cannot score text");
  }

  /// The lane continues a fully computed prompt. At most info().max_lanes are open at once.
  virtual void open_lane(const LaneStart& lane) = 0;

  /// Frees the lane's cells. Steps in flight still report it.
  virtual void close_lane(LaneId lane) = 0;

  /// Steps that may be submitted before the oldest must be collected: 1, or 2 where the device runs ahead of the host.
  virtual int depth() const { return 1; }

  /// Cells that a lane may take beyond its tokens: the drafts of the steps in flight.
  virtual int draft_cells() const { return depth() * (kMaxDraftLength + 1) + 1; }

  /// Starts a step over the plan's lanes (at least one, all open, each once).
  virtual void submit(const StepPlan& plan) = 0;

  /// Waits for the oldest submitted step.
  virtual StepResult collect() = 0;
};

}  // namespace octet
