// Small networks with random weights, and the logits of a network over a few tokens.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "bench/small_network.h"
#include "runtimes/cuda/runtime/forward.h"
#include "runtimes/runtime.h"

namespace octet::bench::testing {

inline FloatMatrix random_matrix(std::mt19937& random, int rows, int columns, float size) {
  FloatMatrix matrix{.rows = rows, .columns = columns};
  std::normal_distribution<float> normal(0, size);
  for (int i = 0; i < rows * columns; ++i) matrix.values.push_back(normal(random));
  return matrix;
}

struct SmallShape {
  bool tied = true, biases = false, halves = false;
  float weights = 0.3f;  ///< Their size. At 0.3 every part matters much, and rounding does; at 0.1 both less.
};

/// Two layers, 64 wide, four heads of 16 in two groups, 96 tokens.
inline SmallNetwork random_network(unsigned seed, const SmallShape& shape) {
  std::mt19937 random(seed);
  SmallNetwork network;
  network.architecture = {.name = "small", .layers = 2, .width = 64, .heads = 4, .kv_heads = 2, .head_dim = 16, .feed_forward = 96,
                          .vocabulary = 96, .context = 512, .norm_epsilon = 1e-2f,
                          .rope = {.dimensions = 16, .halves = shape.halves, .base = 1e4f}};
  const auto vector = [&](int size) { return random_matrix(random, 1, size, 1.0f).values; };
  network.embedding = random_matrix(random, 96, 64, 1);
  if (!shape.tied) network.output = random_matrix(random, 96, 64, 0.5f);
  network.output_norm = vector(64);
  for (int i = 0; i < 2; ++i) {
    SmallLayer layer{.attention_norm = vector(64), .feed_forward_norm = vector(64), .q = random_matrix(random, 64, 64, shape.weights),
                     .k = random_matrix(random, 32, 64, shape.weights), .v = random_matrix(random, 32, 64, shape.weights),
                     .attention_output = random_matrix(random, 64, 64, shape.weights), .gate = random_matrix(random, 96, 64, shape.weights),
                     .up = random_matrix(random, 96, 64, shape.weights), .down = random_matrix(random, 64, 96, shape.weights)};
    if (shape.biases) layer.q_bias = vector(64), layer.k_bias = vector(32), layer.v_bias = vector(32);
    network.layers.push_back(std::move(layer));
  }
  return network;
}

/// The network as it is, by the runtime's own loader, in float32.
inline cuda::Network as_it_is(const SmallNetwork& small) {
  const auto tensor = [](int rows, int columns, const std::vector<float>& values) {
    return cuda::TensorSource{cuda::WeightFormat::kF32, rows, columns, std::as_bytes(std::span(values))};
  };
  const auto matrix = [&](const FloatMatrix& m) { return tensor(m.rows, m.columns, m.values); };
  const auto vector = [&](const std::vector<float>& v) { return tensor(1, static_cast<int>(v.size()), v); };
  cuda::NetworkSource source{.architecture = small.architecture, .embedding = matrix(small.embedding), .output_norm = vector(small.output_norm)};
  if (small.output) source.output = matrix(*small.output);
  for (const SmallLayer& l : small.layers)
    source.layers.push_back({vector(l.attention_norm), matrix(l.q), matrix(l.k), matrix(l.v), vector(l.q_bias), vector(l.k_bias),
        vector(l.v_bias), {}, {},
                             matrix(l.attention_output), vector(l.feed_forward_norm), matrix(l.gate), matrix(l.up), matrix(l.down)});
  return *cuda::load_network(source, {});
}

/// Logits [tokens][vocabulary] of one lane whose tokens are all computed at once.
inline std::vector<std::vector<float>> logits_of(const cuda::Network& network, const std::vector<Token>& tokens, cuda::Precision precision) {
  const int rows = static_cast<int>(tokens.size()), vocabulary = network.architecture.vocabulary;
  const cuda::KvCache cache(network.architecture, rows, precision);
  const cuda::Activations activations(cuda::pass_needs(network, precision), precision, rows, cuda::device_info());
  const cuda::Forward forward(network, cache, activations);
  cuda::Stream stream;
  std::vector<int> positions;
  for (int i = 0; i < rows; ++i) positions.push_back(i);
  const cuda::DeviceArray<cuda::Place> places(std::vector<cuda::Place>(cuda::kMaxSlots, {0, 0, 0}));
  const cuda::DeviceArray<int> slots(std::vector<int>{0}), device_tokens(tokens), device_positions(positions);
  const cuda::Batch batch{1, rows, slots.data(), device_tokens.data(), device_positions.data(), places.data()};
  const cuda::DeviceArray<float> logits(static_cast<std::size_t>(rows) * vocabulary);
  forward.pass(stream, batch);
  forward.logits(stream, batch, 0, rows, logits.data());
  stream.synchronize();
  const std::vector<float> all = logits.download();
  std::vector<std::vector<float>> by_row;
  for (int i = 0; i < rows; ++i) by_row.emplace_back(all.begin() + i * vocabulary, all.begin() + (i + 1) * vocabulary);
  return by_row;
}

}  // namespace octet::bench::testing
