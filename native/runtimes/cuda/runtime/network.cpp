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

JointProduct joint_qkv(const LayerSource& layer, const std::vector<int>& order) {
  JointProduct joint;
  const TensorSource* const sources[] = {&layer.q, &layer.k, &layer.v};
  const TensorSource* const biases[] = {&layer.q_bias, &layer.k_bias, &layer.v_bias};
  for (const TensorSource* source : sources) joint.rows += source->rows;
  if (one_format(layer)) {
    std::vector<std::byte> bytes;
    for (const TensorSource* source : sources) bytes.insert(bytes.end(), source->bytes.begin(), source->bytes.end());
    joint.parts.push_back({pack_in_order(layer.q.format, layer.q.columns, bytes, order), 0});
  } else {
    int row = 0;
    for (const TensorSource* source : sources) {
      std::vector<int> part(order.begin() + row, order.begin() + row + source->rows);
      for (int& file_row : part) file_row -= row;
      joint.parts.push_back({pack_in_order(source->format, source->columns, source->bytes, part), row});
      row += source->rows;
    }
  }
  if (std::any_of(std::begin(biases), std::end(biases), [](const TensorSource* bias) { return bias->present(); })) {
    std::vector<float> all;
    for (int i = 0; i < 3; ++i) {
      const std::vector<float> bias = biases[i]->present() ? floats(*biases[i]) : std::vector<float>(static_cast<std::size_t>(sources[i]->rows), 0.0f);
      all.insert(all.end(), bias.begin(), bias.end());
    }
    std::vector<float> ordered;
    for (const int file_row : order) ordered.push_back(all[static_cast<std::size_t>(file_row)]);
    joint.bias = DeviceArray<float>(ordered);
  }
  return joint;
}

NetworkLayer load_layer(const LayerSource& source, const std::vector<int>& order) {
  NetworkLayer layer;
  layer.attention_norm = vector_of(source.attention_norm);
  layer.feed_forward_norm = vector_of(source.feed_forward_norm);
  layer.q_norm = vector_of(source.q_norm);
  layer.k_norm = vector_of(source.k_norm);
  layer.qkv = joint_qkv(source, order);
  layer.attention_output = packed(source.attention_output);
  layer.gate_up = pack_interleaved(source.gate.format, source.gate.rows, source.gate.columns, source.gate.bytes, source.up.bytes);
  layer.down = packed(source.down);
  return layer;
}

std::size_t packed_bytes_of(const TensorSource& tensor) {
  return tensor.present() ? packed_bytes(tensor.format, tensor.rows, tensor.columns) : 0;
}

}  // namespace

HeadShape heads_of(const Architecture& shape) { return {shape.heads, shape.kv_heads, shape.head_dim}; }

HeadPairs pairs_of(const Architecture& shape) { return {shape.rope.dimensions / 2, shape.rope.halves}; }

std::vector<int> qkv_order(const Architecture& shape) {
  std::vector<int> order(static_cast<std::size_t>(heads_of(shape).rows()));
  for (std::size_t row = 0; row < order.size(); ++row) order[row] = file_row_of(heads_of(shape), pairs_of(shape), static_cast<int>(row));
  return order;
}

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
  const std::vector<int> order = qkv_order(source.architecture);
  for (const LayerSource& layer : source.layers) {
    network.layers.push_back(load_layer(layer, order));
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
