#include "runtimes/cuda/runtime/step_graphs.h"

#include <algorithm>
#include <stdexcept>

namespace octet::cuda {
namespace {

Graph record(Stream& stream, const std::function<void()>& put) {
  stream.begin_capture();
  try {
    put();
  } catch (...) {
    try {
      stream.end_capture();  // or the stream could not be used again
    } catch (const std::exception&) {
    }
    throw;
  }
  return stream.end_capture();
}

}  // namespace

void put_step(Stream& stream, const StepParts& parts, const StepShape& shape) {
  parts.clock.mark(stream, StepClock::kStart);
  begin_step(stream, parts.memory, shape);
  for (int pass = 0; pass < shape.draft_length; ++pass) {
    const Batch batch = parts.memory.draft_batch(shape, pass);
    parts.draft->pass(stream, batch);
    parts.draft->logits(stream, batch, batch.rows_per_lane - 1, 1, parts.memory.draft_logits(shape, pass));
    draw_drafts(stream, parts.memory, shape, pass);
  }
  parts.clock.mark(stream, StepClock::kDrafted);
  const Batch batch = parts.memory.verify_batch(shape);
  parts.target.pass(stream, batch);
  parts.target.logits(stream, batch, 0, batch.rows_per_lane, parts.memory.target_logits());
  parts.clock.mark(stream, StepClock::kVerified);
  accept_and_advance(stream, parts.memory, shape);
  parts.clock.mark(stream, StepClock::kEnd);
}

void put_catch_up(Stream& stream, const StepParts& parts, int lanes, int rows) {
  begin_catch_up(stream, parts.memory, lanes, rows);
  parts.draft->pass(stream, parts.memory.catch_up_batch(lanes, rows));
}

const Graph& StepGraphs::find(Stream& stream, int lanes, int draft_length, int catch_up_rows, const std::function<void()>& put) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.lanes == lanes && entry.draft_length == draft_length && entry.catch_up_rows == catch_up_rows;
  });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front().graph;
  }
  while (!entries_.empty() && passes_ + draft_length + 1 > most_passes_) {
    passes_ -= entries_.back().passes();
    entries_.pop_back();
  }
  entries_.push_front({lanes, draft_length, catch_up_rows, record(stream, put)});
  passes_ += entries_.front().passes();
  ++recorded_;
  return entries_.front().graph;
}

const Graph& StepGraphs::step(Stream& stream, const StepShape& shape) {
  return find(stream, shape.lanes, shape.draft_length, 0, [&] { put_step(stream, parts_, shape); });
}

const Graph& StepGraphs::catch_up(Stream& stream, int lanes, int rows) {
  return find(stream, lanes, 0, rows, [&] { put_catch_up(stream, parts_, lanes, rows); });
}

}  // namespace octet::cuda
