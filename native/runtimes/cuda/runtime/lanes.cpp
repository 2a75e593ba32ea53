#include "runtimes/cuda/runtime/lanes.h"

#include <algorithm>
#include <stdexcept>

namespace octet::cuda {

Lanes::Lanes(int slots) : taken_(static_cast<std::size_t>(slots)) {}

OpenLane& Lanes::open(LaneId id, PromptId prompt, int shared) {
  const auto free = std::find(taken_.begin(), taken_.end(), false);
  if (free == taken_.end()) throw std::logic_error("no free lane");
  const auto [at, fresh] = lanes_.try_emplace(id, OpenLane{.id = id, .prompt = prompt, .shared = shared, .slot = static_cast<int>(free - taken_.begin())});
  if (!fresh) throw std::logic_error("the lane is open already");
  *free = true;
  return at->second;
}

void Lanes::close(LaneId id) {
  const auto at = lanes_.find(id);
  if (at == lanes_.end()) return;
  taken_[static_cast<std::size_t>(at->second.slot)] = false;
  lanes_.erase(at);
}

OpenLane& Lanes::at(LaneId id) {
  const auto at = lanes_.find(id);
  if (at == lanes_.end()) throw std::logic_error("the lane is not open");
  return at->second;
}

std::vector<PlannedLane> side_by_side(const StepPlan& plan, Lanes& lanes, int most_draft_length, bool drafts_given) {
  std::vector<PlannedLane> batch;
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    const LanePlan& asked = plan.lanes[i];
    if (!drafts_given && !asked.draft.empty()) throw std::logic_error("a draft in the plan, and a draft network");
    OpenLane& lane = lanes.at(asked.lane);
    const int length = std::clamp(drafts_given ? static_cast<int>(asked.draft.size()) : asked.draft_length, 0, most_draft_length);
    PlannedLane planned{&lane, length, static_cast<int>(i), {}};
    if (drafts_given) planned.draft = std::span(asked.draft).first(static_cast<std::size_t>(length));
    const auto mate = std::find_if(batch.rbegin(), batch.rend(), [&](const PlannedLane& other) {
      return other.lane->prompt == lane.prompt && other.lane->shared == lane.shared;
    });
    batch.insert(mate == batch.rend() ? batch.end() : mate.base(), planned);
  }
  return batch;
}

int graph_lanes(int lanes, int most) {
  for (const int size : {1, 2, 3, 4, 6, 8, 12, 16})
    if (size >= lanes) return std::min(size, most);
  return most;
}

}  // namespace octet::cuda
