#include "runtimes/cuda/runtime/score.h"

#include <algorithm>
#include <span>

#include "engine/distribution.h"
#include "runtimes/cuda/runtime/logit_rows.h"

namespace octet::cuda {

std::vector<float> score_prompt(Stream& stream, PromptPass& pass, const Forward& forward, const StoredPrompt& prompt, int vocabulary) {
  const auto stride = static_cast<std::size_t>(forward.shape().vocabulary), known = static_cast<std::size_t>(vocabulary);
  const int chunk = std::min(pass.most_rows(), kMaxDraftLength + 1);
  const DeviceArray<float> memory(stride * static_cast<std::size_t>(chunk));
  Warper warper;
  Distribution ignored;
  std::vector<float> logprobs;
  for (int at = 0; at < prompt.shared();) {
    const std::vector<float> rows = logits_behind(stream, pass, forward, prompt, at, prompt.shared(), vocabulary, {memory.data(), chunk});
    for (std::size_t first = 0; first < rows.size(); first += known) {
      const auto logits = std::span(rows).subspan(first, known);
      float log_sum_exp = 0;
      warper.warp(logits, Sampling{.temperature = 0}, ignored, &log_sum_exp);
      logprobs.push_back(logits[static_cast<std::size_t>(prompt.tokens[static_cast<std::size_t>(++at)])] - log_sum_exp);
    }
  }
  return logprobs;
}

}  // namespace octet::cuda
