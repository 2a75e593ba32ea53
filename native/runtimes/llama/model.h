// LogitsModel on one llama.cpp context: all sequences in one unified cache, prompts shared by cell, ragged positions.
#pragma once

#include "runtimes/llama/handles.h"
#include "runtimes/llama/load.h"

namespace octet::llama {

/// Prompts that may be in the cache beside the lanes.
constexpr int kPromptSlots = 8;
constexpr int kSequences = kMaxLanes + kPromptSlots;
constexpr int kPassRows = 512;  ///< Rows computed at once; a longer decode call is cut into such passes by llama.cpp.

struct ContextOptions {
  int cache_tokens = 0;  ///< A multiple of 256.
  int lanes = 0;         ///< Bounds the rows that want logits: lanes * (kMaxDraftLength + 1).
  int threads = 1;
  LoadOptions::KvType kv_type = LoadOptions::KvType::kF16;
  bool on_gpu = false;
  bool split = false;  ///< Between that GPU and the processor (split.h).
  bool keep_scores = false;  ///< There is memory for all scores of a pass (see attention() in model.cpp).
};

/// Rows of one decode call, and those of them that may want logits.
int max_rows(const ContextOptions& options);
int max_logit_rows(const ContextOptions& options);

/// Throws Error(kOutOfMemory) if the context cannot be allocated and Error(kModelUnsupported) if the model keeps no
/// cache.
std::unique_ptr<LogitsModel> make_model(ModelHandle model, ThreadPool pool, const ContextOptions& options);

}  // namespace octet::llama
