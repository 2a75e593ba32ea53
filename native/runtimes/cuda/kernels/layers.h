// The small steps of a layer around its products: embedding, normalisation, turning queries and keys by position, writing keys
// and values to their cells. All are bounded by the few bytes of activations they move, and by their launch.
#pragma once

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/kernels/folded_norm.h"
#include "runtimes/cuda/kernels/heads.h"
#include "runtimes/cuda/kernels/weights.h"
#include "runtimes/cuda/network_source.h"
#include "runtimes/cuda/tables.h"

namespace octet::cuda {

/// What positions mean to a pass's rows; no table: nothing.
struct Turning {
  RopeParameters rope;
  const float* factors = nullptr;  ///< [rope.dimensions / 2] divisors of the frequencies, or null.
  RowTable table;                  ///< To be filled.
};

/// residual [rows][embedding.columns] = the embedding's row of each token, in float32, and what a norm folded into the next product
/// wants of it; the table of the pass's rows.
void embed(Stream& stream, const Matrix& embedding, const Batch& batch, float* residual, const OutputNorm& next = {}, const Turning& turning = {});

/// x [rows][width] (Bf16 or float) = residual / sqrt(mean(residual^2) + epsilon) * weight (Zhang and Sennrich, 2019).
void rms_norm(Stream& stream, const float* residual, const float* weight, float epsilon, int rows, int width, Precision precision, void* x);

/// to [lanes * count][width]: of every lane's `rows_per_lane` rows those from `first` on. The arrays may not overlap.
void gather_rows(Stream& stream, const float* from, int lanes, int rows_per_lane, int first, int count, int width, float* to);

/// What becomes of a row of the joint product, in one pass over it, where the product has not done it itself (Epilogue::kHeads).
struct QueryKeyValue {
  HeadShape shape;
  HeadPairs pairs;
  const float* product = nullptr;       ///< [rows][(heads + 2 kv_heads) head_dim] in the order of heads.h, biases added.
  const float* q_norm = nullptr;        ///< [head_dim] or null: RMS norm of every head before turning it (Qwen3).
  const float* k_norm = nullptr;
  float epsilon = 1e-5f;
  RowTable table;
  Precision precision = Precision::kBf16;
  void* q = nullptr;                    ///< [rows][heads][head_dim], Bf16 or float, not scaled.
  void* keys = nullptr;                 ///< [cells][kv_heads][head_dim]
  void* values = nullptr;
};

/// Queries turned by their row's position into q, keys likewise and values into the row's cell. Inactive rows write nothing.
void rope_and_store(Stream& stream, int rows, const QueryKeyValue& call);

}  // namespace octet::cuda
