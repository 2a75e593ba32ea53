#include "bench/chain.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace octet::bench {
namespace {

constexpr int kWidth = 64, kFeedForward = 64;

FloatMatrix random_matrix(std::mt19937& random, int rows, int columns) {
  FloatMatrix matrix{.rows = rows, .columns = columns, .values = std::vector<float>(static_cast<std::size_t>(rows) * columns)};
  std::uniform_real_distribution<float> uniform(-0.2f, 0.2f);
  for (float& x : matrix.values) x = uniform(random);
  return matrix;
}

FloatMatrix zeros(int rows, int columns) { return {.rows = rows, .columns = columns,
    .values = std::vector<float>(static_cast<std::size_t>(rows) * columns)}; }

// Only channel 0 of the residual stream is not zero; the norm makes it 8, whatever it was, and the output's weights on it do the rest.
// Those on the others may be anything, but are the same for all tokens: equal rows stay equal in every format.
SmallNetwork uniform_over(int first, int head_dim, unsigned seed) {
  std::mt19937 random(seed);
  SmallNetwork network;
  network.architecture = {.name = "chain", .layers = 1, .width = kWidth, .heads = 1, .kv_heads = 1, .head_dim = head_dim,
      .feed_forward = kFeedForward,
                          .vocabulary = kChainVocabulary, .context = 1 << 20, .norm_epsilon = 1e-5f,
                          .rope = {.dimensions = head_dim, .halves = true, .base = 1e6f}};
  const std::vector<float> ones(kWidth, 1.0f);
  network.output_norm = ones;
  network.embedding = zeros(kChainVocabulary, kWidth);
  const FloatMatrix others = random_matrix(random, 1, kWidth);
  network.output = zeros(kChainVocabulary, kWidth);
  for (int token = 0; token < kChainVocabulary; ++token) {
    network.embedding.row(token)[0] = 4;
    std::copy(others.values.begin(), others.values.end(), network.output->row(token));
    network.output->row(token)[0] = token >= first && token < first + kChainChoices ? 2.5f : -2.5f;  // logits of 20 and -20
  }
  network.layers.push_back({.attention_norm = ones, .feed_forward_norm = ones, .q = random_matrix(random, head_dim, kWidth),
                            .k = random_matrix(random, head_dim, kWidth), .v = random_matrix(random, head_dim, kWidth),
                            .attention_output = zeros(kWidth, head_dim), .gate = random_matrix(random, kFeedForward, kWidth),
                            .up = random_matrix(random, kFeedForward, kWidth), .down = zeros(kWidth, kFeedForward)});
  return network;
}

}  // namespace

Chain make_chain(double acceptance, const Sampling& sampling, int target_head_dim, int draft_head_dim) {
  if (!(sampling.temperature > 0)) throw std::invalid_argument("at temperature 0 acceptance is all or nothing");
  int kept = sampling.top_k > 0 ? std::min(sampling.top_k, kChainChoices) : kChainChoices;
  kept = std::clamp(static_cast<int>(std::ceil(std::clamp(sampling.top_p, 0.0f, 1.0f) * static_cast<float>(kept))), 1, kept);
  const int shift = static_cast<int>(std::lround((1 - acceptance) * kept));
  return {.target = uniform_over(0, target_head_dim, 1), .draft = uniform_over(shift, draft_head_dim, 2),
          .acceptance = static_cast<double>(kept - shift) / kept};
}

}  // namespace octet::bench
