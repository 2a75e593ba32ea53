// A block of 4 warps takes an item of the work list for one key-value head: a tile of up to 128 queries and a chunk of cells.
// Keys and values come by asynchronous copies of 16 bytes into a ring of stages of 64 cells; a cell that may not be read is
// zeros there, so that a weight of 0 meets no NaN. Warps divide the rows where there are enough, else the cells of a stage
// (attention_tile.cuh), and then merge as chunks do. What a block finds goes to the output where it is the row's only part, else
// to the partial results. Those are merged in chunk order, whatever the order of blocks: where the batch has few query rows, by the block
// that gives a lane's last part for this key-value head; else by a second kernel (attention_merge.cu).
//
// Few rows (decoding, drafting): bound by reading keys and values, 4 head_dim bytes a cell and key-value head, the prompt's once
// for all lanes (more tiles than one find them in the second-level cache). Many (long verification, prefill): bound by tensor
// cores, 4 head_dim operations a query and cell. Parts are as many as fill the device, within the workspace.
#include <cmath>
#include <stdexcept>

#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/attention.h"
#include "runtimes/cuda/kernels/attention_call.cuh"
#include "runtimes/cuda/kernels/attention_merge.cuh"
#include "runtimes/cuda/kernels/attention_tile.cuh"

namespace octet::cuda {
namespace {

constexpr int stages_of(int dim) { return dim == 64 ? 3 : 2; }

template <int kDim, int kRowTiles>
struct Layout {
  using Rows = SharedRows<kDim>;
  static constexpr int kTileRows = kAttentionWarps * 16 * kRowTiles, kStages = stages_of(kDim);
  static constexpr int kPlaneBytes = kStageCells * Rows::kBytes, kStageBytes = 2 * kPlaneBytes;
  static constexpr int kQueries = kStages * kStageBytes;  // stages come first
  static constexpr int kBytes = kQueries + kTileRows * Rows::kBytes;
  // Of the merge between warps, over the same memory: rows of sums, padded against bank conflicts, then m and s.
  static constexpr int kSumStride = kDim + 8, kScales = kTileRows * kSumStride * 4;
  static_assert(kScales + kTileRows * 8 <= kBytes && kBytes <= 99 << 10);
  static_assert(sizeof(Vector16) + merge_bytes<kDim>(kAttentionThreads) <= kBytes);
};

template <int kDim>
OCTET_DEVICE void copy_queries(const AttentionCall& call, const AttentionItem& item, std::byte* queries, int rows) {
  using Rows = SharedRows<kDim>;
  constexpr int kStep = kAttentionThreads / Rows::kPieces;
  const int piece = thread_x() % Rows::kPieces, first = thread_x() / Rows::kPieces;
  const int step_rows = kStep / call.group, step_heads = kStep - step_rows * call.group;  // a query's place without a division for each
  int row = (item.first_query + first) / call.group, head = item.first_query + first - row * call.group;
  for (int i = first; i < rows; i += kStep) {
    const bool valid = i < item.queries;
    const std::size_t place = static_cast<std::size_t>(row) * call.heads + block_y() * call.group + head;
    copy_async(queries + Rows::at(i, piece), call.q + (valid ? place * kDim + piece * 8 : 0), valid);
    row += step_rows, head += step_heads;
    if (head >= call.group) head -= call.group, ++row;
  }
}

/// Cells first .. first + 63 of the item's chunk.
template <int kDim>
OCTET_DEVICE void copy_cells(const AttentionCall& call, const AttentionItem& item, std::byte* stage, int first) {
  using Rows = SharedRows<kDim>;
  constexpr int kStep = kAttentionThreads / Rows::kPieces;
  const int piece = thread_x() % Rows::kPieces;
  const int row = thread_x() / Rows::kPieces;
  const std::uint32_t cell_stride = static_cast<std::uint32_t>(call.kv_heads) * kDim;
  const std::uint32_t begin = static_cast<std::uint32_t>(item.first_cell + first + row) * cell_stride + block_y() * kDim + piece * 8;
  const int left = item.cells - first - row;
  OCTET_UNROLL
  for (int i = 0; i < kStageCells / kStep; ++i) {
    const bool valid = i * kStep < left;
    const std::uint32_t offset = valid ? begin + i * kStep * cell_stride : 0;
    std::byte* const to = stage + Rows::at(row + i * kStep, piece);
    copy_async(to, call.keys + offset, valid);
    copy_async(to + kStageCells * Rows::kBytes, call.values + offset, valid);
  }
}

/// What each of the thread's rows sees of the chunk. Rows beyond the tile, which nobody reads, see all, so that they ask for no
/// masking.
template <int kDim, int kRowTiles>
OCTET_DEVICE void find_seen(const AttentionCall& call, const AttentionItem& item, int first_row, AttentionRows<kDim, kRowTiles>& rows) {
  OCTET_UNROLL
  for (int t = 0; t < kRowTiles; ++t) {
    OCTET_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int i = first_row + t * 16 + half * 8 + fragment_group();
      const int limit = i < item.queries ? call.plan.limits[(item.first_query + i) / call.group] - item.first_position : item.cells;
      rows.seen[t][half] = limit < item.cells - 1 ? limit : item.cells - 1;
    }
  }
}

/// From the registers of warps that had rows to themselves.
template <int kDim, int kRowTiles>
OCTET_DEVICE void put_rows(const AttentionCall& call, const AttentionItem& item, int first_row, const AttentionRows<kDim, kRowTiles>& rows) {
  OCTET_UNROLL
  for (int t = 0; t < kRowTiles; ++t) {
    OCTET_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int i = first_row + t * 16 + half * 8 + fragment_group();
      if (i >= item.queries) continue;
      const AttentionTarget target(call, item.first_query + i);
      if (fragment_pair() == 0) target.put_scales(call, item.part, rows.most[t][half], rows.total[t][half]);
      OCTET_UNROLL
      for (int d = 0; d < kDim / 8; ++d) {
        const float x = rows.acc[t][d][2 * half], y = rows.acc[t][d][2 * half + 1];
        target.put<kDim>(call, item.part, rows.total[t][half], d * 8 + 2 * fragment_pair(), x, y);
      }
    }
  }
}

