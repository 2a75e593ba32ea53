#include "runtimes/cuda/kernels/attention.h"

#include <algorithm>
#include <stdexcept>

namespace octet::cuda {
namespace {

constexpr int kMostTileRows = kAttentionWarps * 32;

// Enough for two blocks a multiprocessor whose tiles are full, of prompts and of tails, and for one part of each row and kind.
int partial_rows_of(const HeadShape& shape, int rows, const DeviceInfo& device) {
  const int row_heads = rows * shape.heads;
  return std::min(row_heads * (kMostPromptParts + kMostTailParts), 2 * (row_heads + 2 * device.multiprocessors * kMostTileRows));
}

// Every tile but a segment's last has 16 queries at least.
int items_of(const HeadShape& shape, int rows) {
  return (rows * shape.heads / shape.kv_heads / 16 + kMaxSlots) * (kMostPromptParts + kMostTailParts);
}

}  // namespace

AttentionWorkspace::AttentionWorkspace(const HeadShape& shape, int rows, const DeviceInfo& device)
    : rows_(rows),
      multiprocessors_(device.multiprocessors),
      partial_rows_(partial_rows_of(shape, rows, device)),
      items_(static_cast<std::size_t>(items_of(shape, rows))),
      count_(1),
      limits_(static_cast<std::size_t>(rows)),
      parts_(kMaxSlots),
      scales_(static_cast<std::size_t>(partial_rows_)),
      sums_(static_cast<std::size_t>(partial_rows_) * shape.head_dim) {}

std::size_t AttentionWorkspace::bytes(const HeadShape& shape, int rows, const DeviceInfo& device) {
  const auto partial = static_cast<std::size_t>(partial_rows_of(shape, rows, device));
  return partial * (sizeof(Vector8) + shape.head_dim * sizeof(float)) + static_cast<std::size_t>(items_of(shape, rows)) * sizeof(AttentionItem) +
         (1 + kMaxSlots + static_cast<std::size_t>(rows)) * sizeof(int);
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
  g.prompt_parts = parts(prompt_tiles, kMostPromptParts);
  g.tail_parts = parts(tail_tiles, kMostTailParts);
  g.most_items = (queries / g.tile_rows() + batch.lanes) * g.prompt_parts + tail_tiles * g.tail_parts;
  if (static_cast<std::size_t>(g.most_items) > items_.size()) throw std::invalid_argument("attention: more items than the workspace holds");
  return g;
}

int AttentionWorkspace::most_blocks(const AttentionGeometry& geometry, const HeadShape& shape) const {
  const int resident = shape.head_dim == 64 ? 3 : 2;  // on a multiprocessor
  return std::min(geometry.most_items, std::max(1, ceil_div(resident * multiprocessors_, shape.kv_heads)));
}

}  // namespace octet::cuda
