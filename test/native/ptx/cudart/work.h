// Streams, events and graphs of the stand-in: work is put in a stream's queue, as late as a GPU may do it: nothing of it is done before
// somebody waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <cuda_runtime_api.h>

namespace octet::ptx::cudart {

using Work = std::function<void()>;

struct Queue {
  std::deque<Work> waiting;
  std::uint64_t put = 0, done = 0;
};

struct Mark {  // what an event is, also for work that outlives it
  std::shared_ptr<Queue> queue;  // that it was last recorded on
  std::uint64_t place = 0;
  std::optional<std::chrono::steady_clock::time_point> at;
  bool captured = false;         // last recorded within a capture
};

/// Does the queue's work up to a place. After a fault the device is broken, and all that waits is dropped.
void do_work(Queue& queue, std::uint64_t up_to);
/// That of all streams, destroyed ones too.
void do_all_work();
/// A new stream's.
std::shared_ptr<Queue> new_queue();
/// Of a stream that is destroyed: what waits in it is still done, with all other work.
void leave_behind(std::shared_ptr<Queue> queue);

/// The stream, or null where it is none: cudaStreamLegacy and 0 are the legacy default stream, which waits for no other, as all others
/// are made with cudaStreamNonBlocking.
CUstream_st* find_stream(cudaStream_t stream);
CUstream_st& legacy_stream();
/// Ends in the stream's queue, or where it is captured in the graph; in a capture that failed it is dropped, with the error.
cudaError_t put(CUstream_st& stream, Work work);

}  // namespace octet::ptx::cudart

struct CUgraph_st {
  std::vector<octet::ptx::cudart::Work> nodes;  // a line: each depends on the one before
};

struct CUgraphExec_st {
  std::vector<octet::ptx::cudart::Work> nodes;
};

struct CUstream_st {
  std::shared_ptr<octet::ptx::cudart::Queue> queue = octet::ptx::cudart::new_queue();
  std::unique_ptr<CUgraph_st> capture;
  bool capture_failed = false;
};

struct CUevent_st {
  std::shared_ptr<octet::ptx::cudart::Mark> mark = std::make_shared<octet::ptx::cudart::Mark>();
};
