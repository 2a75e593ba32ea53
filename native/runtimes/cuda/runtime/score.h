// How likely a network finds a prompt's tokens: for measurements. Knows prompts and their passes, nothing of lanes and steps.
#pragma once

#include <vector>

#include "runtimes/cuda/runtime/prompt_pass.h"

namespace octet::cuda {

/// Natural log-probabilities of the prompt's tokens from the second on, each given those before it, among the first `vocabulary` tokens. Computes
/// the prompt's shared tokens, chunk by chunk, and waits for each.
std::vector<float> score_prompt(Stream& stream, PromptPass& pass, const Forward& forward, const StoredPrompt& prompt, int vocabulary);

}  // namespace octet::cuda
