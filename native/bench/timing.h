// Times of work on the device: a graph of one pass, replayed until it has run long enough.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "runtimes/cuda/device/stream.h"

namespace octet::bench {

struct Timing {
  double median_ms = 0, least_ms = 0;
};

/// For counters (ncu, the PTX machine): everything once, of one copy of its operands, and times mean nothing. Set by --once.
inline bool only_once = false;

/// How many copies of `bytes` of operands to take in turn, so that none stays in a cache.
inline int copies_beyond_caches(std::size_t bytes) {
  constexpr std::size_t kBeyondCaches = std::size_t{512} << 20;
  return only_once ? 1 : static_cast<int>(std::min<std::size_t>(16, kBeyondCaches / bytes + 1));
}

/// Records `work` (several copies of it, `copies`, each called with its number) once, replays the graph `repeats` times
/// after a warm-up, and tells the time of one copy.
inline Timing time_on_device(cuda::Stream& stream, int copies, int repeats, const std::function<void(int)>& work) {
  stream.begin_capture();
  for (int copy = 0; copy < copies; ++copy) work(copy);
  const cuda::Graph graph = stream.end_capture();
  for (int warm = 0; warm < 3 && !only_once; ++warm) stream.launch(graph);
  stream.synchronize();
  std::vector<double> times;
  const cuda::Event start, end;
  for (int i = 0; i < (only_once ? 1 : repeats); ++i) {
    stream.record(start);
    stream.launch(graph);
    stream.record(end);
    end.wait();
    times.push_back(end.ms_since(start) / copies);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front()};
}

}  // namespace octet::bench
