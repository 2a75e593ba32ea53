#include "runtimes/cuda/kernels/layers.h"

#include <algorithm>

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/formats.cuh"

namespace octet::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp, kMostThreads = 1024;
constexpr float kPi = 3.14159265358979f;

// The block's sum, in every thread, warps added in order.
OCTET_DEVICE float block_sum(float x) {
  auto* const sums = reinterpret_cast<float*>(shared_memory());
  x = warp_sum(x);
  if (warp_lane() == 0) sums[warp_index()] = x;
  block_sync();
  float total = 0;
  for (int warp = 0; warp < threads_x() / kWarp; ++warp) total += sums[warp];
  return total;
}

// The angle of pair `pair` of a head at a position. YaRN (Peng et al., 2023, section 3.2) mixes the stretched and the plain
// angle by how often the pair turns within the trained context: not at all below beta_slow turns, fully above beta_fast.
OCTET_DEVICE float angle_of(const RopeParameters& rope, const float* factors, int pair, int position) {
  const float frequency = expf(-logf(rope.base) * static_cast<float>(2 * pair) / static_cast<float>(rope.dimensions));
  const float plain = static_cast<float>(position) * (factors ? frequency / factors[pair] : frequency);
  const float stretched = plain * rope.scale;
  if (rope.extrapolation == 0) return stretched;
  const auto pair_that_turns = [&](float turns) {
    return static_cast<float>(rope.dimensions) * logf(static_cast<float>(rope.trained_context) / (turns * 2 * kPi)) / (2 * logf(rope.base));
  };
  const float low = fmaxf(0.0f, floorf(pair_that_turns(rope.beta_fast)));
  const float high = fminf(static_cast<float>(rope.dimensions - 1), ceilf(pair_that_turns(rope.beta_slow)));
  const float ramp = fminf(1.0f, fmaxf(0.0f, (static_cast<float>(pair) - low) / fmaxf(0.001f, high - low)));
  const float mix = (1 - ramp) * rope.extrapolation;
  return stretched * (1 - mix) + plain * mix;
}

// The row's cell, and a turn a thread.
OCTET_DEVICE void tabulate(const Batch& batch, const Turning& turning, int row) {
  const int position = batch.position[row], slot = batch.slot[row / batch.rows_per_lane], pairs = turning.rope.dimensions / 2;
  const bool active = position >= 0 && slot >= 0;
  if (thread_x() == 0) turning.table.cell[row] = active ? cell_of(batch.place[slot], position) : -1;
  for (int pair = thread_x(); active && pair < pairs; pair += threads_x()) {
    const float angle = angle_of(turning.rope, turning.factors, pair, position);
    turning.table.turns[static_cast<std::size_t>(row) * pairs + pair] = {cosf(angle) * turning.rope.magnitude, sinf(angle) * turning.rope.magnitude};
  }
}

// Sums of squares of the 64 columns from `first` on, of which lane l has l and l + 32, into the row's groups.
OCTET_DEVICE void put_squares(const OutputNorm& next, std::size_t row, int first, const float (&squares)[2]) {
  float* const to = next.squares + row + first / next.group;
  if (next.group == kNormGroup) {
    const float total = warp_sum(squares[0] + squares[1]);
    if (warp_lane() == 0) *to = total;
    return;
  }
  OCTET_UNROLL
  for (int i = 0; i < 2; ++i) {
    float total = squares[i];
    OCTET_UNROLL
    for (int mask = 8; mask > 0; mask /= 2) total += shuffle_xor(total, mask);
    const float both = total + shuffle_xor(total, 16);
    if (next.group == kWarp && warp_lane() == 0) to[i] = both;
    if (next.group < kWarp && warp_lane() % 16 == 0) to[2 * i + warp_lane() / 16] = total;
  }
}

// A warp takes 64 columns at a time, two a lane: one, two or four groups of a norm.
OCTET_KERNEL embed_row(Matrix embedding, Batch batch, float* residual, OutputNorm next, Turning turning) {
  let_next_start();
  wait_for_previous();
  const int row = block_x(), token = batch.token[row], runs = (embedding.columns + kNormGroup - 1) / kNormGroup;
  if (turning.table.cell) tabulate(batch, turning, row);
  const std::size_t start = static_cast<std::size_t>(row) * embedding.columns;
  for (int run = warp_index(); run < runs; run += kWarps) {
    float squares[2] = {};
    OCTET_UNROLL
    for (int i = 0; i < 2; ++i) {
      const int column = run * kNormGroup + i * kWarp + warp_lane();
      if (column >= embedding.columns) continue;
      const float r = weight_at(embedding, token, column);
      residual[start + column] = r;
      if (next.weight) next.h[start + column] = to_bf16(r * next.weight[column]);
      squares[i] = r * r;
    }
    if (!next.weight) continue;
    put_squares(next, static_cast<std::size_t>(row) * (embedding.columns / next.group), run * kNormGroup, squares);
  }
}