/// Of warps that divided the cells: merged through shared memory, in the warps' order.
template <int kDim, int kRowTiles>
OCTET_DEVICE void merge_warps(const AttentionCall& call, const AttentionItem& item, const AttentionRows<kDim, kRowTiles>& rows) {
  using L = Layout<kDim, kRowTiles>;
  constexpr int kWarpRows = 16 * kRowTiles;
  auto* const sums = reinterpret_cast<float*>(shared_memory());
  auto* const scales = reinterpret_cast<float*>(shared_memory() + L::kScales);
  block_sync();
  OCTET_UNROLL
  for (int t = 0; t < kRowTiles; ++t) {
    OCTET_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int slot = warp_index() * kWarpRows + t * 16 + half * 8 + fragment_group();
      OCTET_UNROLL
      for (int d = 0; d < kDim / 8; ++d)
        *reinterpret_cast<Vector8*>(sums + slot * L::kSumStride + d * 8 + 2 * fragment_pair()) =
            {{float_to_bits(rows.acc[t][d][2 * half]), float_to_bits(rows.acc[t][d][2 * half + 1])}};
      if (fragment_pair() == 0) scales[2 * slot] = rows.most[t][half], scales[2 * slot + 1] = rows.total[t][half];
    }
  }
  block_sync();
  // A thread has four columns of either half of a row, so that what is the same for all of a row is done by few.
  constexpr int kThreads = kDim / 8;
  const int thread = thread_x_here(), column = thread % kThreads * 4;
  for (int i = thread / kThreads; i < item.queries; i += kAttentionThreads / kThreads) {
    float most = kNothingSeen, total = 0, sum[2][4] = {};
    for (int slot = i; slot < L::kTileRows; slot += item.row_warps * kWarpRows) most = scales[2 * slot] > most ? scales[2 * slot] : most;
    for (int slot = i; slot < L::kTileRows; slot += item.row_warps * kWarpRows) {
      const float weight = exp2_of(scales[2 * slot] - most);
      total += weight * scales[2 * slot + 1];
      OCTET_UNROLL
      for (int half = 0; half < 2; ++half) {
        const auto part = *reinterpret_cast<const Vector16*>(sums + slot * L::kSumStride + half * (kDim / 2) + column);
        OCTET_UNROLL
        for (int c = 0; c < 4; ++c) sum[half][c] += weight * bits_to_float(part.word[c]);
      }
    }
    const AttentionTarget target(call, item.first_query + i);
    if (column == 0) target.put_scales(call, item.part, most, total);
    OCTET_UNROLL
    for (int half = 0; half < 2; ++half) target.put_four<kDim>(call, item.part, total, half * (kDim / 2) + column, sum[half]);
  }
}

