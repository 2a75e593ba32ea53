// Checks of a model's metadata against itself and against its tensors.
#include "runtimes/llama/model_check.h"

#include <llama.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <unordered_set>

#include "engine/error.h"
#include "runtimes/llama/log.h"

namespace octet::llama {
namespace {

constexpr int kMostLayers = 512, kMostExperts = 1024;  // llama.cpp's own bounds
constexpr int kWidest = 1 << 20;

// Reads numbers of "<architecture>.<name>", refusing what is out of bounds.
class Parameters {
 public:
  Parameters(const GgufFile& file, std::string architecture) : file_(file), architecture_(std::move(architecture)) {}

  int whole(const std::string& name, int least, int most) const {
    const auto value = optional_whole(name, least, most);
    if (!value) file_.damaged("the parameter " + key(name) + " is missing");
    return *value;
  }

  std::optional<int> optional_whole(const std::string& name, int least, int most) const {
    if (!file_.find(key(name))) return std::nullopt;
    const auto value = file_.number(key(name));
    if (!value || !(*value >= least && *value <= most) || *value != std::floor(*value)) bad(name);
    return static_cast<int>(*value);
  }

  // For estimates: nothing where there is no such number.
  std::optional<int> bounded(const std::string& name, int most) const {
    const auto value = file_.number(key(name));
    return value && *value >= 0 && *value <= most ? std::optional(static_cast<int>(*value)) : std::nullopt;
  }

  void optional_real(const std::string& name, double least, double most) const {
    if (!file_.find(key(name))) return;
    const auto value = file_.number(key(name));
    if (!value || !(*value >= least && *value <= most)) bad(name);
  }

  // One number for all layers, or one for each.
  std::vector<int> per_layer(const std::string& name, int layers, int least, int most) const {
    const GgufArray* const array = file_.array(key(name));
    if (!array) return std::vector<int>(static_cast<std::size_t>(layers), whole(name, least, most));
    if (array->numbers.size() < static_cast<std::size_t>(layers)) bad(name);
    std::vector<int> values;
    for (int i = 0; i < layers; ++i) {
      const double value = array->numbers[static_cast<std::size_t>(i)];
      if (!(value >= 0 && value <= most)) bad(name);
      values.push_back(static_cast<int>(value));
    }
    return values;
  }

  bool has(const std::string& name) const { return file_.find(key(name)) != nullptr; }
  std::string text(const std::string& name) const { return file_.text(key(name)); }
  [[noreturn]] void bad(const std::string& name) const {
    file_.damaged("the parameter " + key(name) + " has an impossible value");
  }

 private:
  std::string key(const std::string& name) const { return architecture_ + "." + name; }
  const GgufFile& file_;
  std::string architecture_;
};

void check_rope(const Parameters& parameters, int key_length) {
  const auto rotated = parameters.optional_whole("rope.dimension_count", 0, key_length);
  if (rotated && *rotated % 2 != 0) parameters.bad("rope.dimension_count");
  parameters.optional_real("rope.freq_base", 1e-3, 1e15);
  parameters.optional_real("rope.scaling.factor", 0, 1e6);
  parameters.optional_real("rope.scale_linear", 0, 1e6);
  if (!parameters.has("rope.scaling.type")) return;
  const std::string scaling = parameters.text("rope.scaling.type");
  static const char* const known[] = {"none", "linear", "yarn", "longrope"};
  if (std::find(std::begin(known), std::end(known), scaling) == std::end(known)) parameters.bad("rope.scaling.type");
}

void check_experts(const Parameters& parameters, ModelShape& shape) {
  const int layers = shape.layers;
  const int experts = parameters.optional_whole("expert_count", 0, kMostExperts).value_or(0);
  int used = 0;
  if (parameters.has("expert_used_count")) {
    const auto per_layer = parameters.per_layer("expert_used_count", layers, 0, kMostExperts);
    used = *std::max_element(per_layer.begin(), per_layer.end());
  }
  if (used > experts || (experts > 0 && used == 0)) parameters.bad("expert_used_count");
  shape.experts_used = used;
  if (used > 0) shape.expert_feed_forward = parameters.bounded("expert_feed_forward_length", kWidest).value_or(shape.feed_forward);
  const int groups = parameters.optional_whole("expert_group_count", 0, kMostExperts).value_or(0);
  const int groups_used = parameters.optional_whole("expert_group_used_count", 0, kMostExperts).value_or(0);
  if (groups > 0 && groups >= experts) parameters.bad("expert_group_count");
  if (groups > 1 && (experts % groups != 0 || groups_used < 1 || groups_used >= groups)) {
    parameters.bad("expert_group_count");
  }
}

// Integers and ggml's types for intermediate results cannot be read as numbers; its kernels would crash on them.
bool holds_weights(ggml_type type) {
  return type == GGML_TYPE_F32 || ggml_get_type_traits(type)->to_float != nullptr;
}

void check_tensors(const std::vector<GgufFile>& parts, const ModelShape& shape) {
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      if (!holds_weights(tensor.type)) {
        part.damaged("the tensor " + tensor.name + " has the type " + ggml_type_name(tensor.type) +
                     ", which is not for weights");
      }
    }
  }
  const auto check = [&](const std::string& name, std::int64_t width, std::int64_t height, bool required) {
    for (const GgufFile& part : parts) {
      const GgufTensor* const tensor = part.find_tensor(name);
      if (!tensor) continue;
      const auto& extent = tensor->shape;
      if (extent == std::array<std::int64_t, GGML_MAX_DIMS>{width, height, 1, 1}) return;
      part.damaged("the tensor " + name + " is " + std::to_string(extent[0]) + " x " + std::to_string(extent[1]) +
                   ", not " + std::to_string(width) + " x " + std::to_string(height));
    }
    if (required) parts[0].damaged("the tensor " + name + " is missing");
  };
  check("token_embd.weight", shape.embedding, shape.vocabulary, true);
  check("output.weight", shape.embedding, shape.vocabulary, false);
  check("output_norm.weight", shape.embedding, 1, false);
}

}  // namespace

