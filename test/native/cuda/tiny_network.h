// Networks small enough for kernels on the host: random weights, and drafts that are their target disturbed.
#pragma once

#include <cmath>
#include <list>
#include <random>
#include <vector>

#include "runtimes/cuda/runtime/network.h"

namespace octet::cuda::testing {

constexpr int kTinyVocabulary = 64, kTinyPadding = 5;  ///< Both know the first; the target has padding rows behind them.

/// A network's description with the memory it points into.
class TinyNetwork {
 public:
  /// The same `seed` makes the same weights; `disturbance` adds noise of that relative size. `padding`: more vocabulary rows.
  explicit TinyNetwork(unsigned seed, float disturbance = 0, int padding = kTinyPadding, int layers = 1)
      : weights_(seed), noise_(seed + 1000), disturbance_(disturbance) {
    Architecture& a = source.architecture;
    a = {.name = "llama", .layers = layers, .width = 16, .heads = 2, .kv_heads = 1, .head_dim = 8, .feed_forward = 24,
         .vocabulary = kTinyVocabulary + padding, .context = 4096};
    a.rope.dimensions = 8;
    a.rope.trained_context = 4096;
    source.embedding = matrix(kTinyVocabulary, a.width, 1.0f, padding);
    for (int i = 0; i < layers; ++i) {
      LayerSource layer;
      layer.attention_norm = ones(a.width);
      layer.q = matrix(a.heads * a.head_dim, a.width, 1.5f);
      layer.k = matrix(a.kv_heads * a.head_dim, a.width, 1.5f);
      layer.v = matrix(a.kv_heads * a.head_dim, a.width, 1.5f);
      layer.attention_output = matrix(a.width, a.heads * a.head_dim, 1.5f);
      layer.feed_forward_norm = ones(a.width);
      layer.gate = matrix(a.feed_forward, a.width, 1.0f);
      layer.up = matrix(a.feed_forward, a.width, 1.0f);
      layer.down = matrix(a.width, a.feed_forward, 1.0f);
      source.layers.push_back(layer);
    }
    source.output_norm = ones(a.width);
    source.output = matrix(kTinyVocabulary, a.width, 3.0f, padding);
  }
  TinyNetwork(const TinyNetwork&) = delete;

  Network network() const { return *load_network(source, {}); }
  /// Not so many NaNs as to hide: one weight of the output's row `token`.
  void spoil(int token) { memory_.back()[static_cast<std::size_t>(token) * 16] = NAN; }

  NetworkSource source;

 private:
  TensorSource tensor(int rows, int columns, std::vector<float> values) {
    const std::vector<float>& kept = memory_.emplace_back(std::move(values));
    return {.format = WeightFormat::kF32, .rows = rows, .columns = columns, .bytes = std::as_bytes(std::span(kept))};
  }
  TensorSource ones(int columns) { return tensor(1, columns, std::vector<float>(static_cast<std::size_t>(columns), 1.0f)); }
  // Padding rows are as large as any: a token of them that is ever drawn is noticed.
  TensorSource matrix(int rows, int columns, float gain, int padding = 0) {
    const float scale = gain / std::sqrt(static_cast<float>(columns));
    std::vector<float> values(static_cast<std::size_t>(rows) * columns);
    for (float& x : values) x = scale * (normal_(weights_) + disturbance_ * normal_(noise_));
    for (int i = 0; i < padding * columns; ++i) values.push_back(i % columns == 0 ? 100.0f : 0.0f);
    return tensor(rows + padding, columns, std::move(values));
  }

  std::mt19937 weights_, noise_;
  std::normal_distribution<float> normal_;
  float disturbance_;
  std::list<std::vector<float>> memory_;
};

}  // namespace octet::cuda::testing
