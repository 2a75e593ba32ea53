#include "runtimes/cuda/runtime/step_graphs.h"

#include <algorithm>

#include "runtimes/cuda/runtime/record_graph.h"

namespace octet::cuda {

void put_step(Stream& stream, const StepParts& parts, const StepShape& shape) {
  parts.clock.mark(stream, StepClock::kStart);
  begin_step(stream, parts.memory, shape);
  for (int pass = 0; parts.draft && pass < shape.draft_length; ++pass) {
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

int StepGraphs::uses_of(const Key& key) const {
  const auto found = uses_.find(key);
  return found == uses_.end() ? 0 : found->second;
}

void StepGraphs::count(const Key& key) {
  if (counted_ >= remembered_) {
    counted_ = 0;
    for (auto& [other, uses] : uses_) counted_ += uses /= 2;
    std::erase_if(uses_, [](const auto& use) { return use.second == 0; });
  }
  ++uses_[key];
  ++counted_;
}

bool StepGraphs::make_room(const Key& key) {
  std::stable_sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) { return uses_of(a.key) > uses_of(b.key); });
  int passes = passes_;
  auto kept = entries_.end();
  while (kept != entries_.begin() && passes + passes_of(key) > most_passes_) {
    --kept;
    if (uses_of(kept->key) >= uses_of(key)) return false;
    passes -= passes_of(kept->key);
  }
  entries_.erase(kept, entries_.end());
  passes_ = passes;
  return true;
}

void StepGraphs::put(Stream& stream, const Key& key, const std::function<void()>& put) {
  count(key);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == key; });
  if (found != entries_.end()) {
    stream.launch(found->graph);
    return;
  }
  if (uses_of(key) < 2 || !make_room(key)) {
    put();
    return;
  }
  entries_.push_back({key, record_graph(stream, put)});
  passes_ += passes_of(key);
  ++recorded_;
  stream.launch(entries_.back().graph);
}

void StepGraphs::put_step(Stream& stream, const StepShape& shape) {
  put(stream, {shape.lanes, shape.draft_length, 0}, [&] { cuda::put_step(stream, parts_, shape); });
}

void StepGraphs::put_catch_up(Stream& stream, int lanes, int rows) {
  put(stream, {lanes, 0, rows}, [&] { cuda::put_catch_up(stream, parts_, lanes, rows); });
}

}  // namespace octet::cuda
