// Shapes of published models, for benchmarks without their files.
#pragma once

#include <span>
#include <string_view>

#include "runtimes/cuda/network_source.h"

namespace octet::bench {

/// "7.8B": 7.8 billion parameters, the size of the paper's target; "0.5B" its draft with the same vocabulary; and
/// Qwen2.5-Coder's three, by their config files. Tests on the host take "tiny" and "tiny-draft", and
/// "small" and "small-draft", which can hold the starter pair.
inline std::span<const cuda::Architecture> shapes() {
  const auto rope = [](float base) { return cuda::RopeParameters{.dimensions = 128, .halves = true, .base = base}; };
  static const cuda::Architecture all[] = {
      {.name = "7.8B", .layers = 32, .width = 4096, .heads = 32, .kv_heads = 8, .head_dim = 128, .feed_forward = 14336,
       .vocabulary = 100352, .context = 8192, .rope = rope(5e5f)},
      {.name = "0.5B", .layers = 24, .width = 896, .heads = 14, .kv_heads = 2, .head_dim = 64, .feed_forward = 4864,
       .vocabulary = 100352, .context = 8192, .rope = {.dimensions = 64, .halves = true, .base = 1e6f}},
      {.name = "qwen2.5-coder-7b", .layers = 28, .width = 3584, .heads = 28, .kv_heads = 4, .head_dim = 128, .feed_forward = 18944,
       .vocabulary = 152064, .context = 32768, .rope = rope(1e6f)},
      {.name = "qwen2.5-coder-1.5b", .layers = 28, .width = 1536, .heads = 12, .kv_heads = 2, .head_dim = 128, .feed_forward = 8960,
       .vocabulary = 151936, .context = 32768, .rope = rope(1e6f)},
      {.name = "qwen2.5-coder-0.5b", .layers = 24, .width = 896, .heads = 14, .kv_heads = 2, .head_dim = 64, .feed_forward = 4864,
       .vocabulary = 151936, .context = 32768, .rope = {.dimensions = 64, .halves = true, .base = 1e6f}},
      {.name = "tiny", .layers = 2, .width = 256, .heads = 4, .kv_heads = 2, .head_dim = 64, .feed_forward = 256,
       .vocabulary = 768, .context = 1024, .rope = {.dimensions = 64, .halves = true, .base = 1e4f}},
      {.name = "tiny-draft", .layers = 1, .width = 128, .heads = 2, .kv_heads = 1, .head_dim = 64, .feed_forward = 128,
       .vocabulary = 768, .context = 1024, .rope = {.dimensions = 64, .halves = true, .base = 1e4f}},
      {.name = "small", .layers = 6, .width = 320, .heads = 4, .kv_heads = 2, .head_dim = 64, .feed_forward = 704,
       .vocabulary = 8256, .context = 1024, .rope = {.dimensions = 64, .halves = true, .base = 1e4f}},
      {.name = "small-draft", .layers = 3, .width = 192, .heads = 6, .kv_heads = 2, .head_dim = 64, .feed_forward = 384,
       .vocabulary = 8320, .context = 1024, .rope = {.dimensions = 64, .halves = true, .base = 1e4f}},
  };
  return all;
}

/// Null where there is none of that name.
inline const cuda::Architecture* shape_named(std::string_view name) {
  for (const cuda::Architecture& shape : shapes())
    if (shape.name == name) return &shape;
  return nullptr;
}

}  // namespace octet::bench
