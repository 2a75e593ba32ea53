// The Runtime on an NVIDIA GPU: prompts and lanes in one KV cache, steps as graphs, results read one step late.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtimes/cuda/runtime/network.h"
#include "runtimes/cuda/runtime/tuning.h"
#include "runtimes/cuda/tables.h"
#include "runtimes/runtime.h"

namespace octet::cuda {

struct RuntimeOptions {
  int vocabulary = 0;          ///< Tokens both networks know.
  int lanes = 8, context_tokens = 0, cache_tokens = 0;
  int spare_lanes = 0;         ///< Of `lanes`: seldom all at work, so that their passes are measured last.
  int most_draft_length = kMaxDraftLength;  ///< Of drafts in plans too.
  std::vector<Token> end_tokens;
  Precision precision = Precision::kBf16;
  TuningOptions tuning;        ///< By default nothing is measured.
};

/// Takes the networks over, whether they come from files or were made on the device. Null where tuning's progress gave up. Throws
/// std::runtime_error if the device fails or is out of memory.
std::unique_ptr<Runtime> make_cuda_runtime(Network target, std::optional<Network> draft, const RuntimeOptions& options);

}  // namespace octet::cuda
