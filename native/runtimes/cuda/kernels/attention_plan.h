// How the attention of a batch is divided. A segment is a run of cells with the query rows that read it: a prompt with the rows
// of all its lanes, or a lane's tail with the lane's own. It is cut into chunks of cells and tiles of query rows; an item is one
// of each, and a block does it for one key-value head.
//
// With g heads on a key-value head, query x = row * g + i is head i of the row's g: rows of lanes side by side are queries side
// by side.
#pragma once

#include "runtimes/cuda/kernels/layers.h"

namespace octet::cuda {

/// BASS-SPLIT: items of exactly each lane's own tail. BASS-PAD: every tail has the longest one's chunks, whole; the padding is
/// computed and masked by length (as zeros, which are not read from memory).
enum class RaggedForm { kSplit, kPad };

constexpr int kAttentionWarps = 4, kAttentionThreads = kAttentionWarps * 32;
constexpr int kStageCells = 64;
constexpr int kMostPromptParts = 48, kMostTailParts = 16, kMostParts = kMostPromptParts + kMostTailParts;

/// What follows from shapes alone.
struct AttentionGeometry {
  int group;                      ///< Query heads on a key-value head.
  int row_tiles;                  ///< 16-row tiles of a warp, 1 or 2.
  int prompt_parts, tail_parts;   ///< Most chunks of a prompt and of a tail.
  int least_chunk;                ///< Cells of a chunk at least.
  int most_items;
  bool last_block_merges;         ///< The last block to give a part of a lane merges it; else a launch of its own does.

  OCTET_BOTH int parts() const { return prompt_parts + tail_parts; }
  OCTET_BOTH int warp_rows() const { return 16 * row_tiles; }
  OCTET_BOTH int tile_rows() const { return kAttentionWarps * warp_rows(); }
};

struct AttentionItem {
  int first_query, queries;          ///< At most tile_rows().
  int first_cell, first_position;    ///< Of the chunk; its cells and positions ascend together.
  int cells;                         ///< That may be read, 0 or more.
  int walk;                          ///< That are gone through, `cells` or more; -1: the list has ended.
  int part;                          ///< Which of its rows' partial results it gives.
  int row_warps;                     ///< Warps that divide the rows, 1, 2 or 4; the others divide the cells.
};

/// The work list, in device memory.
struct AttentionPlan {
  AttentionItem* items;  ///< [AttentionGeometry::most_items], so that a block that finds none need not ask how many there are first.
  int* count;
  int* limits;  ///< [rows] last position that the row sees; -1: inactive.
  int* parts;   ///< [lanes] partial results of each of its rows; 0: the whole lane is inactive.
};

OCTET_BOTH int ceil_div(int a, int b) { return (a + b - 1) / b; }

/// Cells of a chunk, whole stages, so that `cells` make at most `parts` chunks.
OCTET_BOTH int chunk_cells(int cells, int parts, int least) {
  const int chunk = ceil_div(ceil_div(cells, parts), kStageCells) * kStageCells;
  return chunk > least ? chunk : least;
}

}  // namespace octet::cuda
