// Products of activations and a packed weight matrix W [rows][columns], for any number n of activation rows:
//   y[j][r] = sum over c of W[r][c] x[j][c]
// Which kernel runs, and on how many blocks, follows from shapes alone, and from what was measured before the first call (gemm_choices.h),
// so that calls can be recorded into a graph.
#pragma once

#include <cstddef>

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/kernels/folded_norm.h"
#include "runtimes/cuda/kernels/heads.h"
#include "runtimes/cuda/kernels/weights.h"
#include "runtimes/cuda/tables.h"

namespace octet::cuda {

enum class Epilogue {
  kStore,   ///< y[j][r] = sum (+ bias[r]), float32
  kAdd,     ///< y[j][r] += sum (+ bias[r]), float32: the residual stream
  kSwiGlu,  ///< Of a matrix by pack_interleaved: y[j][i] = silu(first_i) * second_i, an activation (Bf16 or float by precision)
  kHeads,   ///< Of queries, keys and values in pairs (heads.h), on tensor cores: sum (+ bias[r]), turned; active rows alone
};

struct Gemm {
  Matrix weights;
  const void* x = nullptr;       ///< [n][weights.columns], Bf16 or float by precision; 16-byte aligned, apart from y.
  int n = 0;
  Epilogue epilogue = Epilogue::kStore;
  const float* bias = nullptr;   ///< [weights.rows] or null; not with kSwiGlu.
  void* y = nullptr;             ///< [n][y_stride]; not with kHeads.
  int y_stride = 0;              ///< Elements.
  Precision precision = Precision::kBf16;
  // On tensor cores alone:
  int x_stride = 0;              ///< Elements from one row of x to the next, a multiple of 8; 0: weights.columns.
  InputNorm norm;                ///< Of x; at most kMostFoldedRows rows.
  OutputNorm next;               ///< Of y; with kAdd, y_stride = weights.rows.
  HeadsOutput heads;             ///< With kHeads; n is the pass's rows.
};

/// Whether products with this matrix go by tensor cores, in bf16.
bool takes_tensor_cores(const Matrix& weights);

/// Whether products by warpgroups (gemm_wgmma.cuh) run on such a device: its capability is 9.0, and code for it was built. On the host, yes.
bool has_wgmma(const DeviceInfo& device);
/// OCTET_CUDA_WGMMA=1 in the environment: opt-in until a GPU has shown that they are right, and faster.
bool wgmma_asked();
/// OCTET_CUDA_WGMMA=0: not even where measuring on the device says so (runtime/tuning.h).
bool wgmma_refused();

/// What plans depend on beside the product. `wgmma`: whether products of many rows go by warpgroups.
class PlanDevice {
 public:
  PlanDevice(const DeviceInfo& device, bool wgmma) : multiprocessors_(device.multiprocessors), shared_bytes_(device.shared_bytes), wgmma_(wgmma) {}

  int multiprocessors() const { return multiprocessors_; }
  std::size_t shared_bytes() const { return shared_bytes_; }  ///< That one block may ask for.
  bool wgmma() const { return wgmma_; }
  /// The same device with products of many rows by warpgroups, or without.
  PlanDevice with_wgmma(bool wgmma) const {
    PlanDevice other = *this;
    other.wgmma_ = wgmma;
    return other;
  }

 private:
  int multiprocessors_;
  std::size_t shared_bytes_;
  bool wgmma_;
};

class GemmChoices;

/// What products need beside their operands: partial sums of output tiles that several blocks share, and counters of the
/// blocks that have come. One serves all calls on one stream; the counters are zero between calls.
class GemmWorkspace : public PlanDevice {
 public:
  /// Sized for any call on a device like this one. `wgmma`: whether products of many rows go by warpgroups, where the device has_wgmma().
  /// `choices`: plans that were measured (gemm_choices.h), taken instead of the model's; may be null, else outlives this.
  explicit GemmWorkspace(const DeviceInfo& device, bool wgmma = wgmma_asked(), const GemmChoices* choices = nullptr);

  const GemmChoices* choices() const { return choices_; }
  int most_blocks() const { return static_cast<int>(counters_.size()); }
  float* partial_sums() const { return partial_sums_.data(); }
  int* counters() const { return counters_.data(); }

  /// Device bytes it takes: for fitting a model into memory.
  static std::size_t bytes(const DeviceInfo& device);

 private:
  const GemmChoices* choices_;
  DeviceArray<float> partial_sums_;
  DeviceArray<int> counters_;
};

/// Throws std::invalid_argument where operands do not fit each other.
void gemm(Stream& stream, const GemmWorkspace& workspace, const Gemm& call);

/// Bytes that must move: weights and scales as the file stores them, x once, y once (twice for kAdd), what folded norms add.
std::size_t gemm_bytes(const Gemm& call);

}  // namespace octet::cuda
