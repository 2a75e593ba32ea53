#include "bench/small_network.h"

#include <stdexcept>

#include "bench/quantise.h"

namespace octet::bench {
namespace {

FloatMatrix floats(const cuda::TensorSource& tensor) {
  FloatMatrix matrix{.rows = tensor.rows, .columns = tensor.columns,
      .values = std::vector<float>(static_cast<std::size_t>(tensor.rows) * tensor.columns)};
  const std::size_t row_bytes = cuda::file_row_bytes(tensor.format, tensor.columns);
  for (int i = 0; i < tensor.rows; ++i)
    dequantise_row(tensor.format, tensor.bytes.data() + static_cast<std::size_t>(i) * row_bytes, {matrix.row(i),
        static_cast<std::size_t>(tensor.columns)});
  return matrix;
}

std::vector<float> vector_of(const cuda::TensorSource& tensor) { return tensor.present() ? floats(tensor).values : std::vector<float>(); }

SmallLayer small_layer(const cuda::LayerSource& source) {
  if (source.q_norm.present()) throw std::invalid_argument("a network that normalises queries and keys cannot be expanded");
  return {.attention_norm = vector_of(source.attention_norm), .feed_forward_norm = vector_of(source.feed_forward_norm),
          .q = floats(source.q), .k = floats(source.k), .v = floats(source.v), .attention_output = floats(source.attention_output),
          .gate = floats(source.gate), .up = floats(source.up), .down = floats(source.down),
          .q_bias = vector_of(source.q_bias), .k_bias = vector_of(source.k_bias), .v_bias = vector_of(source.v_bias)};
}

}  // namespace

SmallNetwork small_network(const cuda::NetworkSource& source) {
  const cuda::RopeParameters& rope = source.architecture.rope;
  if (source.rope_factors.present()) throw std::invalid_argument("a network whose positions are stretched by factors cannot be expanded");
  if (rope.dimensions != source.architecture.head_dim) throw std::invalid_argument("a network whose heads are turned in part cannot be expanded");
  SmallNetwork network{.architecture = source.architecture, .embedding = floats(source.embedding), .output_norm = vector_of(source.output_norm)};
  if (source.output.present()) network.output = floats(source.output);
  for (const cuda::LayerSource& layer : source.layers) network.layers.push_back(small_layer(layer));
  return network;
}

}  // namespace octet::bench
