#include "runtimes/cuda/device/host/block.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <numeric>
#include <random>

#include "runtimes/cuda/device/host/fiber.h"

namespace octet::cuda::host {

thread_local Thread* running = nullptr;

namespace {

constexpr int kWarpThreads = 32, kGroupThreads = 128, kMaxThreads = 1024;

thread_local FiberContext scheduler;
thread_local const std::function<void()>* kernel_body = nullptr;
thread_local bool progressed = false;
thread_local std::uint64_t order_seed = 0;

void give_way() { switch_fiber(&running->stack_pointer, scheduler); }

template <class Met>
void wait_at(Barrier& barrier, Met met) {
  progressed = true;
  if (++barrier.arrived == barrier.members) {
    barrier.arrived = 0;
    ++barrier.round;
    met();
    return;
  }
  for (const std::uint64_t round = barrier.round; barrier.round == round;) give_way();
}

void thread_main() {
  (*kernel_body)();
  if (!running->copies.empty()) fail("a thread ended with asynchronous copies that nobody waited for");
  if (!running->products.asked.empty()) fail("a thread ended with products that nobody waited for");
  running->done = true;
  progressed = true;
  give_way();
}

struct Stacks {
  static constexpr std::size_t kBytes = 128 << 10;
  std::unique_ptr<std::byte[]> memory = std::unique_ptr<std::byte[]>(new std::byte[kBytes * kMaxThreads]);
  std::byte* top(int thread) { return memory.get() + kBytes * (thread + 1); }
};

/// Of exactly `bytes`, so that a memory checker sees what lies beyond.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes) {
#ifdef OCTET_RACES
    data_ = races::shared_memory(bytes);
#else
    own_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
    data_ = own_.get();
#endif
  }
  std::byte* data() const { return data_; }

 private:
  static constexpr std::align_val_t kAlignment{16};
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete(p, kAlignment); }
  };
  std::unique_ptr<std::byte, Delete> own_;
  std::byte* data_;
};

void run_block(Block& block, std::vector<Thread>& threads, std::vector<Warp>& warps, std::vector<Warpgroup>& groups, const std::vector<int>& order,
               Stacks& stacks) {
  block.barrier = {.members = block.threads};
  for (Warp& warp : warps) warp.barrier = {.members = kWarpThreads};
  for (Warpgroup& group : groups) group.barrier = {.members = kGroupThreads};
  for (Thread& t : threads) {
    t.block = &block;
    t.warp = &warps[t.thread / kWarpThreads];
    t.warpgroup = &groups[t.thread / kGroupThreads];
    t.done = false;
    t.copies.clear();
    t.committed.clear();
    t.products = {};
    t.stack_pointer = new_fiber(stacks.top(t.thread), thread_main);
  }
  for (int left = block.threads; left > 0;) {
    progressed = false;
    for (const int i : order) {
      if (threads[i].done) continue;
      running = &threads[i];
      switch_fiber(&scheduler, running->stack_pointer);
      left -= threads[i].done;
    }
    if (!progressed) fail("some threads wait at a barrier that others never reach");
  }
  running = nullptr;
}

std::vector<int> order_of(int count, std::uint64_t seed) {
  std::vector<int> order(count);
  std::iota(order.begin(), order.end(), 0);
  if (seed != 0) std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  return order;
}

}  // namespace

void fail(const char* what) {
  std::fprintf(stderr, "kernel on the host: %s (block %d,%d,%d thread %d)\n", what, running ? running->block->index.x : -1,
               running ? running->block->index.y : -1, running ? running->block->index.z : -1, running ? running->thread : -1);
  std::abort();
}

void block_barrier() {
  wait_at(running->block->barrier, [caller = OCTET_CALLER] { races::block_synced(caller); });
}
void warp_barrier() {
  wait_at(running->warp->barrier, [caller = OCTET_CALLER] { races::warp_synced(running->thread / kWarpThreads, caller); });
}
void meet_warp() { meet(running->warp->barrier); }
void meet(Barrier& barrier) {
  wait_at(barrier, [] {});
}

void commit_copies() {
  const std::size_t before = std::accumulate(running->committed.begin(), running->committed.end(), std::size_t{0});
  running->committed.push_back(running->copies.size() - before);
}

void land_copies(int pending) {
  auto& groups = running->committed;
  auto landing = static_cast<int>(groups.size()) - pending;
  if (races::is_without(OCTET_CALLER)) {  // the youngest that copies something may be under way still
    while (landing > 0 && groups[static_cast<std::size_t>(landing) - 1] == 0) --landing;
    --landing;
  }
  for (; landing > 0; --landing) {
    const auto end = running->copies.begin() + static_cast<std::ptrdiff_t>(groups.front());
    for (auto copy = running->copies.begin(); copy != end; ++copy) {
      races::copy_lands(copy->to, copy->from, copy->issue);
      if (copy->from) std::memcpy(copy->to, copy->from, 16);
      else std::memset(copy->to, 0, 16);
      running->products.landed.push_back(static_cast<std::byte*>(copy->to));
    }
    running->copies.erase(running->copies.begin(), end);
    groups.erase(groups.begin());
  }
}

void check_aligned(const void* p, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(p) % bytes != 0) fail("an address is not aligned");
}

void shuffle_order(std::uint64_t seed) { order_seed = seed; }

void run_grid(const Launch& launch, const std::function<void()>& body) {
  const auto& [grid, threads, shared_bytes, overlaps_previous, kernel] = launch;
  if (threads < 1 || threads > kMaxThreads || threads % kWarpThreads != 0) fail("a block has 32 to 1,024 threads, in whole warps");
  if (grid.x < 1 || grid.y < 1 || grid.z < 1) fail("an empty grid");
  static thread_local Stacks stacks;
  const SharedMemory shared(shared_bytes);
  std::vector<Thread> members(threads);
  for (int i = 0; i < threads; ++i) members[i].thread = i;
  std::vector<Warp> warps(threads / kWarpThreads);
  std::vector<Warpgroup> groups((threads + kGroupThreads - 1) / kGroupThreads);
  std::vector<std::byte> shown(shared_bytes);
  kernel_body = &body;
  races::begin_grid(launch);
  const std::vector<int> order = order_of(threads, order_seed);
  for (const int b : order_of(grid.x * grid.y * grid.z, order_seed)) {
    Block block{.index = {b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y}, .grid = grid, .threads = threads, .shared = shared.data(),
                .shared_bytes = shared_bytes, .shown = shown.data()};
    std::memset(shared.data(), 0xff, shared_bytes);
    std::fill(shown.begin(), shown.end(), std::byte{0});
    races::begin_block(block);
    run_block(block, members, warps, groups, order, stacks);
    races::end_block();
  }
  races::end_grid();
  kernel_body = nullptr;
}

}  // namespace octet::cuda::host
