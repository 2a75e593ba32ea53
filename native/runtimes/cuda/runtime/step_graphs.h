// Steps as graphs, one for each shape. A shape is recorded when it comes again, and where there is no room, when it has come more often
// than the graphs that would have to go; until then its steps are put kernel by kernel. That is as much work for the host as recording, but
// the device is at work meanwhile and nothing is instantiated. The policy `bass` with ragged lanes asks for more shapes than are kept, in
// turns: keeping the latest would record anew every few steps. Without a draft network a graph is one pass, and nearly all shapes there are are kept.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <vector>

#include "runtimes/cuda/kernels/step.h"
#include "runtimes/cuda/kernels/step_clock.h"
#include "runtimes/cuda/runtime/forward.h"

namespace octet::cuda {

/// What a step is made of. All outlive the graphs.
struct StepParts {
  const StepMemory& memory;
  const StepClock& clock;
  const Forward& target;
  const Forward* draft = nullptr;  ///< Null: drafts are the step's input.
};

/// The step's kernels, put on a stream or into a graph being recorded.
void put_step(Stream& stream, const StepParts& parts, const StepShape& shape);

/// One pass of the draft over tokens that its cache lacks: up to `rows` of every lane.
void put_catch_up(Stream& stream, const StepParts& parts, int lanes, int rows);

class StepGraphs {
 public:
  /// At most `most_passes` forward passes are kept, over all graphs, or one graph of more. How often a shape has come is halved when
  /// `remembered` have been counted.
  StepGraphs(const StepParts& parts, int most_passes, int remembered = 1024)
      : parts_(parts), most_passes_(most_passes), remembered_(remembered) {}

  /// What the functions above put, by a graph where one is kept. A graph under way may be forgotten.
  void put_step(Stream& stream, const StepShape& shape);
  void put_catch_up(Stream& stream, int lanes, int rows);

  int recorded() const { return recorded_; }  ///< Since the beginning.

 private:
  struct Key {
    int lanes, draft_length, catch_up_rows;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    Key key;
    Graph graph;
  };
  void put(Stream& stream, const Key& key, const std::function<void()>& put);
  int passes_of(const Key& key) const { return parts_.draft ? key.draft_length + 1 : 1; }
  void count(const Key& key);
  int uses_of(const Key& key) const;
  bool make_room(const Key& key);  ///< False: too much that is used as often would have to go.

  StepParts parts_;
  int most_passes_, remembered_, passes_ = 0, recorded_ = 0, counted_ = 0;
  std::vector<Entry> entries_;
  std::map<Key, int> uses_;
};

}  // namespace octet::cuda
