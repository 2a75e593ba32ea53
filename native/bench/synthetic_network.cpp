#include "bench/synthetic_network.h"

#include <cmath>

#include "bench/expand.h"
#include "runtimes/cuda/kernels/synthetic.h"

namespace octet::bench {
namespace {

using namespace cuda;

constexpr std::uint32_t kMatricesOfLayer = 4;

DeviceArray<float> ones(int count) { return DeviceArray<float>(std::vector<float>(static_cast<std::size_t>(count), 1.0f)); }

// Rows that keep a normalised vector's size: uniform in +-a has the variance a^2 / 3.
PackedMatrix matrix(Stream& stream, WeightFormat format, int rows, int columns, std::uint32_t seed, float scale = 1) {
  return synthesise(stream, format_for(format, columns), rows, columns, scale * std::sqrt(3.0f / static_cast<float>(columns)), seed);
}

}  // namespace

NetworkLayer synthetic_layer(Stream& stream, const Architecture& shape, WeightFormat format, std::uint32_t seed, bool silent) {
  // Small contributions, so that many layers do not drown the embedding.
  const float outputs = silent ? 0.0f : 0.1f;
  const std::uint32_t first = seed * kMatricesOfLayer;
  NetworkLayer layer{.attention_norm = ones(shape.width), .feed_forward_norm = ones(shape.width)};
  layer.qkv.rows = (shape.heads + 2 * shape.kv_heads) * shape.head_dim;
  layer.qkv.parts.push_back({matrix(stream, format, layer.qkv.rows, shape.width, first), 0});
  layer.attention_output = matrix(stream, format, shape.width, shape.heads * shape.head_dim, first + 1, outputs);
  layer.gate_up = matrix(stream, format, 2 * shape.feed_forward, shape.width, first + 2);
  layer.down = matrix(stream, format, shape.width, shape.feed_forward, first + 3, outputs);
  return layer;
}

Network synthetic_network(Stream& stream, const Architecture& shape, WeightFormat format, std::uint32_t seed) {
  Network network{.architecture = shape};
  network.embedding = matrix(stream, format, shape.vocabulary, shape.width, seed);
  network.output = matrix(stream, format, shape.vocabulary, shape.width, seed + 1);
  network.output_norm = ones(shape.width);
  for (int i = 0; i < shape.layers; ++i)
    network.layers.push_back(synthetic_layer(stream, shape, format, seed + 2 + static_cast<std::uint32_t>(i), false));
  stream.synchronize();  // who drops the network at once frees nothing that is still to be written
  return network;
}

}  // namespace octet::bench
