// The merge of partial results (attention_merge.cuh) as a launch of its own, spread over the device: for many query rows. Bounded by its
// launch: a row and head reads head_dim floats a part, from the second-level cache.
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/attention_merge.cuh"

namespace octet::cuda {
namespace {

constexpr int kThreads = 128;

/// Rows with one part have their output already; those of idle lanes, with none, become zeros.
template <int kDim>
OCTET_KERNEL merge_parts(AttentionCall call) {
  let_next_start();
  wait_for_previous();
  const int row = block_x(), head = block_y() * (kThreads / kMergeThreads<kDim>) + thread_x() / kMergeThreads<kDim>;
  const int parts = call.plan.parts[row / call.rows_per_lane];
  if (parts == 1) return;
  const bool valid = head < call.heads;
  merge_row<kDim, 16>(call, static_cast<std::size_t>(row) * call.heads + (valid ? head : 0), parts, reinterpret_cast<float*>(shared_memory()), valid);
}

template <int kDim>
void start(Stream& stream, const AttentionCall& call, int rows) {
  launch(stream,
         {.grid = {rows, ceil_div(call.heads, kThreads / kMergeThreads<kDim>)}, .threads = kThreads,
          .shared_bytes = merge_bytes<kDim>(kThreads), .overlaps_previous = true},
         merge_parts<kDim>, call);
}

}  // namespace

void merge_attention(Stream& stream, const AttentionCall& call, int rows, int head_dim) {
  if (head_dim == 64) start<64>(stream, call, rows);
  else start<128>(stream, call, rows);
}

}  // namespace octet::cuda
