#include "runtimes/cuda/runtime/network.h"

#include <algorithm>
#include <cstring>

#include "runtimes/cuda/device/types.h"

namespace octet::cuda {
namespace {

std::vector<float> floats(const TensorSource& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.columns));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::byte* const at = tensor.bytes.data() + i * (tensor.format == WeightFormat::kF32 ? 4 : 2);
    if (tensor.format == WeightFormat::kF32) {
      std::memcpy(&values[i], at, 4);
      continue;
    }
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, 2);
    values[i] = tensor.format == WeightFormat::kF16 ? to_float(Half{bits}) : to_float(Bf16{bits});
  }
  return values;
}

DeviceArray<float> vector_of(const TensorSource& tensor) {
  if (!tensor.present()) return {};
  return DeviceArray<float>(floats(tensor));
}

PackedMatrix packed(const TensorSource& tensor) { return pack(tensor.format, tensor.rows, tensor.columns, tensor.bytes); }

bool one_format(const LayerSource& layer) { return layer.q.format == layer.k.format && layer.q.format == layer.v.format; }

JointProduct joint_qkv(const LayerSource& layer) {
  JointProduct joint;
  const TensorSource* const sources[] = {&layer.q, &layer.k, &layer.v};
  const TensorSource* const biases[] = {&layer.q_bias, &layer.k_bias, &layer.v_bias};
  for (const TensorSource* source : sources) joint.rows += source->rows;
  if (one_format(layer)) {
    std::vector<std::byte> bytes;
    for (const TensorSource* source : sources) bytes.insert(bytes.end(), source->bytes.begin(), source->bytes.end());
    joint.parts.push_back({pack(layer.q.format, joint.rows, layer.q.columns, bytes), 0});
  } else {
    int row = 0;
    for (const TensorSource* source : sources) {
      joint.parts.push_back({packed(*source), row});
      row += source->rows;
    }
  }
  if (std::any_of(std::begin(biases), std::end(biases), [](const TensorSource* bias) { return bias->present(); })) {
    std::vector<float> all;
    for (int i = 0; i < 3; ++i) {
      const std::vector<float> bias = biases[i]->present() ? floats(*biases[i]) : std::vector<float>(static_cast<std::size_t>(sources[i]->rows), 0.0f);
      all.insert(all.end(), bias.begin(), bias.end());
    }
    joint.bias = DeviceArray<float>(all);
  }
  return joint;
}

NetworkLayer load_layer(const LayerSource& source) {
  NetworkLayer layer;
  layer.attention_norm = vector_of(source.attention_norm);
  layer.feed_forward_norm = vector_of(source.feed_forward_norm);
  layer.q_norm = vector_of(source.q_norm);
  layer.k_norm = vector_of(source.k_norm);
  layer.qkv = joint_qkv(source);
  layer.attention_output = packed(source.attention_output);
  layer.gate_up = pack_interleaved(source.gate.format, source.gate.rows, source.gate.columns, source.gate.bytes, source.up.bytes);
  layer.down = packed(source.down);
  return layer;
}

std::size_t packed_bytes_of(const TensorSource& tensor) {
  return tensor.present() ? packed_bytes(tensor.format, tensor.rows, tensor.columns) : 0;
}

}  // namespace

std::size_t packed_bytes(const NetworkSource& source) {
  std::size_t bytes = packed_bytes_of(source.embedding) + packed_bytes_of(source.output);
  for (const LayerSource& layer : source.layers) {
    for (const TensorSource* matrix : {&layer.q, &layer.k, &layer.v, &layer.attention_output, &layer.gate, &layer.up, &layer.down})
      bytes += packed_bytes_of(*matrix);
    for (const TensorSource* vector : {&layer.attention_norm, &layer.feed_forward_norm, &layer.q_norm, &layer.k_norm, &layer.q_bias, &layer.k_bias, &layer.v_bias})
      bytes += static_cast<std::size_t>(vector->columns) * sizeof(float);
  }
  return bytes;
}

std::optional<Network> load_network(const NetworkSource& source, const std::function<bool(float)>& progress) {
  Network network{.architecture = source.architecture};
  const auto goes_on = [&](std::size_t done) { return !progress || progress(static_cast<float>(done) / static_cast<float>(source.layers.size() + 1)); };
  if (!goes_on(0)) return std::nullopt;
  network.embedding = packed(source.embedding);
  if (source.output.present()) network.output = packed(source.output);
  network.output_norm = vector_of(source.output_norm);
  network.rope_factors = vector_of(source.rope_factors);
  for (const LayerSource& layer : source.layers) {
    network.layers.push_back(load_layer(layer));
    if (!goes_on(network.layers.size())) return std::nullopt;
  }
  return network;
}

double operations_per_row(const Architecture& a) {
  const double attention = static_cast<double>(a.width) * a.head_dim * (2.0 * a.heads + 2.0 * a.kv_heads);
  const double feed_forward = 3.0 * a.width * a.feed_forward;
  return 2 * (a.layers * (attention + feed_forward) + static_cast<double>(a.width) * a.vocabulary);
}

}  // namespace octet::cuda
