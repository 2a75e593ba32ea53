// One forward pass of a network over a batch: its kernels, put on a stream or into a graph being recorded.
#pragma once

#include <optional>

#include "runtimes/cuda/kernels/attention.h"
#include "runtimes/cuda/kernels/gemm.h"
#include "runtimes/cuda/runtime/kv_cache.h"
#include "runtimes/cuda/runtime/network.h"

namespace octet::cuda {

/// What of a network decides how much memory its passes take.
struct PassNeeds {
  Architecture architecture;
  bool fuses_heads = false;  ///< Queries, keys and values are turned and stored by their product: it needs no room of its own.
};

/// By the same rule for a network in device memory and for one that is yet to be loaded.
PassNeeds pass_needs(const Network& network, Precision precision);
PassNeeds pass_needs(const NetworkSource& source, Precision precision);

/// Memory a pass needs beside weights and cache. One pass uses it at a time.
class Activations {
 public:
  /// For passes of up to `rows` rows. `choices` as of GemmWorkspace.
  Activations(const PassNeeds& shape, Precision precision, int rows, const DeviceInfo& device, const GemmChoices* choices = nullptr);

  /// Device bytes it takes.
  static std::size_t bytes(const PassNeeds& shape, Precision precision, int rows, const DeviceInfo& device);

  int most_rows() const { return rows_; }
  Precision precision() const { return precision_; }

 private:
  friend class Forward;
  Activations(const Architecture& shape, std::size_t product_floats, Precision precision, int rows, const DeviceInfo& device, const GemmChoices* choices);

  int rows_;
  Precision precision_;
  DeviceArray<float> residual_, squares_;
  DeviceArray<float> qkv_;  ///< Empty where heads are fused.
  DeviceArray<int> cells_;
  DeviceArray<Turn> turns_;
  DeviceArray<std::byte> x_, q_, attended_;
  DeviceArray<std::byte> hidden_;  ///< After the layers, the rows whose logits are wanted.
  GemmWorkspace products_;
  std::optional<AttentionWorkspace> attention_;  ///< Where attention goes by tensor cores; else by rows.
};

/// The matrix products of a layer, as a pass puts them.
struct LayerProducts {
  std::vector<Gemm> qkv;  ///< One for each part of the joint product.
  Gemm attention_output, gate_up, down;
};

/// A network with the memory its passes use.
class Forward {
 public:
  /// `form`: of the tails' attention, where that goes by tensor cores. Results do not depend on it. `fused`: false keeps to kernels of
  /// their own what products could do in their epilogues; results differ by rounding. Throws std::logic_error where that needs memory
  /// that `activations`, of fused heads, do not have.
  Forward(const Network& network, const KvCache& cache, const Activations& activations, RaggedForm form = RaggedForm::kSplit, bool fused = true);

  /// Keys and values of the batch's rows into the cache, and the last layer's residual stream. At most most_rows() rows and
  /// kMaxSlots lanes.
  void pass(Stream& stream, const Batch& batch) const;

  /// After pass(): float32 logits [lanes * count][vocabulary] of the rows first .. first + count - 1 of every lane.
  void logits(Stream& stream, const Batch& batch, int first, int count, float* logits) const;

  const Architecture& shape() const { return network_.architecture; }
  const GemmWorkspace& workspace() const { return memory_.products_; }

  /// Those of a pass of so many rows: what the pass puts, and what is measured before the first (tuning.h).
  LayerProducts products(int layer, int rows) const;
  /// The logits of `count` rows that lie one behind the other, after such a pass.
  Gemm output_product(int rows, int count, float* logits) const;

 private:
  void layer(Stream& stream, const Batch& batch, int index) const;
  /// Norms of a pass of so many rows are folded into its products (kernels/folded_norm.h), not kernels of their own.
  bool folds_norms(int rows) const { return may_fold_norms_ && rows <= kMostFoldedRows; }
  /// For the kernel that finishes the residual stream `norm` reads.
  OutputNorm before(const DeviceArray<float>& norm, int rows) const;
  /// For a product that reads it normed.
  InputNorm folded(int rows) const;
  /// The residual stream normed by a kernel, where that is not folded.
  void normalise(Stream& stream, const DeviceArray<float>& norm, int rows) const;

  const Network& network_;
  const KvCache& cache_;
  const Activations& memory_;
  RaggedForm form_;
  bool may_fold_norms_;
  bool fuses_heads_;  ///< Queries, keys and values are turned and stored by their product.
};

}  // namespace octet::cuda
