#include "runtimes/cuda/runtime/logit_rows.h"

#include <algorithm>

namespace octet::cuda {

std::vector<float> logits_behind(Stream& stream, PromptPass& pass, const Forward& forward, const StoredPrompt& prompt, int first, int end,
                                 int vocabulary, const LogitScratch& scratch) {
  const int count = std::min({end - first, pass.most_rows(), scratch.rows});
  const Batch batch = pass.put(stream, forward, prompt, first, count);
  forward.logits(stream, batch, 0, count, scratch.data);
  stream.synchronize();
  const auto stride = static_cast<std::size_t>(forward.shape().vocabulary), wanted = static_cast<std::size_t>(vocabulary);
  std::vector<float> rows(wanted * static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto row = static_cast<std::size_t>(i);
    detail::download(rows.data() + wanted * row, scratch.data + stride * row, wanted * sizeof(float));
  }
  return rows;
}

}  // namespace octet::cuda
