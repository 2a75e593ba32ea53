// What the host asks of its device, counted: to show that a steady step is one graph and one wait, and nothing else.
#pragma once

#include <atomic>
#include <cstdint>

namespace octet::cuda {

/// Since the program began, by all threads.
struct DeviceCalls {
  std::uint64_t launches = 0;  ///< Kernels, copies and fills put on a stream by themselves, not recorded and not within a graph.
  std::uint64_t graphs = 0;    ///< Graphs put on a stream.
  std::uint64_t waits = 0;     ///< For events and streams, and what may wait: synchronous copies, memory taken and given back.
};

namespace detail {

class CallCounter {
 public:
  void add() { calls_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t count() const { return calls_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> calls_{0};
};

inline CallCounter launch_calls, graph_calls, wait_calls;

}  // namespace detail

inline DeviceCalls device_calls() {
  return {detail::launch_calls.count(), detail::graph_calls.count(), detail::wait_calls.count()};
}

}  // namespace octet::cuda
