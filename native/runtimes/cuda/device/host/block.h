// One block of a kernel on the host: its threads are fibers on one stack each, run in turn; a thread gives way only at a
// barrier. Blocks run one after another. The order of threads can be shuffled, so that a test meets races.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "runtimes/cuda/device/host/async_products.h"
#include "runtimes/cuda/device/host/races.h"

namespace octet::cuda::host {

constexpr int kExchangeBytes = 32;  ///< What a lane may give its warp at once.

struct Dim3 {
  int x = 1, y = 1, z = 1;
};

/// Counts threads in; opens, for the next round, when all have come.
struct Barrier {
  int members = 0, arrived = 0;
  std::uint64_t round = 0;
};

struct Warp {
  Barrier barrier;
  alignas(16) std::byte exchange[32 * kExchangeBytes];
};

/// Four warps.
struct Warpgroup {
  Barrier barrier;
  std::uint64_t x = 0;  ///< The descriptor they give.
};

struct Block {
  Dim3 index, grid;
  int threads = 0;
  std::byte* shared = nullptr;
  std::size_t shared_bytes = 0;
  std::byte* shown = nullptr;  ///< Shared memory as products by warpgroups see it.
  Barrier barrier;
};

struct Copy {
  void* to;
  const void* from;  ///< Null: zeros.
  races::Issue issue;
};

struct Thread {
  int thread = 0;
  Block* block = nullptr;
  Warp* warp = nullptr;
  Warpgroup* warpgroup = nullptr;
  std::vector<Copy> copies;                 ///< Not yet landed, oldest first.
  std::vector<std::size_t> committed;       ///< Sizes of committed groups of `copies`, oldest first.
  AsyncProducts products;
  void* stack_pointer = nullptr;
  bool done = false;
};

extern thread_local Thread* running;
inline Thread& current() { return *running; }

void block_barrier();
void warp_barrier();
void meet_warp();  ///< As warp_barrier, for exchanges between registers: orders nothing in memory.
void meet(Barrier& barrier);  ///< The same for any threads.
void commit_copies();
void land_copies(int pending);

[[noreturn]] void fail(const char* what);  ///< Aborts with a message.
/// Aborts with a message: a GPU would fault.
void check_aligned(const void* p, std::size_t bytes);

struct Launch {
  Dim3 grid;
  int threads = 32;              ///< Of a block: up to 1,024, in whole warps.
  std::size_t shared_bytes = 0;
  bool overlaps_previous = false;
  const void* kernel = nullptr;  ///< Its address, for reports.
};

/// Runs `body` for every thread of every block.
void run_grid(const Launch& launch, const std::function<void()>& body);

/// The order in which a block's threads and a grid's blocks run: 0 = ascending, else shuffled by this seed.
void shuffle_order(std::uint64_t seed);

}  // namespace octet::cuda::host