void check_tokens(const GgufFile& file) {
  const std::string kind = file.text("general.type");
  if (!kind.empty() && kind != "model") {
    throw Error(ErrorCode::kModelUnsupported,
                file.path() + " holds a part of a model (" + printable(kind) + "), not a model");
  }
  if (file.text("general.architecture").empty()) file.damaged("it does not say which architecture it has");
  const std::string tokenizer = file.text("tokenizer.ggml.model");
  if (tokenizer.empty() || tokenizer == "none" || tokenizer == "no_vocab") {
    throw Error(ErrorCode::kModelUnsupported, file.path() + " holds no vocabulary");
  }
  const GgufArray* const tokens = file.array("tokenizer.ggml.tokens");
  if (!tokens || tokens->type != GGUF_TYPE_STRING || tokens->count == 0) file.damaged("its list of tokens is missing");
  const auto check_length = [&](const std::string& key) {
    const GgufArray* const array = file.array(key);
    if (file.find(key) && (!array || array->count < tokens->count)) {
      file.damaged(key + " does not have one entry for each of the " + std::to_string(tokens->count) + " tokens");
    }
  };
  check_length("tokenizer.ggml.scores");
  check_length("tokenizer.ggml.token_type");
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < tokens->strings.size(); ++i) {
    // llama.cpp's name for a token without text, and its reading of text as a C string.
    std::string text = tokens->strings[i].c_str();
    if (text.empty()) text = "[EMPTY_" + std::to_string(i) + "]";
    if (!seen.insert(text).second) file.damaged("two of its tokens are the same: the second is " + std::to_string(i));
  }
}

