#include "runtimes/cuda/runtime/prompt_pass.h"

#include <algorithm>
#include <numeric>

namespace octet::cuda {

PromptPass::PromptPass(StepMemory& memory, int rows)
    : memory_(memory), rows_(rows), slot_(std::vector<int>{kSlot}), batch_(2 * static_cast<std::size_t>(rows)) {
  for (Staging& staging : staging_) staging.rows = PinnedArray<int>(batch_.size());
}

Batch PromptPass::put(Stream& stream, const Forward& forward, const StoredPrompt& prompt, int first, int count) {
  Staging& staging = staging_[static_cast<std::size_t>(next_ ^= 1)];
  staging.read.wait();
  int* const tokens = staging.rows.data();
  std::copy_n(prompt.tokens.begin() + first, count, tokens);
  std::iota(tokens + count, tokens + 2 * count, first);
  stream.copy_in(batch_.data(), tokens, 2 * static_cast<std::size_t>(count) * sizeof(int));
  stream.record(staging.read);
  memory_.set_place(stream, kSlot, {.prompt_start = prompt.region.start, .prompt_length = 0, .tail_start = prompt.region.start});
  const Batch batch{1, count, slot_.data(), batch_.data(), batch_.data() + count, memory_.places()};
  forward.pass(stream, batch);
  return batch;
}

int PromptPass::fill(Stream& stream, const Forward& forward, const StoredPrompt& prompt, int& cached, int end, int most) {
  const int stop = static_cast<int>(std::min<long long>(end, static_cast<long long>(cached) + most));
  while (cached < stop) {
    const int chunk = std::min(stop - cached, rows_);
    put(stream, forward, prompt, cached, chunk);
    cached += chunk;
  }
  return end - cached;
}

}  // namespace octet::cuda
