// A model as its file holds it, for the CUDA runtime to take over: hyper-parameters, and where each tensor's bytes lie.
// Plain data, so that it can cross into the runtime's shared library.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "runtimes/cuda/kernels/weights.h"

namespace octet::cuda {

/// How positions turn queries and keys (Su et al., "RoFormer", 2021), with the stretchings in use.
struct RopeParameters {
  int dimensions = 0;            ///< Rotated ones of a head, even.
  bool halves = false;           ///< Pairs (i, i + dimensions / 2) as in NeoX, else (2 i, 2 i + 1).
  float base = 10000;
  float scale = 1;               ///< Positions are multiplied by it (linear interpolation; YaRN's for low frequencies).
  float extrapolation = 0;       ///< YaRN's mix (Peng et al., 2023): 0 = none, 1 = full.
  float magnitude = 1;           ///< Factor on sines and cosines (YaRN's attention factor).
  float beta_fast = 32, beta_slow = 1;
  int trained_context = 0;       ///< Before stretching.
};

struct Architecture {
  std::string name;              ///< "llama", "qwen2", "qwen3".
  int layers = 0, width = 0, heads = 0, kv_heads = 0, head_dim = 0, feed_forward = 0;
  int vocabulary = 0;            ///< Rows of the output matrix.
  int context = 0;               ///< Trained.
  float norm_epsilon = 1e-5f;
  RopeParameters rope;
};

/// [rows][columns], rows outermost. Vectors have one row. No bytes: absent.
struct TensorSource {
  WeightFormat format = WeightFormat::kF32;
  int rows = 0, columns = 0;
  std::span<const std::byte> bytes;
  bool present() const { return !bytes.empty(); }
};

struct LayerSource {
  TensorSource attention_norm, q, k, v, q_bias, k_bias, v_bias, q_norm, k_norm, attention_output;
  TensorSource feed_forward_norm, gate, up, down;
};

struct NetworkSource {
  Architecture architecture;
  TensorSource embedding, output_norm;
  TensorSource output;        ///< Absent: tied to the embedding.
  TensorSource rope_factors;  ///< [1][dimensions / 2], float32, or absent.
  std::vector<LayerSource> layers;
};

}  // namespace octet::cuda
