// A small network with its weights in float32 on the host: what an expansion (expand.h) starts from.
#pragma once

#include <optional>
#include <vector>

#include "runtimes/cuda/network_source.h"

namespace octet::bench {

struct FloatMatrix {
  int rows = 0, columns = 0;
  std::vector<float> values;  ///< [rows][columns]
  const float* row(int i) const { return values.data() + static_cast<std::size_t>(i) * columns; }
  float* row(int i) { return values.data() + static_cast<std::size_t>(i) * columns; }
};

struct SmallLayer {
  std::vector<float> attention_norm, feed_forward_norm;
  FloatMatrix q, k, v, attention_output, gate, up, down;
  std::vector<float> q_bias, k_bias, v_bias;  ///< All three or none.
};

struct SmallNetwork {
  cuda::Architecture architecture;
  FloatMatrix embedding;
  std::optional<FloatMatrix> output;  ///< None: the embedding.
  std::vector<float> output_norm;
  std::vector<SmallLayer> layers;
};

/// Throws std::invalid_argument for norms of queries and keys, for heads turned in part, and for positions stretched other than
/// linearly.
SmallNetwork small_network(const cuda::NetworkSource& source);

}  // namespace octet::bench
