// Single calls of the CUDA runtime: a prompt opened and computed, a lane on it, its steps one by one.
#pragma once

#include "runtime_setup.h"

namespace octet::cuda::testing {

inline const std::vector<Token> kPrompt = {3, 9, 27, 41, 50, 20, 60};

inline PromptId open(Runtime& runtime, std::span<const Token> tokens, int lanes, int room, bool with_draft = true) {
  const PromptId id = runtime.open_prompt({tokens, lanes * (room + runtime.draft_cells())}).id;
  while (runtime.prefill(id, 3, with_draft) > 0) {}
  return id;
}

// `steps` of one draft length each, one after another; the lanes' steps.
inline std::vector<LaneStep> walk(Runtime& runtime, LaneId lane, const std::vector<int>& drafts) {
  std::vector<LaneStep> steps;
  for (const int length : drafts) {
    runtime.submit({{{lane, length}}});
    steps.push_back(runtime.collect().lanes.at(0));
  }
  return steps;
}

inline LaneStart lane(LaneId id, PromptId prompt, int room) {
  return {.id = id, .prompt = prompt, .max_new_tokens = room, .sampling = {.temperature = 0}};
}

}  // namespace octet::cuda::testing
