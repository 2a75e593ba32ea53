// A model's weights in device memory.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "runtimes/cuda/kernels/heads.h"
#include "runtimes/cuda/kernels/weights.h"
#include "runtimes/cuda/network_source.h"

namespace octet::cuda {

/// A product whose output rows come from several matrices: one packed matrix where their formats agree, else one each.
struct JointProduct {
  struct Part {
    PackedMatrix matrix;
    int first_row = 0;  ///< Of the joint output.
  };
  std::vector<Part> parts;
  DeviceArray<float> bias;  ///< [rows], in the matrices' order of rows, or empty.
  int rows = 0;
};

struct NetworkLayer {
  DeviceArray<float> attention_norm, feed_forward_norm;
  DeviceArray<float> q_norm, k_norm;  ///< [head_dim] or empty.
  JointProduct qkv;                   ///< [(heads + 2 kv_heads) head_dim][width], rows in the order of qkv_order
  PackedMatrix attention_output;      ///< [width][heads head_dim]
  PackedMatrix gate_up;               ///< [2 feed_forward][width], interleaved for SwiGLU
  PackedMatrix down;                  ///< [width][feed_forward]
};

struct Network {
  Architecture architecture;
  PackedMatrix embedding;              ///< [vocabulary][width]
  std::optional<PackedMatrix> output;  ///< [vocabulary][width]; none: the embedding.
  DeviceArray<float> output_norm, rope_factors;
  std::vector<NetworkLayer> layers;

  const Matrix& output_matrix() const { return output ? output->matrix : embedding.matrix; }
};

HeadShape heads_of(const Architecture& shape);
HeadPairs pairs_of(const Architecture& shape);

/// The file's row, queries, keys and values counted on, of each row of a layer's joint product (kernels/heads.h).
std::vector<int> qkv_order(const Architecture& shape);

/// Device bytes of the packed weights.
std::size_t packed_bytes(const NetworkSource& source);

/// Packs and uploads everything. `progress(0 to 1)` returns false to give up: then nothing is returned.
std::optional<Network> load_network(const NetworkSource& source, const std::function<bool(float)>& progress);

/// Floating-point operations of one row's forward pass: 2 per weight that it multiplies; attention is left out.
double operations_per_row(const Architecture& architecture);

}  // namespace octet::cuda
