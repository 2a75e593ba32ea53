#include "runtimes/cuda/kernels/attention.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace octet::cuda {
namespace {

constexpr int kMostTileRows = kAttentionWarps * 32;

// A merge by the last block saves a launch, and has one block read what else many would: for each of its threads
// ceil(queries head_dim / 4 / 128) columns of 16 bytes, and as many loads a column as there are parts, eight under way at once. The loads of
// a lane's merge are bounded by 4 columns of 24 + 8 parts: four trips to the second-level cache a column, and 256 KB through one
// multiprocessor. That is 32 queries of 64 dimensions, or 16 of 128: a draft's pass of few lanes. Merging eight lanes of 14 heads over
// two key-value heads, 7 columns, by one block takes longer than what a launch costs beside a merge spread over the device.
constexpr int kMostColumnsAlone = 4, kMostPromptPartsAlone = 24, kMostTailPartsAlone = 8;

MergeBy merge_by_environment() {
  const char* const asked = std::getenv("OCTET_CUDA_ATTENTION_MERGE");
  const std::string_view by = asked ? asked : "";
  return by == "block" ? MergeBy::kLastBlock : by == "launch" ? MergeBy::kLaunch : MergeBy::kShape;
}

// Only kernels of one row tile a warp have the code (the others want the registers): a segment then is one tile, so that a lane's parts are
// as many as the items that have rows of it.
bool last_block_merges(MergeBy by, const HeadShape& shape, int row_tiles, int queries) {
  if (row_tiles > 1) return false;
  if (by != MergeBy::kShape) return by == MergeBy::kLastBlock;
  return ceil_div(queries * (shape.head_dim / 4), kAttentionThreads) <= kMostColumnsAlone;
}

// Enough for two blocks a multiprocessor whose tiles are full, of prompts and of tails, and for one part of each row and kind.
int partial_rows_of(const HeadShape& shape, int rows, const DeviceInfo& device) {
  const int row_heads = rows * shape.heads;
  return std::min(row_heads * (kMostPromptParts + kMostTailParts), 2 * (row_heads + 2 * device.multiprocessors * kMostTileRows));
}

// Every tile but a segment's last has 16 queries at least.
int items_of(const HeadShape& shape, int rows) {
  return (rows * shape.heads / shape.kv_heads / 16 + kMaxSlots) * (kMostPromptParts + kMostTailParts);
}

std::size_t given_of(const HeadShape& shape) { return static_cast<std::size_t>(kMaxSlots) * shape.kv_heads; }

}  // namespace

AttentionWorkspace::AttentionWorkspace(const HeadShape& shape, int rows, const DeviceInfo& device, std::optional<MergeBy> merge)
    : rows_(rows),
      multiprocessors_(device.multiprocessors),
      partial_rows_(partial_rows_of(shape, rows, device)),
      merge_(merge ? *merge : merge_by_environment()),
      items_(static_cast<std::size_t>(items_of(shape, rows))),
      count_(1),
      limits_(static_cast<std::size_t>(rows)),
      parts_(kMaxSlots),
      given_(std::vector<int>(given_of(shape), 0)),
      scales_(static_cast<std::size_t>(partial_rows_)),
      sums_(static_cast<std::size_t>(partial_rows_) * shape.head_dim) {}

std::size_t AttentionWorkspace::bytes(const HeadShape& shape, int rows, const DeviceInfo& device) {
  const auto partial = static_cast<std::size_t>(partial_rows_of(shape, rows, device));
  return partial * (sizeof(Vector8) + shape.head_dim * sizeof(float)) + static_cast<std::size_t>(items_of(shape, rows)) * sizeof(AttentionItem) +
         (1 + kMaxSlots + given_of(shape) + static_cast<std::size_t>(rows)) * sizeof(int);
}

AttentionGeometry AttentionWorkspace::geometry(const Batch& batch, const HeadShape& shape) const {
  if (batch.lanes < 1 || batch.rows_per_lane < 1 || batch.lanes > kMaxSlots || batch.rows() > rows_)
    throw std::invalid_argument("attention: the batch does not fit its workspace");
  AttentionGeometry g{};
  g.group = shape.heads / shape.kv_heads;
  const int lane_queries = batch.rows_per_lane * g.group, queries = batch.lanes * lane_queries;
  g.row_tiles = queries > kAttentionWarps * 16 ? 2 : 1;
  const int prompt_tiles = ceil_div(queries, g.tile_rows()), tail_tiles = batch.lanes * ceil_div(lane_queries, g.tile_rows());
  const int room = std::max(1, partial_rows_ / (2 * batch.rows() * shape.heads));
  // A part of a large tile writes as many bytes of sums as it reads of 128 cells: such are cut less.
  const int blocks = g.row_tiles == 2 ? multiprocessors_ * 3 / 2 : multiprocessors_ * 2;
  const auto parts = [&](int tiles, int most) { return std::min(room, std::clamp(blocks / (shape.kv_heads * tiles), 1, most)); };
  g.least_chunk = kStageCells * g.row_tiles;
  g.last_block_merges = last_block_merges(merge_, shape, g.row_tiles, queries);
  g.prompt_parts = parts(prompt_tiles, g.last_block_merges ? kMostPromptPartsAlone : kMostPromptParts);
  g.tail_parts = parts(tail_tiles, g.last_block_merges ? kMostTailPartsAlone : kMostTailParts);
  g.most_items = (queries / g.tile_rows() + batch.lanes) * g.prompt_parts + tail_tiles * g.tail_parts;
  if (static_cast<std::size_t>(g.most_items) > items_.size()) throw std::invalid_argument("attention: more items than the workspace holds");
  return g;
}

int AttentionWorkspace::most_blocks(const AttentionGeometry& geometry, const HeadShape& shape) const {
  const int resident = shape.head_dim == 64 && geometry.row_tiles == 1 ? 3 : 2;  // on a multiprocessor, by registers: 146 of a thread against 206
  return std::min(geometry.most_items, std::max(1, ceil_div(resident * multiprocessors_, shape.kv_heads)));
}

}  // namespace octet::cuda
