// What a sound GGUF header must say before llama.cpp may build a model from it, and the model's shape as it says it.
#pragma once

#include "runtimes/llama/gguf_file.h"
#include "runtimes/llama/load.h"

namespace octet::llama {

/// The hyper-parameters that memory and checks depend on.
struct ModelShape {
  std::string architecture;
  int layers = 0, embedding = 0, trained_context = 0, vocabulary = 0;
  std::vector<int> heads, kv_heads;  ///< [layers]; 0 where a layer has no attention.
  int key_length = 0, value_length = 0, feed_forward = 0;
  int experts_used = 0, expert_feed_forward = 0;  ///< Experts that a token goes through, and how wide each is; 0 in a dense model.
  bool sliding = false;                           ///< Attention slides over a window, in some layers at least.
};

/// The tokens: present, unique, each with its type and score. llama.cpp aborts on some files that fail this.
/// Throws Error(kModelDamaged), or Error(kModelUnsupported) where the file holds something other than a text model.
void check_tokens(const GgufFile& file);

/// Every number within its bounds, dimensions that divide, tensor shapes that agree. Throws Error(kModelDamaged).
ModelShape check_shape(const std::vector<GgufFile>& parts);

/// Keys and values of one token, in bytes, over all layers.
std::uint64_t kv_bytes_per_token(const ModelShape& shape, LoadOptions::KvType type);

/// Bytes of all tensors.
std::uint64_t weight_bytes(const std::vector<GgufFile>& parts);

/// Bytes of the token embedding, which llama.cpp looks up in the machine's memory whatever the device; 0 where it is the output matrix, too,
/// of which the device gets a copy.
std::uint64_t host_weight_bytes(const std::vector<GgufFile>& parts);

/// Bytes of the tensors that are called after a layer: of each layer all of them, and of all layers the largest.
struct LayerBytes {
  std::vector<std::uint64_t> each;
  std::uint64_t largest_tensor = 0;
};
LayerBytes layer_bytes(const std::vector<GgufFile>& parts, int layers);

/// `fim` is left to the vocabulary.
ModelInfo describe(const std::vector<GgufFile>& parts);

}  // namespace octet::llama
