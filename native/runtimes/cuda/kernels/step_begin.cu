// What the passes of a step read, from the lanes' states: one small block each. And the writing of those states by the host.
#include <algorithm>
#include <stdexcept>

#include "engine/random.h"
#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/step_tables.h"

namespace octet::cuda {
namespace {

constexpr int kThreads = 256;

OCTET_DEVICE bool lives(const StepTables& t, int slot) { return slot >= 0 && !t.lane[slot].ended && t.lane[slot].room > 0; }

OCTET_DEVICE Token token_at(const StepTables& t, int slot, const LaneState& lane, int position) {
  return t.tail[static_cast<std::ptrdiff_t>(slot) * t.tail_tokens + position - lane.prompt_length];
}

// The draft's cache lacks the last token, or the last two of which the lane itself has both.
OCTET_DEVICE bool has_caught_up(const LaneState& lane) {
  return lane.draft_cached >= lane.length - 2 && lane.draft_cached >= lane.prompt_length;
}

OCTET_KERNEL fill_step(StepTables t, StepShape shape) {
  let_next_start();
  wait_for_previous();
  const StepInput& input = t.input[t.counters->number % kStepRing];
  const int rows = shape.draft_length + 1;
  if (const int i = thread_x(); i < shape.lanes) {
    const int slot = lives(t, input.slot[i]) ? input.slot[i] : -1;
    StepLane step{.slot = slot, .length = 0, .drafts = 0};
    int token[2] = {0, 0}, position[2] = {-1, -1};
    if (slot >= 0) {
      const LaneState& lane = t.lane[slot];
      step.length = lane.length;
      int drafts = input.draft_length[i];
      drafts = drafts < shape.draft_length ? drafts : shape.draft_length;
      drafts = drafts < lane.room - 1 ? drafts : lane.room - 1;
      step.drafts = drafts > 0 && (t.drafts_given || has_caught_up(lane)) ? drafts : 0;
      t.verify_token[i * rows] = token_at(t, slot, lane, lane.length - 1);
      if (step.drafts > 0 && !t.drafts_given) {
        token[1] = t.verify_token[i * rows];
        position[1] = lane.length - 1;
        if (lane.draft_cached == lane.length - 2) {
          position[0] = lane.length - 2;
          token[0] = token_at(t, slot, lane, position[0]);
        }
      }
    } else {
      t.verify_token[i * rows] = 0;
    }
    for (int j = 0; j < 2; ++j) {
      t.first_token[2 * i + j] = token[j];
      t.first_position[2 * i + j] = position[j];
    }
    t.verify_slot[i] = slot;
    t.draft_slot[i] = step.drafts > 0 && !t.drafts_given ? slot : -1;
    t.step[i] = step;
  }
  block_sync();
  for (int at = thread_x(); at < shape.lanes * rows; at += threads_x()) {
    const int i = at / rows, j = at % rows;
    const StepLane step = t.step[i];
    const bool active = step.slot >= 0 && j <= step.drafts;
    t.verify_position[at] = active ? step.length - 1 + j : -1;
    t.verify_which[at] = active ? step.slot : -1;
    if (active && t.drafts_given) {
      const LaneState& lane = t.lane[step.slot];
      t.verify_uniform[at] = uniform(lane.sampling.seed, lane.stream, static_cast<std::uint32_t>(step.length + j), Use::kTarget);
    }
    if (j == shape.draft_length) continue;
    const int draft = j * kMaxLanes + i;
    const bool drafting = j < step.drafts;
    t.drafted[draft] = t.verify_token[at + 1] = drafting && t.drafts_given ? input.draft[i][j] : 0;
    if (t.drafts_given) continue;
    t.draft_position[draft] = drafting ? step.length - 1 + j : -1;
    t.draft_which[draft] = drafting ? step.slot : -1;
    if (drafting) {
      const LaneState& lane = t.lane[step.slot];
      t.draft_uniform[draft] = uniform(lane.sampling.seed, lane.stream, static_cast<std::uint32_t>(step.length + j), Use::kDraft);
    }
  }
}

OCTET_KERNEL fill_catch_up(StepTables t, int lanes, int rows) {
  let_next_start();
  wait_for_previous();
  const StepInput& input = t.input[t.counters->number % kStepRing];
  const int i = thread_x();
  if (i >= lanes) return;
  const int slot = input.slot[i];
  int count = 0, first = 0;
  if (lives(t, slot) && input.draft_length[i] > 0 && t.lane[slot].draft_cached >= t.lane[slot].prompt_length) {
    LaneState& lane = t.lane[slot];
    first = lane.draft_cached;
    count = lane.length - 2 - first;
    count = count < 0 ? 0 : count < rows ? count : rows;
    for (int j = 0; j < count; ++j) t.catch_up_token[i * rows + j] = token_at(t, slot, lane, first + j);
    lane.draft_cached = first + count;
  }
  t.catch_up_slot[i] = count > 0 ? slot : -1;
  for (int j = 0; j < rows; ++j) t.catch_up_position[i * rows + j] = j < count ? first + j : -1;
  for (int j = count; j < rows; ++j) t.catch_up_token[i * rows + j] = 0;
}

OCTET_KERNEL write_lane(StepTables t, int slot, Place place, LaneState state, Warping warping, Token last) {
  wait_for_previous();
  if (thread_x() != 0) return;
  t.place[slot] = place;
  t.lane[slot] = state;
  t.warping[slot] = warping;
  t.tail[static_cast<std::ptrdiff_t>(slot) * t.tail_tokens + state.length - 1 - state.prompt_length] = last;
}

OCTET_KERNEL write_place(StepTables t, int slot, Place place) {
  wait_for_previous();
  if (thread_x() == 0) t.place[slot] = place;
}

OCTET_KERNEL write_draft_cached(StepTables t, int slot, int cached) {
  wait_for_previous();
  if (thread_x() == 0) t.lane[slot].draft_cached = cached;
}

constexpr Shape kOneWarp{.threads = kWarp, .overlaps_previous = true};

void check_slot(int slot) {
  if (slot < 0 || slot >= kMaxSlots) throw std::invalid_argument("there is no such slot");
}

}  // namespace

void StepMemory::open_lane(Stream& stream, int slot, const Place& place, const LaneState& state, Token last) {
  check_slot(slot);
  const int own = state.length - state.prompt_length;
  if (own < 1 || own > body_->limits.tail_tokens) throw std::invalid_argument("a lane begins with its prompt's last token");
  const Warping warping = warping_of(state.sampling, body_->limits.vocabulary);
  launch(stream, kOneWarp, write_lane, body_->tables, slot, place, state, warping, last);
}

void StepMemory::set_place(Stream& stream, int slot, const Place& place) {
  check_slot(slot);
  launch(stream, kOneWarp, write_place, body_->tables, slot, place);
}

void StepMemory::set_draft_cached(Stream& stream, int slot, int cached) {
  check_slot(slot);
  launch(stream, kOneWarp, write_draft_cached, body_->tables, slot, cached);
}

void begin_step(Stream& stream, const StepMemory& memory, const StepShape& shape) {
  memory.verify_batch(shape);
  launch(stream, {.threads = kThreads, .overlaps_previous = true}, fill_step, memory.body().tables, shape);
}

void begin_catch_up(Stream& stream, const StepMemory& memory, int lanes, int rows) {
  memory.catch_up_batch(lanes, rows);
  launch(stream, kOneWarp, fill_catch_up, memory.body().tables, lanes, rows);
}

}  // namespace octet::cuda