ModelShape check_shape(const std::vector<GgufFile>& parts) {
  const GgufFile& file = parts[0];
  ModelShape shape;
  shape.architecture = file.text("general.architecture");
  const Parameters parameters(file, shape.architecture);
  shape.layers = parameters.whole("block_count", 1, kMostLayers);
  shape.embedding = parameters.whole("embedding_length", 1, kWidest);
  shape.trained_context = parameters.whole("context_length", 1, 1 << 30);
  shape.vocabulary = static_cast<int>(file.array("tokenizer.ggml.tokens")->count);
  shape.heads = parameters.per_layer("attention.head_count", shape.layers, 1, 1 << 14);
  shape.kv_heads = shape.heads;
  if (parameters.has("attention.head_count_kv")) {
    shape.kv_heads = parameters.per_layer("attention.head_count_kv", shape.layers, 1, 1 << 14);
  }
  for (std::size_t i = 0; i < shape.heads.size(); ++i) {
    if (shape.kv_heads[i] > 0 && shape.heads[i] % shape.kv_heads[i] != 0) parameters.bad("attention.head_count_kv");
  }
  const int heads = *std::max_element(shape.heads.begin(), shape.heads.end());
  if (heads < 1) parameters.bad("attention.head_count");
  if (!parameters.has("attention.key_length") && shape.embedding % heads != 0) parameters.bad("attention.head_count");
  shape.key_length = parameters.optional_whole("attention.key_length", 1, 1 << 14).value_or(shape.embedding / heads);
  shape.value_length =
      parameters.optional_whole("attention.value_length", 1, 1 << 14).value_or(shape.embedding / heads);
  if (parameters.has("feed_forward_length")) {
    const auto widths = parameters.per_layer("feed_forward_length", shape.layers, 0, kWidest);
    shape.feed_forward = *std::max_element(widths.begin(), widths.end());
  }
  parameters.optional_whole("nextn_predict_layers", 0, shape.layers - 1);
  parameters.optional_real("attention.layer_norm_rms_epsilon", 0, 1);
  parameters.optional_real("attention.layer_norm_epsilon", 0, 1);
  check_rope(parameters, shape.key_length);
  shape.sliding = parameters.bounded("attention.sliding_window", INT32_MAX).value_or(0) > 0;
  check_experts(parameters, shape);
  check_tensors(parts, shape);
  return shape;
}

std::uint64_t kv_bytes_per_token(const ModelShape& shape, LoadOptions::KvType type) {
  std::uint64_t numbers = 0;
  for (int kv_heads : shape.kv_heads) {
    numbers += static_cast<std::uint64_t>(kv_heads) * static_cast<std::uint64_t>(shape.key_length + shape.value_length);
  }
  switch (type) {
    case LoadOptions::KvType::kF32: return numbers * 4;
    case LoadOptions::KvType::kQ8_0: return numbers * 34 / 32;
    default: return numbers * 2;
  }
}

std::uint64_t weight_bytes(const std::vector<GgufFile>& parts) {
  std::uint64_t bytes = 0;
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) bytes += tensor.bytes;
  }
  return bytes;
}

std::uint64_t host_weight_bytes(const std::vector<GgufFile>& parts) {
  std::uint64_t embedding = 0;
  bool has_output = false;
  for (const GgufFile& part : parts) {
    if (const GgufTensor* const tensor = part.find_tensor("token_embd.weight")) embedding = tensor->bytes;
    has_output = has_output || part.find_tensor("output.weight");
  }
  return has_output ? embedding : 0;
}

LayerBytes layer_bytes(const std::vector<GgufFile>& parts, int layers) {
  LayerBytes bytes;
  bytes.each.resize(static_cast<std::size_t>(layers));
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      unsigned layer = 0;
      if (std::sscanf(tensor.name.c_str(), "blk.%u.", &layer) != 1 || layer >= bytes.each.size()) continue;
      bytes.each[layer] += tensor.bytes;
      bytes.largest_tensor = std::max(bytes.largest_tensor, tensor.bytes);
    }
  }
  return bytes;
}

ModelInfo describe(const std::vector<GgufFile>& parts) {
  const GgufFile& file = parts[0];
  ModelInfo info;
  info.path = file.path();
  info.architecture = file.text("general.architecture");
  info.name = file.text("general.name");
  std::map<ggml_type, std::uint64_t> by_type;
  for (const GgufFile& part : parts) {
    info.file_bytes += part.file_bytes();
    for (const GgufTensor& tensor : part.tensors()) {
      info.parameters += tensor.elements;
      by_type[tensor.type] += tensor.bytes;
    }
  }
  if (const auto type = file.number("general.file_type"); type && *type >= 0 && *type < int{LLAMA_FTYPE_GUESSED}) {
    info.quantization = llama_ftype_name(static_cast<llama_ftype>(*type));
  }
  if ((info.quantization.empty() || info.quantization.rfind("unknown", 0) == 0) && !by_type.empty()) {
    const auto most = std::max_element(by_type.begin(), by_type.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    info.quantization = ggml_type_name(most->first);
  }
  const auto bounded = [&](const std::string& name) {
    const double value = file.number(info.architecture + "." + name).value_or(0);
    return value >= 0 && value <= 2e9 ? static_cast<int>(value) : 0;
  };
  info.trained_context = bounded("context_length");
  info.layers = bounded("block_count");
  if (const GgufArray* const tokens = file.array("tokenizer.ggml.tokens")) {
    info.vocabulary_size = static_cast<int>(tokens->count);
  }
  return info;
}

}  // namespace octet::llama
