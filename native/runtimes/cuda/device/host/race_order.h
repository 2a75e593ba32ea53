// Which accesses come before which, by CUDA's rules. Kernels, operations of streams and the host are run one after another, so one
// clock, which moves on at every event below, tells how much of what another did is known:
//   block_sync   all threads of the block know what all did before it; warp_sync the same of a warp. Shuffles, votes and products order
//                nothing.
//   fence        what the thread did and knows before it, reads included, and what barriers had told it of the others, is performed: an
//                atomic on global memory that it does then publishes that there. Whoever does an atomic on the same place later has come behind it:
//                what it writes from then on is ordered behind (it decides by the value), what it reads only after a fence of its own
//                behind the atomic. Barriers hand on what that fence has brought.
//   streams      a kernel knows what was complete when it started: all before it on its stream, and what the host knew when it put it
//                there. One that may overlap the kernel before knows before wait_for_previous() only what was complete when every block
//                of that one had called let_next_start() or ended: nothing of that one, and of the one before that just where
//                let_next_start() came after wait_for_previous().
//   the host     knows of a stream what it has waited for. All its threads count as one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtimes/cuda/device/host/block.h"
#include "runtimes/cuda/device/host/races.h"

namespace octet::cuda::host::races {

using Time = std::uint64_t;

/// Accesses before these times are known, by stream; stream 0 is the host.
class Known {
 public:
  Time of(int stream) const { return stream < static_cast<int>(until_.size()) ? until_[static_cast<std::size_t>(stream)] : 0; }
  void raise(int stream, Time until) {
    if (stream >= static_cast<int>(until_.size())) until_.resize(static_cast<std::size_t>(stream) + 1);
    Time& mine = until_[static_cast<std::size_t>(stream)];
    mine = std::max(mine, until);
  }
  void join(const Known& other) {
    for (int stream = 0; stream < static_cast<int>(other.until_.size()); ++stream) raise(stream, other.of(stream));
  }

 private:
  std::vector<Time> until_;
};

/// Who accesses: a block of a grid, an operation of a stream (no kernel), or the host (party 0).
struct Party {
  int stream = 0;
  const void* kernel = nullptr;
  Dim3 block;
};

/// Threads of a party in records: one, or several, as far as barriers tell them apart.
constexpr std::uint32_t kOneThread = 1024, kAnyOfWarp = kOneThread, kAnyOfBlock = kAnyOfWarp + 32, kList = kAnyOfBlock + 1;
inline std::uint32_t warp_of(std::uint32_t threads) { return threads < kOneThread ? threads / 32 : threads - kAnyOfWarp; }

/// An access, or several that are told apart no longer. Time 0: none.
struct Record {
  Time time : 40 = 0;
  std::uint64_t threads : 12 = 0, pending : 1 = 0;  // pending: an asynchronous copy that has not landed
  std::uint32_t party = 0;                          // of a list: its first node
  std::uint32_t pc = 0;
};

/// Everything before it is known to all that is still to come.
Time floor();
Time now();
Time tick();  ///< Moves the clock on; what was recorded before lies before the time returned.

/// What the code that runs now would be recorded as.
Record me(std::uint32_t pc);
const Party& party(std::uint32_t index);
bool ordered_before_me(const Record& record, const Record& mine, bool writing, bool record_is_atomic);

}  // namespace octet::cuda::host::races