template <class T>
OCTET_KERNEL_BOUNDS(kMostThreads, 1) normalise_row(const float* residual, const float* weight, float epsilon, int width, T* x) {
  let_next_start();
  wait_for_previous();
  const std::size_t start = static_cast<std::size_t>(block_x()) * width;
  float squares = 0;
  for (int i = thread_x(); i < width; i += threads_x()) squares += residual[start + i] * residual[start + i];
  const float factor = inverse_sqrt(block_sum(squares) / static_cast<float>(width) + epsilon);
  for (int i = thread_x(); i < width; i += threads_x()) x[start + i] = from_float<T>(residual[start + i] * factor * weight[i]);
}

OCTET_KERNEL gather_row(const float* from, int rows_per_lane, int first, int count, int width, float* to) {
  let_next_start();
  wait_for_previous();
  const int lane = block_x() / count, row = lane * rows_per_lane + first + block_x() % count;
  for (int i = thread_x(); i < width; i += threads_x())
    to[static_cast<std::size_t>(block_x()) * width + i] = from[static_cast<std::size_t>(row) * width + i];
}

// One warp a row and head, eight of them a block, a pair of dimensions a lane at a time.
template <class T>
OCTET_KERNEL rope_and_store_row(QueryKeyValue call) {
  let_next_start();
  wait_for_previous();
  const int row = block_x(), in_cache = call.table.cell[row];
  const auto [heads, kv_heads, head_dim] = call.shape;
  const int head = block_y() * kWarps + warp_index();
  if (in_cache < 0 || head >= heads + 2 * kv_heads) return;
  const std::size_t cell = static_cast<std::size_t>(in_cache) * kv_heads * head_dim;
  const float* const from = call.product + (static_cast<std::size_t>(row) * (heads + 2 * kv_heads) + head) * head_dim;
  const bool query = head < heads, value = head >= heads + kv_heads, paired = call.shape.pairs_rows();
  T* const to = query ? static_cast<T*>(call.q) + (static_cast<std::size_t>(row) * heads + head) * head_dim
                : value ? static_cast<T*>(call.values) + cell + (head - heads - kv_heads) * head_dim
                        : static_cast<T*>(call.keys) + cell + (head - heads) * head_dim;
  const float* const norm = query ? call.q_norm : value ? nullptr : call.k_norm;
  float factor = 1;
  if (norm) {
    float squares = 0;
    for (int i = warp_lane(); i < head_dim; i += kWarp) squares += from[i] * from[i];
    factor = inverse_sqrt(warp_sum(squares) / static_cast<float>(head_dim) + call.epsilon);
  }
  const HeadPairs pairs = value ? HeadPairs{} : call.pairs;
  for (int pair = warp_lane(); pair < head_dim / 2; pair += kWarp) {
    const int first = pairs.first(pair), second = pairs.second(pair);
    float x = from[paired ? interleaved_row(pair, false) : first], y = from[paired ? interleaved_row(pair, true) : second];
    if (norm) x *= factor * norm[first], y *= factor * norm[second];
    if (pair < pairs.turned) {
      const Turn turn = call.table.turns[static_cast<std::size_t>(row) * pairs.turned + pair];
      const float turned = x * turn.cosine - y * turn.sine;
      y = x * turn.sine + y * turn.cosine;
      x = turned;
    }
    to[first] = from_float<T>(x);
    to[second] = from_float<T>(y);
  }
}

}  // namespace

void embed(Stream& stream, const Matrix& embedding, const Batch& batch, float* residual, const OutputNorm& next, const Turning& turning) {
  if (next.weight && (embedding.columns % kNormGroup != 0 || !is_norm_group(next.group)))
    throw std::invalid_argument("embed: the norm cannot be folded in");
  launch(stream, {.grid = {batch.rows()}, .threads = kThreads, .overlaps_previous = true}, embed_row, embedding, batch, residual, next, turning);
}

void rms_norm(Stream& stream, const float* residual, const float* weight, float epsilon, int rows, int width, Precision precision, void* x) {
  // There are few rows, so each is spread: four elements a thread.
  const int threads = std::clamp((width / 4 + kWarp - 1) / kWarp * kWarp, kWarp, kMostThreads);
  const Shape shape{.grid = {rows}, .threads = threads, .shared_bytes = kMostThreads / kWarp * sizeof(float), .overlaps_previous = true};
  if (precision == Precision::kFloat32) launch(stream, shape, normalise_row<float>, residual, weight, epsilon, width, static_cast<float*>(x));
  else launch(stream, shape, normalise_row<Bf16>, residual, weight, epsilon, width, static_cast<Bf16*>(x));
}

void gather_rows(Stream& stream, const float* from, int lanes, int rows_per_lane, int first, int count, int width, float* to) {
  launch(stream, {.grid = {lanes * count}, .threads = kThreads, .overlaps_previous = true}, gather_row, from, rows_per_lane, first, count, width, to);
}

void rope_and_store(Stream& stream, int rows, const QueryKeyValue& call) {
  const int heads = call.shape.heads + 2 * call.shape.kv_heads;
  const Shape shape{.grid = {rows, (heads + kWarps - 1) / kWarps}, .threads = kThreads, .overlaps_previous = true};
  if (call.precision == Precision::kFloat32) launch(stream, shape, rope_and_store_row<float>, call);
  else launch(stream, shape, rope_and_store_row<Bf16>, call);
}

}  // namespace octet::cuda
