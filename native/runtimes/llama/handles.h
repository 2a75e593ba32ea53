// Owning handles for llama.cpp's C objects.
#pragma once

#include <llama.h>

#include <memory>

namespace octet::llama {

using ModelHandle = std::shared_ptr<llama_model>;

struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};
using ContextHandle = std::unique_ptr<llama_context, ContextDeleter>;

using ThreadPool = std::shared_ptr<ggml_threadpool>;

}  // namespace octet::llama
