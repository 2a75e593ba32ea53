#include "runtimes/cuda/runtime/score.h"

#include <algorithm>
#include <span>

#include "engine/distribution.h"

namespace octet::cuda {

std::vector<float> score_prompt(Stream& stream, PromptPass& pass, const Forward& forward, const StoredPrompt& prompt, int vocabulary) {
  const auto stride = static_cast<std::size_t>(forward.shape().vocabulary);
  const int chunk = std::min(pass.most_rows(), kMaxDraftLength + 1);
  const DeviceArray<float> memory(stride * static_cast<std::size_t>(chunk));
  Warper warper;
  Distribution ignored;
  std::vector<float> logprobs;
  for (int at = 0; at < prompt.shared(); at += chunk) {
    const int count = std::min(chunk, prompt.shared() - at);
    const Batch batch = pass.put(stream, forward, prompt, at, count);
    forward.logits(stream, batch, 0, count, memory.data());
    stream.synchronize();
    const std::vector<float> rows = memory.download();
    for (int i = 0; i < count; ++i) {
      const std::span<const float> logits(rows.data() + stride * static_cast<std::size_t>(i), static_cast<std::size_t>(vocabulary));
      float log_sum_exp = 0;
      warper.warp(logits, Sampling{.temperature = 0}, ignored, &log_sum_exp);
      logprobs.push_back(logits[static_cast<std::size_t>(prompt.tokens[static_cast<std::size_t>(at + i + 1)])] - log_sum_exp);
    }
  }
  return logprobs;
}

}  // namespace octet::cuda
