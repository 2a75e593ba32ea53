// The prompts in the KV cache: which cells each has, how far it is computed, what a new one can reuse. Knows nothing of
// devices; the caller copies cells where it is told to.
//
// A prompt's region holds its shared tokens (all but the last, which is every lane's first row) and, while it is open, the
// tails of its lanes behind them. A closed prompt keeps its shared cells until their room is needed.
#pragma once

#include <list>
#include <optional>
#include <span>
#include <vector>

#include "runtimes/cuda/runtime/cells.h"
#include "runtimes/runtime.h"

namespace octet::cuda {

struct StoredPrompt {
  PromptId id = 0;
  std::vector<Token> tokens;
  Region region;
  int target_cached = 0, draft_cached = 0;  ///< Computed tokens, at most shared().
  int next_tail = 0;                        ///< First cell that no lane has taken.
  int logit_rows = 0;                       ///< Of the shared tokens, the last ones: not for the prefill.
  bool open = true;

  int shared() const { return static_cast<int>(tokens.size()) - 1; }
  int before_logits() const { return shared() - logit_rows; }
};

class PromptStore {
 public:
  explicit PromptStore(int cells) : cells_(cells) {}

  /// Cells whose content another region takes over; both regions may not overlap.
  struct Copy {
    int from = 0, to = 0, count = 0;
  };
  struct Opened {
    StoredPrompt* prompt = nullptr;
    int reused = 0;           ///< Tokens of the target's cache, none of those for logits.
    std::optional<Copy> copy; ///< To be made before anything else is written to the prompt.
  };

  /// A region for the prompt and its lanes to come. Drops closed prompts, the least needed first, where room is short.
  /// Throws CacheFull if what is open leaves too little.
  Opened open(const PromptStart& start);

  /// Throws std::logic_error if there is none.
  StoredPrompt& at(PromptId id);

  /// The cells of one more lane of this prompt. Throws std::logic_error beyond what was reserved.
  int take_tail(StoredPrompt& prompt, int cells);

  void close(PromptId id);

  /// Forgets every closed prompt.
  void drop_closed() {
    while (drop_least_needed(prompts_.end())) {}
  }

  const Cells& cells() const { return cells_; }

 private:
  using Position = std::list<StoredPrompt>::iterator;
  static int common_prefix(const StoredPrompt& cached, std::span<const Token> tokens);
  void drop(Position prompt);
  bool is_held(const StoredPrompt& prompt) const;
  bool drop_least_needed(Position keep);
  void used_now(Position prompt) { prompts_.splice(prompts_.begin(), prompts_, prompt); }

  Cells cells_;
  std::list<StoredPrompt> prompts_;  // most recently used first
  PromptId next_ = 1;
};

}  // namespace octet::cuda
