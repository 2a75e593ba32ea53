// One block lists the items of a batch: warps find the last active row of each lane, one thread the segments (at most two a
// lane), and all threads write the items. Bounded by its launch and a few dependent loads.
#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/attention.h"

namespace octet::cuda {
namespace {

constexpr int kThreads = 512;

struct Segment {
  int first_query, queries, tiles;
  int first_cell, first_position, cells;
  int chunk, first_part;
  int first_item, items;
  bool tail;
  int last, last_row;  // of a tail's lane: its last position, and the row that is there
};

struct Shared {
  int last[kMaxSlots], last_row[kMaxSlots], parts[kMaxSlots];
  Place place[kMaxSlots];  // of active lanes
  int segments, items;
  Segment segment[2 * kMaxSlots];
};

OCTET_DEVICE int warp_max_of(int x) {
  OCTET_UNROLL
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const int other = shuffle_xor(x, mask);
    x = other > x ? other : x;
  }
  return x;
}

OCTET_DEVICE void find_last_rows(const Batch& batch, const AttentionPlan& plan, Shared& shared) {
  for (int lane = warp_index(); lane < batch.lanes; lane += kThreads / kWarp) {
    const int slot = batch.slot[lane], first = lane * batch.rows_per_lane;
    int last = -1, last_row = -1;
    for (int j = warp_lane(); j < batch.rows_per_lane; j += kWarp) {
      const int position = slot < 0 ? -1 : batch.position[first + j];
      plan.limits[first + j] = position;
      if (position >= 0) last_row = j;
      last = position > last ? position : last;
    }
    last = warp_max_of(last);
    last_row = warp_max_of(last_row);
    if (warp_lane() == 0) {
      shared.last[lane] = last;
      shared.last_row[lane] = last_row;
      shared.parts[lane] = 0;
      if (last >= 0) shared.place[lane] = batch.place[slot];
    }
  }
}

class Segments {
 public:
  OCTET_DEVICE Segments(const Batch& batch, const AttentionGeometry& geometry, Shared& shared)
      : batch_(batch), geometry_(geometry), shared_(shared) {}

  /// Lists prompts first: their items are the longest. Returns the number of items.
  OCTET_DEVICE int list(RaggedForm form) {
    int longest = 0;
    for (int lane = 0; lane < batch_.lanes; ++lane) {
      if (shared_.last[lane] < 0) continue;
      const int tail = tail_of(lane);
      longest = tail > longest ? tail : longest;
    }
    for (int lane = 0; lane < batch_.lanes;) lane = shared_.last[lane] < 0 ? lane + 1 : add_prompt(lane);
    const int chunk = chunk_cells(longest, geometry_.tail_parts, geometry_.least_chunk);
    for (int lane = 0; lane < batch_.lanes; ++lane)
      if (shared_.last[lane] >= 0) add_tail(lane, chunk, form == RaggedForm::kPad ? longest : tail_of(lane));
    shared_.segments = segments_;
    return items_;
  }

 private:
  OCTET_DEVICE int tail_of(int lane) const {
    const int tail = shared_.last[lane] + 1 - shared_.place[lane].prompt_length;
    return tail > 0 ? tail : 0;
  }

  /// The prompt of the lane and of those behind it that share it, over idle ones. Returns the first lane behind them.
  OCTET_DEVICE int add_prompt(int first) {
    const Place& prompt = shared_.place[first];
    int end = first, last = -1;
    for (int lane = first; lane < batch_.lanes; ++lane) {
      if (shared_.last[lane] < 0) continue;
      const Place& other = shared_.place[lane];
      if (other.prompt_start != prompt.prompt_start || other.prompt_length != prompt.prompt_length) break;
      last = shared_.last[lane] > last ? shared_.last[lane] : last;
      end = lane + 1;
    }
    const int cells = last + 1 < prompt.prompt_length ? last + 1 : prompt.prompt_length;
    if (cells <= 0) return end;
    const int chunk = chunk_cells(cells, geometry_.prompt_parts, geometry_.least_chunk);
    add(first, end - first, cells, chunk, {.first_cell = prompt.prompt_start, .cells = cells});
    for (int lane = first; lane < end; ++lane)
      if (shared_.last[lane] >= 0) shared_.parts[lane] = ceil_div(cells, chunk);
    return end;
  }

