#include "runtimes/cuda/model/describe.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "engine/error.h"

namespace octet::cuda {
namespace {

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::kModelUnsupported, "the CUDA runtime cannot run " + what);
}

WeightFormat format_of(const llama::GgufTensor& tensor) {
  switch (tensor.type) {
    case GGML_TYPE_F32: return WeightFormat::kF32;
    case GGML_TYPE_F16: return WeightFormat::kF16;
    case GGML_TYPE_BF16: return WeightFormat::kBf16;
    case GGML_TYPE_Q8_0: return WeightFormat::kQ8_0;
    case GGML_TYPE_Q4_0: return WeightFormat::kQ4_0;
    case GGML_TYPE_Q4_K: return WeightFormat::kQ4_K;
    case GGML_TYPE_Q6_K: return WeightFormat::kQ6_K;
    default: unsupported("the tensor " + tensor.name + ": it is " + ggml_type_name(tensor.type));
  }
}

// The model's tensors by name; remembers which were asked for, so that one nobody knows is noticed.
class Tensors {
 public:
  Tensors(const std::vector<llama::GgufFile>& parts, const std::vector<MappedFile>& files) : parts_(parts), files_(files) {}

  TensorSource optional(const std::string& name) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const llama::GgufTensor* const tensor = parts_[i].find_tensor(name);
      if (!tensor) continue;
      known_.insert(name);
      if (tensor->shape[2] != 1 || tensor->shape[3] != 1) unsupported("the tensor " + name + ": it has more than two dimensions");
      if (tensor->offset + tensor->bytes > files_[i].bytes().size()) parts_[i].damaged("it became shorter while it was read");
      return {format_of(*tensor), static_cast<int>(tensor->shape[1]), static_cast<int>(tensor->shape[0]),
              files_[i].bytes().subspan(tensor->offset, tensor->bytes)};
    }
    return {};
  }
  TensorSource matrix(const std::string& name, int rows, int columns) {
    const TensorSource tensor = optional(name);
    if (!tensor.present()) unsupported("a model without the tensor " + name);
    return shaped(name, tensor, rows, columns);
  }
  TensorSource vector(const std::string& name, int length) { return in_floats(name, matrix(name, 1, length)); }
  TensorSource optional_vector(const std::string& name, int length) {
    const TensorSource tensor = optional(name);
    return tensor.present() ? in_floats(name, shaped(name, tensor, 1, length)) : tensor;
  }
  void refuse_unknown() const {
    for (const llama::GgufFile& part : parts_)
      for (const llama::GgufTensor& tensor : part.tensors())
        if (!known_.contains(tensor.name)) unsupported("the tensor " + tensor.name + ": it does not know what it is for");
  }

 private:
  static TensorSource shaped(const std::string& name, const TensorSource& tensor, int rows, int columns) {
    if (tensor.rows != rows || tensor.columns != columns)
      unsupported("the tensor " + name + ": it is " + std::to_string(tensor.columns) + " x " + std::to_string(tensor.rows) + ", not " +
                  std::to_string(columns) + " x " + std::to_string(rows));
    return tensor;
  }
  static TensorSource in_floats(const std::string& name, const TensorSource& tensor) {
    if (tensor.format != WeightFormat::kF32 && tensor.format != WeightFormat::kF16 && tensor.format != WeightFormat::kBf16)
      unsupported("the tensor " + name + ": vectors must be F32, F16 or BF16");
    return tensor;
  }

  const std::vector<llama::GgufFile>& parts_;
  const std::vector<MappedFile>& files_;
  std::unordered_set<std::string> known_;
};

RopeParameters rope_of(const llama::GgufFile& file, const Architecture& model) {
  const auto key = [&](const char* name) { return model.name + "." + name; };
  RopeParameters rope;
  rope.dimensions = static_cast<int>(file.number(key("rope.dimension_count")).value_or(model.head_dim));
  rope.halves = model.name != "llama";
  rope.base = static_cast<float>(file.number(key("rope.freq_base")).value_or(10000));
  rope.trained_context = static_cast<int>(file.number(key("rope.scaling.original_context_length")).value_or(model.context));
  const std::string scaling = file.text(key("rope.scaling.type"));
  const double factor = file.number(key("rope.scaling.factor")).value_or(file.number(key("rope.scale_linear")).value_or(1));
  if ((scaling == "linear" || scaling.empty()) && factor > 0) rope.scale = static_cast<float>(1 / factor);
  if (scaling == "yarn" && factor > 0) {
    rope.scale = static_cast<float>(1 / factor);
    rope.extrapolation = static_cast<float>(file.number(key("rope.scaling.yarn_ext_factor")).value_or(1));
    const double attention = file.number(key("rope.scaling.yarn_attn_factor")).value_or(file.number(key("rope.scaling.attn_factor")).value_or(1));
    // YaRN's temperature on the attention: 0.1 ln(s) + 1, applied to queries and keys alike.
    rope.magnitude = static_cast<float>(attention * (rope.extrapolation != 0 ? 1 + 0.1 * std::log(factor) : 1));
    rope.beta_fast = static_cast<float>(file.number(key("rope.scaling.yarn_beta_fast")).value_or(32));
    rope.beta_slow = static_cast<float>(file.number(key("rope.scaling.yarn_beta_slow")).value_or(1));
  }
  if (scaling == "longrope") unsupported("rope scaling of the type longrope");
  return rope;
}

