// One block a row and head. Its warps take cells in turn, each with a running maximum m, sum s and accumulator a of
// exp(score - m) v (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018), and are merged in order:
//   m = max(m_w), s = sum of s_w e^(m_w - m), out = sum of a_w e^(m_w - m) / s
// Bounded by the keys and values read: 2 head_dim elements a cell.
#include <cmath>

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/attention_rows.h"

namespace octet::cuda {
namespace {

constexpr int kWarps = 4, kMostParts = 8;  // of a head, 32 dimensions each
constexpr float kLog2E = 1.44269504088896f, kLowest = -3.0e38f;

template <class T>
OCTET_KERNEL attend_row(Batch batch, HeadShape shape, const T* q, const T* keys, const T* values, float scale, T* out) {
  let_next_start();
  wait_for_previous();
  const int row = block_x(), head = block_y(), dim = shape.head_dim;
  const int position = batch.position[row], slot = batch.slot[row / batch.rows_per_lane];
  T* const to = out + (static_cast<std::size_t>(row) * shape.heads + head) * dim;
  if (position < 0 || slot < 0) {
    for (int i = thread_x(); i < dim; i += threads_x()) to[i] = from_float<T>(0);
    return;
  }
  const Place place = batch.place[slot];
  const int lane = warp_lane(), kv_head = head / (shape.heads / shape.kv_heads);
  const T* const query = q + (static_cast<std::size_t>(row) * shape.heads + head) * dim;
  float part[kMostParts], sum[kMostParts] = {};
  for (int p = 0; p < kMostParts; ++p) part[p] = p * kWarp + lane < dim ? to_float(query[p * kWarp + lane]) * scale : 0.0f;
  float most = kLowest, total = 0;
  for (int at = warp_index(); at <= position; at += kWarps) {
    const std::size_t cell = (static_cast<std::size_t>(cell_of(place, at)) * shape.kv_heads + kv_head) * dim;
    float score = 0;
    for (int p = 0; p * kWarp + lane < dim; ++p) score += part[p] * to_float(keys[cell + p * kWarp + lane]);
    score = warp_sum(score);
    const float higher = score > most ? score : most;
    const float keep = exp2_of(most - higher), weight = exp2_of(score - higher);
    for (int p = 0; p * kWarp + lane < dim; ++p) sum[p] = sum[p] * keep + weight * to_float(values[cell + p * kWarp + lane]);
    total = total * keep + weight;
    most = higher;
  }
  auto* const mosts = reinterpret_cast<float*>(shared_memory());
  float *const totals = mosts + kWarps, *const sums = totals + kWarps;
  if (lane == 0) {
    mosts[warp_index()] = most;
    totals[warp_index()] = total;
  }
  for (int p = 0; p * kWarp + lane < dim; ++p) sums[warp_index() * dim + p * kWarp + lane] = sum[p];
  block_sync();
  float highest = kLowest, all = 0;
  for (int warp = 0; warp < kWarps; ++warp) highest = mosts[warp] > highest ? mosts[warp] : highest;
  for (int warp = 0; warp < kWarps; ++warp) all += totals[warp] * exp2_of(mosts[warp] - highest);
  for (int i = thread_x(); i < dim; i += threads_x()) {
    float merged = 0;
    for (int warp = 0; warp < kWarps; ++warp) merged += sums[warp * dim + i] * exp2_of(mosts[warp] - highest);
    to[i] = from_float<T>(merged / all);
  }
}

template <class T>
void start(Stream& stream, const Batch& batch, const HeadShape& shape, const void* q, const void* keys, const void* values, void* out) {
  const float scale = kLog2E / std::sqrt(static_cast<float>(shape.head_dim));
  launch(stream,
         {.grid = {batch.rows(), shape.heads}, .threads = kWarps * kWarp,
          .shared_bytes = kWarps * (2 + static_cast<std::size_t>(shape.head_dim)) * sizeof(float), .overlaps_previous = true},
         attend_row<T>, batch, shape, static_cast<const T*>(q), static_cast<const T*>(keys), static_cast<const T*>(values), scale, static_cast<T*>(out));
}

}  // namespace

void attend_rows(Stream& stream, const Batch& batch, const HeadShape& shape, const void* q, const void* keys, const void* values,
                 Precision precision, void* out) {
  if (precision == Precision::kFloat32) start<float>(stream, batch, shape, q, keys, values, out);
  else start<Bf16>(stream, batch, shape, q, keys, values, out);
}

}  // namespace octet::cuda
