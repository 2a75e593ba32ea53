// Vocabulary on a llama.cpp model.
#pragma once

#include "runtimes/llama/handles.h"
#include "runtimes/vocabulary.h"

namespace octet::llama {

/// Keeps the model alive. Thread-safe.
std::shared_ptr<const Vocabulary> make_vocabulary(ModelHandle model);

/// The markers the model's file declares or its token texts reveal; empty unless prefix, suffix and middle are there.
std::optional<FimTokens> fim_tokens(const llama_vocab* vocabulary);

}  // namespace octet::llama
