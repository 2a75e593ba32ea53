// Writes model files of any shape, with the starter's tokens and weights that are all zero: holes in the file, which take no room.
#pragma once

#include <algorithm>
#include <filesystem>

#include "gguf_editor.h"
#include "llama_fixture.h"

namespace octet::llama {

/// A llama model in Q8_0 of that shape; tokens that the starter lacks are unused ones. Where a token goes through experts there are twice as
/// many. `tied`: the embedding is the output, too.
inline void write_made_up_model(const std::string& path, const ModelShape& shape, bool tied = true) {
  test::GgufBytes model(kTargetFile);
  const auto number = [&](const std::string& name, int value) { model.set_u32("llama." + name, static_cast<std::uint32_t>(value)); };
  number("block_count", shape.layers);
  number("embedding_length", shape.embedding);
  number("context_length", shape.trained_context);
  number("feed_forward_length", shape.feed_forward);
  number("attention.head_count", shape.heads[0]);
  number("attention.head_count_kv", shape.kv_heads[0]);
  number("attention.key_length", shape.key_length);
  number("attention.value_length", shape.value_length);
  number("rope.dimension_count", shape.key_length);
  if (shape.sliding) number("attention.sliding_window", 1024);
  const int experts = 2 * shape.experts_used;
  if (experts > 0) {
    number("expert_count", experts);
    number("expert_used_count", shape.experts_used);
    number("expert_feed_forward_length", shape.expert_feed_forward);
  }
  auto tokens = model.strings("tokenizer.ggml.tokens");
  auto types = model.integers("tokenizer.ggml.token_type");
  for (auto i = tokens.size(); i < static_cast<std::size_t>(shape.vocabulary); ++i) tokens.push_back("[PAD" + std::to_string(i) + "]");
  types.resize(tokens.size(), 5);
  model.set_strings("tokenizer.ggml.tokens", tokens);
  model.set_integers("tokenizer.ggml.token_type", types);

  model.tensors.clear();
  model.data.clear();
  std::uint64_t end = 0;
  const auto add = [&](const std::string& name, int width, int height, int depth = 1) {
    const ggml_type type = height > 1 ? GGML_TYPE_Q8_0 : GGML_TYPE_F32;
    std::string body;
    test::append<std::uint32_t>(body, depth > 1 ? 3 : height > 1 ? 2 : 1);
    std::uint64_t rows = 1;
    test::append<std::uint64_t>(body, static_cast<std::uint64_t>(width));
    for (const int extent : {height, depth}) {
      if (extent > 1) test::append<std::uint64_t>(body, static_cast<std::uint64_t>(extent));
      rows *= static_cast<std::uint64_t>(extent);
    }
    test::append<std::uint32_t>(body, type);
    test::append<std::uint64_t>(body, end);
    model.tensors.push_back({name + ".weight", body});
    end += (ggml_row_size(type, width) * rows + 31) / 32 * 32;
  };
  add("token_embd", shape.embedding, shape.vocabulary);
  if (!tied) add("output", shape.embedding, shape.vocabulary);
  add("output_norm", shape.embedding, 1);
  for (int layer = 0; layer < shape.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    const int queries = shape.heads[0] * shape.key_length;
    add(block + "attn_norm", shape.embedding, 1);
    add(block + "attn_q", shape.embedding, queries);
    add(block + "attn_k", shape.embedding, shape.kv_heads[0] * shape.key_length);
    add(block + "attn_v", shape.embedding, shape.kv_heads[0] * shape.value_length);
    add(block + "attn_output", shape.heads[0] * shape.value_length, shape.embedding);
    add(block + "ffn_norm", shape.embedding, 1);
    if (experts > 0) add(block + "ffn_gate_inp", shape.embedding, experts);
    const std::string kind = experts > 0 ? "_exps" : "";
    const int width = experts > 0 ? shape.expert_feed_forward : shape.feed_forward, depth = std::max(1, experts);
    add(block + "ffn_gate" + kind, shape.embedding, width, depth);
    add(block + "ffn_up" + kind, shape.embedding, width, depth);
    add(block + "ffn_down" + kind, width, shape.embedding, depth);
  }
  model.write(path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + end);
}

/// The starter draft rewritten as a model with sliding-window attention in every other layer.
inline void write_sliding_window_model(const std::string& path, std::uint32_t window, std::uint32_t trained_context = 2048) {
  test::GgufBytes model(kDraftFile);
  model.set_string("general.architecture", "gemma2");
  for (auto& entry : model.metadata) {
    if (entry.name.rfind("llama.", 0) == 0) entry.name.replace(0, 5, "gemma2");
  }
  model.set_u32("gemma2.attention.sliding_window", window);
  model.set_u32("gemma2.context_length", trained_context);
  model.set_u32("gemma2.attention.key_length", 64);
  model.set_u32("gemma2.attention.value_length", 64);
  model.data.resize((model.data.size() + 31) / 32 * 32);
  for (const char* name : {"blk.0.post_attention_norm.weight", "blk.0.post_ffw_norm.weight",
                           "blk.1.post_attention_norm.weight", "blk.1.post_ffw_norm.weight"}) {
    test::GgufBytes::Entry tensor{name, {}};
    test::append<std::uint32_t>(tensor.body, 1);
    test::append<std::uint64_t>(tensor.body, 128);
    test::append<std::int32_t>(tensor.body, 0);
    test::append<std::uint64_t>(tensor.body, model.data.size());
    model.tensors.push_back(tensor);
    for (int i = 0; i < 128; ++i) test::append<float>(model.data, 1);
  }
  model.write(path);
}

}  // namespace octet::llama