/// The warp's share of a stage: all cells, 32 or 16 of them.
template <int kDim, int kRowTiles>
OCTET_DEVICE void add_stage(const AttentionCall& call, const AttentionItem& item, const std::byte* queries, const std::byte* stage, int first,
                            int all_see, AttentionRows<kDim, kRowTiles>& rows) {
  const std::byte* const values = stage + Layout<kDim, kRowTiles>::kPlaneBytes;
  if (item.row_warps == 1) {
    const int row = warp_index() * 16;
    rows.template add_cells<16>(queries, stage, values, row, first + row, first + row + 15 > all_see, call.scale);
  } else {
    const int step = item.row_warps == 2 ? 64 : 32;
    for (int row = item.row_warps == 2 ? warp_index() / 2 * 32 : 0; row < kStageCells; row += step)
      rows.template add_cells<32>(queries, stage, values, row, first + row, first + row + 31 > all_see, call.scale);
  }
}

template <int kDim, int kRowTiles>
OCTET_DEVICE void attend_item(const AttentionCall& call, const AttentionItem& item) {
  using L = Layout<kDim, kRowTiles>;
  std::byte *const stages = shared_memory(), *const queries = stages + L::kQueries;
  const int steps = ceil_div(item.walk, kStageCells);
  const int first_row = warp_index() % item.row_warps * 16 * kRowTiles;
  block_sync();  // the block's item before this one is done with shared memory
  copy_queries<kDim>(call, item, queries, item.row_warps * 16 * kRowTiles);
  for (int s = 0; s < L::kStages - 1; ++s) {
    if (s < steps) copy_cells<kDim>(call, item, stages + s * L::kStageBytes, s * kStageCells);
    commit_async();
  }
  AttentionRows<kDim, kRowTiles> rows;
  rows.clear();
  find_seen(call, item, first_row, rows);
  const int all_see = rows.all_see();
  const std::byte* const my_queries = queries + first_row * SharedRows<kDim>::kBytes;
  for (int s = 0, current = 0, refilled = L::kStages - 1; s < steps; ++s) {
    wait_async<L::kStages - 2>();
    block_sync();
    if (s + L::kStages - 1 < steps) copy_cells<kDim>(call, item, stages + refilled * L::kStageBytes, (s + L::kStages - 1) * kStageCells);
    commit_async();
    if (first_row < item.queries) {
      if (s == 0) rows.hold_queries(my_queries);
      add_stage(call, item, my_queries, stages + current * L::kStageBytes, s * kStageCells, all_see, rows);
    }
    refilled = current;
    current = current == L::kStages - 1 ? 0 : current + 1;
  }
  wait_async<0>();
  rows.add_totals();
  if (item.row_warps == kAttentionWarps) put_rows(call, item, first_row, rows);
  else merge_warps(call, item, rows);
}

/// The item's part is there: counts it for every lane that the item has rows of, and merges those whose last it was. A lane's counter goes back
/// to 0 with its last part, so that each pass finds it there, whichever lanes were active in the one before.
template <int kDim>
OCTET_DEVICE void give_part(const AttentionCall& call, const AttentionItem& item) {
  const int lane_queries = call.rows_per_lane * call.group, first_lane = item.first_query / lane_queries;
  auto& complete = *reinterpret_cast<std::uint32_t*>(shared_memory());
  auto* const weights = reinterpret_cast<float*>(shared_memory() + sizeof(Vector16));
  block_sync();
  if (warp_index() == 0) {
    fence();
    const int lane = first_lane + warp_lane();
    const int parts = lane <= (item.first_query + item.queries - 1) / lane_queries ? call.plan.parts[lane] : 0;
    bool last = false;
    if (parts > 1) {
      int* const given = call.given + lane * call.kv_heads + block_y();
      last = atomic_add(given, 1) == parts - 1;
      if (last) *given = 0;
    }
    fence();
    const std::uint32_t lanes = ballot(last);
    if (warp_lane() == 0) complete = lanes;
  }
  block_sync();
  const std::uint32_t lanes = complete;
  if (lanes == 0) return;
  for (int i = 0; i < kWarp; ++i)
    if (lanes >> i & 1) merge_lane<kDim>(call, first_lane + i, weights);
}