Architecture architecture_of(const llama::GgufFile& file) {
  Architecture model;
  model.name = file.text("general.architecture");
  static const char* const known[] = {"llama", "qwen2", "qwen3"};
  if (std::find(std::begin(known), std::end(known), model.name) == std::end(known)) unsupported("the architecture " + model.name);
  const auto number = [&](const char* name) { return file.number(model.name + "." + name); };
  const auto whole = [&](const char* name) {
    const auto value = number(name);
    if (!value) unsupported("a model whose parameter " + model.name + "." + name + " is not one number");
    return static_cast<int>(*value);
  };
  for (const char* const absent : {"expert_count", "attention.sliding_window", "attention.clamp_kqv", "attention.max_alibi_bias"})
    if (number(absent).value_or(0) != 0) unsupported("a model with " + model.name + "." + absent);
  for (const char* const one : {"attention.scale", "logit_scale", "residual_scale", "embedding_scale"})
    if (number(one).value_or(0) != 0) unsupported("a model with " + model.name + "." + one);
  model.layers = whole("block_count");
  model.width = whole("embedding_length");
  model.heads = whole("attention.head_count");
  model.kv_heads = number("attention.head_count_kv") ? whole("attention.head_count_kv") : model.heads;
  model.head_dim = number("attention.key_length") ? whole("attention.key_length") : model.width / model.heads;
  if (number("attention.value_length").value_or(model.head_dim) != model.head_dim) unsupported("keys and values of different lengths");
  model.feed_forward = whole("feed_forward_length");
  model.context = whole("context_length");
  model.norm_epsilon = static_cast<float>(number("attention.layer_norm_rms_epsilon").value_or(1e-5));
  if (model.head_dim % 16 != 0 || model.head_dim > 256) unsupported("heads of " + std::to_string(model.head_dim) + " dimensions");
  if (model.kv_heads < 1 || model.heads % model.kv_heads != 0) unsupported("heads that do not share their keys evenly");
  model.rope = rope_of(file, model);
  return model;
}

LayerSource layer_of(Tensors& tensors, const Architecture& model, int index) {
  const std::string block = "blk." + std::to_string(index) + ".";
  const int q = model.heads * model.head_dim, kv = model.kv_heads * model.head_dim;
  LayerSource layer;
  layer.attention_norm = tensors.vector(block + "attn_norm.weight", model.width);
  layer.q = tensors.matrix(block + "attn_q.weight", q, model.width);
  layer.k = tensors.matrix(block + "attn_k.weight", kv, model.width);
  layer.v = tensors.matrix(block + "attn_v.weight", kv, model.width);
  layer.q_bias = tensors.optional_vector(block + "attn_q.bias", q);
  layer.k_bias = tensors.optional_vector(block + "attn_k.bias", kv);
  layer.v_bias = tensors.optional_vector(block + "attn_v.bias", kv);
  layer.q_norm = tensors.optional_vector(block + "attn_q_norm.weight", model.head_dim);
  layer.k_norm = tensors.optional_vector(block + "attn_k_norm.weight", model.head_dim);
  layer.attention_output = tensors.matrix(block + "attn_output.weight", model.width, q);
  layer.feed_forward_norm = tensors.vector(block + "ffn_norm.weight", model.width);
  layer.gate = tensors.matrix(block + "ffn_gate.weight", model.feed_forward, model.width);
  layer.up = tensors.matrix(block + "ffn_up.weight", model.feed_forward, model.width);
  layer.down = tensors.matrix(block + "ffn_down.weight", model.width, model.feed_forward);
  if (layer.gate.format != layer.up.format) unsupported("the tensors " + block + "ffn_gate and ffn_up: they have different types");
  if (layer.q_norm.present() != layer.k_norm.present()) unsupported("layer " + std::to_string(index) + ": it normalises only one of queries and keys");
  return layer;
}

}  // namespace

ModelSource describe_network(const std::vector<llama::GgufFile>& parts) {
  ModelSource model;
  for (const llama::GgufFile& part : parts) model.files.emplace_back(part.path());
  NetworkSource& network = model.source;
  network.architecture = architecture_of(parts[0]);
  Tensors tensors(parts, model.files);
  network.embedding = tensors.optional("token_embd.weight");
  network.architecture.vocabulary = network.embedding.rows;
  const Architecture& shape = network.architecture;
  if (network.embedding.columns != shape.width) unsupported("the tensor token_embd.weight: it is not as wide as the model");
  network.output_norm = tensors.vector("output_norm.weight", shape.width);
  network.output = tensors.optional("output.weight");
  if (network.output.present()) network.output = tensors.matrix("output.weight", shape.vocabulary, shape.width);
  network.rope_factors = tensors.optional_vector("rope_freqs.weight", shape.rope.dimensions / 2);
  if (network.rope_factors.present() && network.rope_factors.format != WeightFormat::kF32) unsupported("rope_freqs.weight: it is not F32");
  for (int i = 0; i < shape.layers; ++i) network.layers.push_back(layer_of(tensors, shape, i));
  tensors.refuse_unknown();
  return model;
}

}  // namespace octet::cuda
