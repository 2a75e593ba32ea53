// The engine's drafts where there is no draft model: looked up in what is known of the text.
#include "engine/job.h"

namespace octet {
namespace {

// Of the same work again and again, which is not to be found in what was written before.
bool is_measurement(const Request& request) { return request.fresh_prompt || request.ignore_end; }

}  // namespace

// `fixed` and `bass` say how many tokens a lane drafts where as many are found.
void Engine::prepare_lookup(Job& job) {
  const DraftLengthSpec& spec = job.request.draft_length;
  if (spec.kind == DraftLengthSpec::Kind::kNone || job.request.prepare) return;
  static const RecentTexts kNone;
  job.lookup.emplace(job.request.prompt, job.request.lanes, is_measurement(job.request) ? kNone : recent_, *vocabulary_);
  if (!job.looks_up_freely()) job.policy = make_policy(spec, kMaxDraftLength, costs_, experience_[kind_of(job.request.sampling)]);
}

void Engine::plan_lookup(Job& job, const DraftLengthPolicy::Choice& choice, int live, StepPlan& plan) {
  const auto start = Clock::now();
  std::vector<LaneState*> lanes;
  std::vector<Found> found;
  for (LaneState& lane : job.lanes) {
    if (!lane.wants_step()) continue;  // else none is in flight: see depth()
    const int most = job.looks_up_freely() ? kMostLookedUp : choice.length;
    lane.found = job.lookup->find(lane.lane, std::min(most, lane.remaining - 1));
    lanes.push_back(&lane);
    found.push_back(lane.found);
  }
  std::vector<int> lengths;
  if (job.looks_up_freely())
    lengths = lookup_lengths(found, live, info_.pads_rows, costs_, match_chances_[kind_of(job.request.sampling)]);
  else
    for (const Found& each : found) lengths.push_back(static_cast<int>(each.tokens.size()));
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    found[i].tokens.resize(static_cast<std::size_t>(lengths[i]));
    plan.lanes.push_back({.lane = lanes[i]->id, .draft_length = lengths[i], .draft = std::move(found[i].tokens)});
    ++lanes[i]->in_flight;
  }
  lookup_ms_ += ms_between(start, Clock::now());
}

void Engine::keep_texts(const Job& job) {
  if (!job.lookup || is_measurement(job.request)) return;
  for (const LaneState& lane : job.lanes) recent_.add(job.lookup->before(), job.lookup->written(lane.lane));
}

}  // namespace octet