/// Zeros for lanes that no item has: by the last blocks, which have the fewest items.
template <int kDim>
OCTET_DEVICE void clear_idle_lanes(const AttentionCall& call) {
  constexpr int kPieces = kDim / 8;
  for (int lane = blocks_x() - 1 - block_x(); lane < call.lanes; lane += blocks_x()) {
    if (call.plan.parts[lane] != 0) continue;
    for (int e = thread_x(); e < call.rows_per_lane * call.group * kPieces; e += kAttentionThreads) {
      const std::size_t row = lane * call.rows_per_lane + e / kPieces / call.group, head = block_y() * call.group + e / kPieces % call.group;
      reinterpret_cast<Vector16*>(call.out)[(row * call.heads + head) * kPieces + e % kPieces] = {};
    }
  }
}

template <int kDim, int kRowTiles>
OCTET_KERNEL_BOUNDS(kAttentionThreads, 2) attend_items(AttentionCall call) {
  let_next_start();
  wait_for_previous();
  for (int i = block_x(); i < call.most_items; i += blocks_x()) {
    const AttentionItem& item = call.plan.items[i];
    if (item.walk < 0) break;
    attend_item<kDim, kRowTiles>(call, item);
    if constexpr (kRowTiles == 1)
      if (call.given) give_part<kDim>(call, item);
  }
  if constexpr (kRowTiles == 1)
    if (call.given) clear_idle_lanes<kDim>(call);
}

template <int kDim, int kRowTiles>
void start(Stream& stream, const AttentionCall& call, int blocks) {
  launch(stream,
         {.grid = {blocks, call.kv_heads}, .threads = kAttentionThreads, .shared_bytes = Layout<kDim, kRowTiles>::kBytes,
          .overlaps_previous = true},
         attend_items<kDim, kRowTiles>, call);
}

}  // namespace

bool attends_on_tensor_cores(const HeadShape& shape) {
  return (shape.head_dim == 64 || shape.head_dim == 128) && shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0;
}

void attend(Stream& stream, const AttentionWorkspace& workspace, const Batch& batch, const HeadShape& shape, const void* q, const void* keys,
            const void* values, void* out) {
  if (!attends_on_tensor_cores(shape)) throw std::invalid_argument("attention on tensor cores: heads of 64 or 128 dimensions");
  const AttentionGeometry geometry = workspace.geometry(batch, shape);
  const AttentionCall call{
      .plan = workspace.plan(), .most_items = geometry.most_items, .group = geometry.group, .most_parts = geometry.parts(),
      .lanes = batch.lanes, .rows_per_lane = batch.rows_per_lane,
      .heads = shape.heads, .kv_heads = shape.kv_heads, .q = static_cast<const Bf16*>(q), .keys = static_cast<const Bf16*>(keys),
      .values = static_cast<const Bf16*>(values), .scale = 1.44269504088896f / std::sqrt(static_cast<float>(shape.head_dim)),
      .scales = workspace.scales(), .sums = workspace.sums(), .out = static_cast<Bf16*>(out),
      .given = geometry.last_block_merges ? workspace.given() : nullptr};
  const int blocks = workspace.most_blocks(geometry, shape);
  if (shape.head_dim == 64 && geometry.row_tiles == 1) start<64, 1>(stream, call, blocks);
  else if (shape.head_dim == 64) start<64, 2>(stream, call, blocks);
  else if (geometry.row_tiles == 1) start<128, 1>(stream, call, blocks);
  else start<128, 2>(stream, call, blocks);
  if (!geometry.last_block_merges) merge_attention(stream, call, batch.rows(), shape.head_dim);
}

}  // namespace octet::cuda