  OCTET_DEVICE void add_tail(int lane, int chunk, int walk) {
    if (walk == 0) return;
    const Place& at = shared_.place[lane];
    add(lane, 1, walk, chunk,
        {.first_cell = at.tail_start, .first_position = at.prompt_length, .cells = tail_of(lane), .first_part = shared_.parts[lane],
         .tail = true, .last = shared_.last[lane], .last_row = shared_.last_row[lane]});
    shared_.parts[lane] += ceil_div(walk, chunk);
  }

  OCTET_DEVICE void add(int lane, int lanes, int walk, int chunk, Segment segment) {
    const int lane_queries = batch_.rows_per_lane * geometry_.group;
    segment.first_query = lane * lane_queries;
    segment.queries = lanes * lane_queries;
    segment.tiles = ceil_div(segment.queries, geometry_.tile_rows());
    segment.chunk = chunk;
    segment.first_item = items_;
    segment.items = segment.tiles * ceil_div(walk, chunk);
    items_ += segment.items;
    shared_.segment[segments_++] = segment;
  }

  const Batch& batch_;
  const AttentionGeometry& geometry_;
  Shared& shared_;
  int segments_ = 0, items_ = 0;
};

/// Tiles of a chunk stand side by side, so that blocks that read the same cells run together.
OCTET_DEVICE AttentionItem item_of(const Batch& batch, const AttentionGeometry& geometry, const Segment& segment, int index,
                                   RaggedForm form) {
  const int tile = index % segment.tiles, chunk = index / segment.tiles, start = chunk * segment.chunk;
  AttentionItem item;
  const int rows_left = segment.queries - tile * geometry.tile_rows();
  item.first_query = segment.first_query + tile * geometry.tile_rows();
  item.queries = rows_left < geometry.tile_rows() ? rows_left : geometry.tile_rows();
  item.first_cell = segment.first_cell + start;
  item.first_position = segment.first_position + start;
  const int left = segment.cells - start;
  item.cells = left < 0 ? 0 : left < segment.chunk ? left : segment.chunk;
  item.walk = item.cells;
  item.part = segment.first_part + chunk;
  const int warps = ceil_div(item.queries, geometry.warp_rows());
  item.row_warps = warps > 2 ? 4 : warps;
  if (segment.tail && form == RaggedForm::kPad) item.walk = segment.chunk;
  if (segment.tail && form == RaggedForm::kSplit) {
    // Active rows ascend by one, so the tile's last row sees this far; what none of its rows sees is left out.
    const int row = (item.first_query + item.queries - 1) / geometry.group % batch.rows_per_lane;
    const int highest = segment.last - (segment.last_row > row ? segment.last_row - row : 0);
    const int seen = highest + 1 - item.first_position;
    if (seen < item.walk) item.cells = item.walk = seen < 0 ? 0 : seen;
  }
  return item;
}

OCTET_KERNEL_BOUNDS(kThreads, 1) list_items(Batch batch, AttentionGeometry geometry, AttentionPlan plan, RaggedForm form) {
  let_next_start();
  wait_for_previous();
  Shared& shared = *reinterpret_cast<Shared*>(shared_memory());
  find_last_rows(batch, plan, shared);
  block_sync();
  if (thread_x() == 0) *plan.count = shared.items = Segments(batch, geometry, shared).list(form);
  block_sync();
  for (int i = shared.items + thread_x(); i < geometry.most_items; i += threads_x()) plan.items[i].walk = -1;
  for (int lane = thread_x(); lane < batch.lanes; lane += threads_x()) plan.parts[lane] = shared.parts[lane];
  for (int s = 0; s < shared.segments; ++s) {
    const Segment& segment = shared.segment[s];
    for (int i = thread_x(); i < segment.items; i += threads_x())
      plan.items[segment.first_item + i] = item_of(batch, geometry, segment, i, form);
  }
}

}  // namespace

void plan_attention(Stream& stream, const AttentionWorkspace& workspace, const Batch& batch, const HeadShape& shape, RaggedForm form) {
  launch(stream, {.threads = kThreads, .shared_bytes = sizeof(Shared), .overlaps_previous = true}, list_items, batch,
         workspace.geometry(batch, shape), workspace.plan(), form);
}

}  // namespace octet::cuda
