// Whether two models speak of the same tokens.
#pragma once

#include "runtimes/llama/handles.h"

namespace octet::llama {

/// Tokens both models know: the smaller vocabulary's size. The larger may have more rows only if nothing is lost by
/// never drawing them (padding in the target; anything in the draft).
/// Throws Error(kVocabularyMismatch) naming what differs.
int shared_vocabulary(const llama_model* target, const llama_model* draft);

}  // namespace octet::llama
