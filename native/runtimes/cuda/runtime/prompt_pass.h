// Computing a prompt: chunks of its tokens as passes of one lane with many rows.
#pragma once

#include <array>

#include "runtimes/cuda/kernels/step.h"
#include "runtimes/cuda/runtime/forward.h"
#include "runtimes/cuda/runtime/prompt_store.h"

namespace octet::cuda {

class PromptPass {
 public:
  static constexpr int kSlot = kMaxSlots - 1;

  /// For chunks of up to `rows` tokens.
  PromptPass(StepMemory& memory, int rows);

  /// Tokens first .. first + count - 1 through the network, on the stream; the host may go on at once. Returns the batch, which
  /// holds until the next call.
  Batch put(Stream& stream, const Forward& forward, const StoredPrompt& prompt, int first, int count);

  /// Up to `most` tokens from `cached` on, which grows, of the prompt's first `end`; returns how many of them are left.
  int fill(Stream& stream, const Forward& forward, const StoredPrompt& prompt, int& cached, int end, int most);

  int most_rows() const { return rows_; }

 private:
  struct Staging {
    PinnedArray<int> rows;  // tokens, then positions
    Event read;
  };
  StepMemory& memory_;
  int rows_;
  DeviceArray<int> slot_, batch_;
  std::array<Staging, 2> staging_;
  int next_ = 0;
};

}  // namespace octet::cuda
