// Ragged attention of a whole batch on tensor cores: bf16 operands, float32 scores, weights' sums and accumulators.
//
//   out[x] = sum over cells c <= p(x) of e^(q[x] k[c] / sqrt(d) - m) v[c] / sum of the same e^(...)
//
// Lanes that share a prompt and stand side by side form the rows of one product (bifurcated, or cascade, attention): the
// prompt's cells come from memory once for all of them. Tails are private and ragged, and go by work items of (lane, chunk) in
// one of BASS's two forms (Qian et al., 2024, section 3.2). Prompt and tails are one launch. The chunks of a row are merged by
// log-sum-exp, in chunk order: for few query rows by the last block that gives a part of the row's lane, for many by a second launch
// (attention_workspace.cpp has the arithmetic). Both forms have the same chunk edges, so that they agree bit for bit.
//
// Which blocks run follows from shapes alone; what they do, from a work list that plan_attention makes on the device from
// positions and places, once for all layers of a pass. A recorded graph so serves every ragged batch of its shape.
#pragma once

#include <optional>

#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/attention_plan.h"

namespace octet::cuda {

/// Who merges the parts of a row: by the batch's shape; or, to compare, the last block wherever it can (batches of up to 64 queries a key-value
/// head), or a launch always. Results are the same bits where chunks have the same edges.
enum class MergeBy { kShape, kLastBlock, kLaunch };

/// What the attention of a pass needs beside its operands: the work list, and partial results of chunks. One pass uses it at a
/// time.
class AttentionWorkspace {
 public:
  /// For batches of up to `rows` rows, on a device like this one. Without `merge`: as OCTET_CUDA_ATTENTION_MERGE in the environment
  /// says, `block` or `launch`, else by shape.
  AttentionWorkspace(const HeadShape& shape, int rows, const DeviceInfo& device, std::optional<MergeBy> merge = {});

  /// Device bytes it takes: for fitting a model into memory.
  static std::size_t bytes(const HeadShape& shape, int rows, const DeviceInfo& device);

  /// Throws std::invalid_argument where the batch is larger than the workspace or has more than kMaxSlots lanes.
  AttentionGeometry geometry(const Batch& batch, const HeadShape& shape) const;
  /// Blocks of a launch for each key-value head: one an item, or fewer that take several.
  int most_blocks(const AttentionGeometry& geometry, const HeadShape& shape) const;
  AttentionPlan plan() const { return {items_.data(), count_.data(), limits_.data(), parts_.data()}; }
  int* given() const { return given_.data(); }
  Vector8* scales() const { return scales_.data(); }
  float* sums() const { return sums_.data(); }

 private:
  int rows_, multiprocessors_, partial_rows_;
  MergeBy merge_;
  DeviceArray<AttentionItem> items_;
  DeviceArray<int> count_, limits_, parts_, given_;
  DeviceArray<Vector8> scales_;
  DeviceArray<float> sums_;
};

/// Heads of this shape have a tensor-core kernel: 64 or 128 dimensions.
bool attends_on_tensor_cores(const HeadShape& shape);

/// The work list of this batch, for every attend() of the pass: one small launch. Throws as AttentionWorkspace::geometry
/// does.
void plan_attention(Stream& stream, const AttentionWorkspace& workspace, const Batch& batch, const HeadShape& shape, RaggedForm form);

/// out [rows][heads][head_dim] = attention of q [rows][heads][head_dim] over keys and values [cells][kv_heads][head_dim], all Bf16
/// and 16-byte aligned, by the list that plan_attention made of the same batch. Zeros for inactive rows. Cells beyond a lane's
/// last position are never read. A layer's keys have fewer than 2^32 elements. Throws std::invalid_argument for a shape without
/// a kernel.
void attend(Stream& stream, const AttentionWorkspace& workspace, const Batch& batch, const HeadShape& shape, const void* q, const void* keys,
            const void* values, void* out);

}  // namespace octet::cuda
