// The target's or the draft's logits behind a prompt's tokens, brought to the host. Knows prompts and their passes, nothing of
// lanes and steps.
#pragma once

#include <vector>

#include "runtimes/cuda/runtime/prompt_pass.h"

namespace octet::cuda {

/// Device memory for logits: `rows` rows of the network's stride. Nothing else may use it meanwhile.
struct LogitScratch {
  float* data = nullptr;
  int rows = 0;
};

/// Computes the prompt's tokens first, first + 1, ..., as many as the scratch and a pass hold but none from `end` on, and waits.
/// Returns [tokens][vocabulary], the logits of what follows each of them; at least one row.
std::vector<float> logits_behind(Stream& stream, PromptPass& pass, const Forward& forward, const StoredPrompt& prompt, int first, int end,
                                 int vocabulary, const LogitScratch& scratch);

}  // namespace octet::cuda
