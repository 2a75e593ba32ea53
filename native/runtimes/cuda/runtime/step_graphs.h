// Steps as graphs: one for each shape, recorded when first asked for; the least used go when there are many.
#pragma once

#include <functional>
#include <list>

#include "runtimes/cuda/kernels/step.h"
#include "runtimes/cuda/kernels/step_clock.h"
#include "runtimes/cuda/runtime/forward.h"

namespace octet::cuda {

/// What a step is made of. All outlive the graphs.
struct StepParts {
  const StepMemory& memory;
  const StepClock& clock;
  const Forward& target;
  const Forward* draft = nullptr;  ///< Null: every shape's draft length is 0.
};

/// The step's kernels, put on a stream or into a graph being recorded.
void put_step(Stream& stream, const StepParts& parts, const StepShape& shape);

/// One pass of the draft over tokens that its cache lacks: up to `rows` of every lane.
void put_catch_up(Stream& stream, const StepParts& parts, int lanes, int rows);

class StepGraphs {
 public:
  /// At most `most_passes` forward passes are kept, over all graphs, and at least the latest graph.
  StepGraphs(const StepParts& parts, int most_passes) : parts_(parts), most_passes_(most_passes) {}

  /// Valid until the next call; a graph under way may be forgotten.
  const Graph& step(Stream& stream, const StepShape& shape);
  const Graph& catch_up(Stream& stream, int lanes, int rows);

  int recorded() const { return recorded_; }  ///< Since the beginning.

 private:
  struct Entry {
    int lanes, draft_length, catch_up_rows;
    Graph graph;
    int passes() const { return draft_length + 1; }
  };
  const Graph& find(Stream& stream, int lanes, int draft_length, int catch_up_rows, const std::function<void()>& put);

  StepParts parts_;
  int most_passes_, passes_ = 0, recorded_ = 0;
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace octet::cuda
