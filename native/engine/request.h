// What a request asks, what it reports while it runs, and what it leaves behind. Mirrors protocol/worker.ts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/draft_length.h"
#include "engine/error.h"
#include "runtimes/runtime.h"

namespace octet {

struct Request {
  std::vector<Token> prompt;  ///< At least one token.
  /// Token healing (engine/token_healing.h): every lane begins with the text of these tokens, at most kMostLeadTokens, none of them without
  /// bytes. It is not part of a lane's text, but the tokens written for it are of its tokens. Not looked at where a prompt is scored.
  std::vector<Token> lead;
  /// Of the prompt, the first tokens that a request to come is likely to begin with, such as those before the cursor; 0: no telling. Where a
  /// pass takes long, one ends behind them: a request that is given up within the rest leaves them computed.
  int stable_tokens = 0;
  int lanes = 8;              ///< 1 to RuntimeInfo::max_lanes.
  int max_new_tokens = 128;   ///< Per lane; cut to the context, with a notice.
  Sampling sampling;          ///< Lane i draws from the stream (seed, i).
  std::vector<std::string> stop;   ///< None empty.
  std::vector<Token> stop_tokens;  ///< Beside the model's own end tokens.
  bool ignore_end = false;         ///< Benchmarks: the model's end tokens do not end a lane, and earlier completions are not looked at.
  bool fresh_prompt = false;       ///< Benchmarks: the prompt is computed anew, whatever the cache holds, and earlier completions are not looked at.
  /// The prompt is computed and kept for requests to come, nothing is written. It gives way: whatever else is asked for, before or after,
  /// cancels it, and what was computed stays cached.
  bool prepare = false;
  enum class Score { kNone, kTarget, kDraft };
  Score score = Score::kNone;      ///< Measurements: nothing is written; the prompt's log-probabilities are the result.
  std::optional<double> budget_ms;
  DraftLengthSpec draft_length;
};

enum class FinishReason { kEnd, kStop, kLength, kBudget, kCancelled };

/// "end", "stop", "length", "budget", "cancelled".
const char* name(FinishReason reason);

/// Whether the lane came to an end of its own, rather than being cut off.
bool is_finished(FinishReason reason);

struct TextSpan {
  std::string text;  ///< Valid UTF-8.
  bool accepted = false;
};

struct LaneEvent {
  int lane = 0;
  std::vector<EmittedToken> tokens;
  int drafted = 0, accepted = 0;
  std::vector<TextSpan> text;
  std::optional<FinishReason> finish;
};

/// One step as one request saw it. Times in milliseconds; at_ms since the request was taken up.
struct StepEvent {
  double at_ms = 0, step_ms = 0, draft_ms = 0, verify_ms = 0, host_ms = 0;
  int draft_length = 0;
  std::vector<LaneEvent> lanes;
};

struct PrefillEvent {
  int done = 0, total = 0, reused = 0;
};

struct SequenceResult {
  int lane = 0;
  int rank = 0;
  std::string text;
  std::vector<EmittedToken> tokens;
  std::optional<double> mean_logprob;
  FinishReason finish = FinishReason::kCancelled;
  int drafted = 0, accepted = 0, steps = 0;
  double first_token_at_ms = 0, end_at_ms = 0;  ///< Since the request was taken up.
  std::optional<double> first_token_ms, ms_per_token;
};

struct Totals {
  int prompt_tokens = 0, reused_tokens = 0;
  double prefill_ms = 0, decode_ms = 0, wall_ms = 0;
  int steps = 0, tokens = 0, drafted = 0, accepted = 0;
  std::optional<double> acceptance_rate, tokens_per_step, tokens_per_second;
  std::optional<double> ms_per_token_first, ms_per_token_last, ms_per_token_all;
  double draft_ms = 0, verify_ms = 0, host_ms = 0;
  /// No pass that served another request was within the time of its prompt, of its steps.
  bool prompt_alone = true, steps_alone = true;
};

struct Result {
  std::vector<SequenceResult> sequences;
  std::vector<float> prompt_logprobs;  ///< Of a scored prompt's tokens from the second on.
  Totals totals;
  std::vector<std::string> notices;
};

/// Hears of one request. Called on the engine's thread; must not call the engine and must not block.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_prefill(const PrefillEvent& event) = 0;
  virtual void on_step(StepEvent&& event) = 0;
  /// Exactly one of these two comes, last. A cancelled request finishes with what it has.
  virtual void on_finish(Result&& result) = 0;
  virtual void on_error(const Error& error) = 0;
};

}  // namespace octet
