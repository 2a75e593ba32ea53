// The open lanes as the host knows them: the slot of each, and how far the draft's cache may be behind. Knows nothing of devices.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "runtimes/runtime.h"

namespace octet::cuda {

struct OpenLane {
  LaneId id = 0;
  PromptId prompt = 0;
  int shared = 0;  ///< Tokens of the prompt whose cells it reads.
  int slot = 0;
  /// Tokens that the draft's cache lacks after every submitted step: never less than the device finds. One or two after a step
  /// in which the lane drafted (two where all was accepted), one more with every step in which it did not.
  int behind = 0;
  int prompt_behind = 0;  ///< Of these, tokens of the prompt: its draft pass has been put off.
};

class Lanes {
 public:
  explicit Lanes(int slots);

  /// In the lowest free slot. Throws std::logic_error if there is none.
  OpenLane& open(LaneId id, PromptId prompt, int shared);
  /// Unknown ones are ignored.
  void close(LaneId id);
  /// Throws std::logic_error if it is not open.
  OpenLane& at(LaneId id);

 private:
  std::vector<bool> taken_;
  std::map<LaneId, OpenLane> lanes_;
};

struct PlannedLane {
  OpenLane* lane = nullptr;
  int draft_length = 0;
  int at = 0;                    ///< In the plan.
  std::span<const Token> draft;  ///< [draft_length] where drafts are given, else empty. The plan's.
};

/// The plan's lanes as they stand in the batch: those that share as much of one prompt side by side, else in the plan's order. Draft
/// lengths are cut to `most_draft_length`. `drafts_given`: a lane drafts what the plan gives it and nothing else; without, a plan that gives
/// drafts is a std::logic_error.
std::vector<PlannedLane> side_by_side(const StepPlan& plan, Lanes& lanes, int most_draft_length, bool drafts_given);

/// Lanes of the graph for a step of `lanes`: few sizes, at most a third more than asked for and never more than `most`, so that
/// lanes that end one by one need few graphs.
int graph_lanes(int lanes, int most);

}  // namespace octet::cuda
