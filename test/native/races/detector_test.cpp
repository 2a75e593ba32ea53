// The race detector itself: kernels with one fault each, which it must report in whatever order threads and blocks run, and the same
// kernels without it, which it must not.
#include <doctest/doctest.h>

#include <string>

#include "any_device.h"
#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/block_sums.cuh"

using namespace octet::cuda;
namespace races = octet::cuda::host::races;

namespace {

enum Fault { kNone, kFault, kOther, kEarly, kLate };

OCTET_KERNEL sum_of_block(const int* from, int* to, Fault fault) {
  auto* const shared = reinterpret_cast<int*>(shared_memory());
  shared[thread_x()] = from[thread_x()];
  if (fault != kFault) block_sync();
  if (thread_x() == 0) {
    int sum = 0;
    for (int i = 0; i < threads_x(); ++i) sum += shared[i];
    *to = sum;
  }
}

// Within a warp: a shuffle is no barrier of memory.
OCTET_KERNEL pass_in_warp(int* to, Fault fault) {
  auto* const shared = reinterpret_cast<int*>(shared_memory());
  shared[thread_x()] = thread_x();
  if (fault == kFault) shuffle_xor(thread_x(), 1);
  else if (fault == kOther) block_sync();
  else warp_sync();
  to[thread_x()] = shared[thread_x() ^ 1];
}

// All read a place that one then writes.
OCTET_KERNEL overwrite(int* place, int* to, Fault fault) {
  to[thread_x()] = *place;
  if (fault != kFault) block_sync();
  if (thread_x() == 70) *place = 1;
}

OCTET_KERNEL count_in_shared(int* to, Fault fault) {
  auto* const shared = reinterpret_cast<int*>(shared_memory());
  if (thread_x() == 0) *shared = 0;
  if (fault != kOther) block_sync();
  atomic_add(shared, 1);
  if (fault != kFault) block_sync();
  if (thread_x() == 5) *to = *shared;
}

// The block that comes last adds up what all have written; threads that did not write read too. A fence by each thread before the barrier, or
// after the second one, is not by the thread whose atomic is to publish or to take up.
OCTET_KERNEL sum_of_blocks(int* parts, int* counter, int* to, Fault fault) {
  auto& shared = *reinterpret_cast<BlockExchange*>(shared_memory());
  if (thread_x() == 7) parts[block_x()] = block_x();
  if (fault == kEarly) fence();
  block_sync();
  if (thread_x() == 0) {
    if (fault != kFault && fault != kEarly) fence();
    shared.flag = atomic_add(counter, 1) == blocks_x() - 1;
    if (shared.flag) *counter = 0;
    if (fault != kOther && fault != kLate) fence();
  }
  block_sync();
  if (!shared.flag) return;
  if (fault == kLate) fence();
  if (thread_x() == 9) {
    int sum = 0;
    for (int i = 0; i < blocks_x(); ++i) sum += load_fresh(parts + i);
    *to = sum;
  }
}

OCTET_KERNEL write_by_blocks(int* to, Fault fault) {
  if (thread_x() == 0) to[fault == kFault ? 0 : block_x()] = block_x();
}

// 512 bytes through a ring of two stages.
OCTET_KERNEL copy_through(const std::byte* from, int* to, Fault fault) {
  std::byte* const stages = shared_memory();
  const auto begin = [&](int step) {
    copy_async(stages + step % 2 * 512 + thread_x() * 16, from + step * 512 + thread_x() * 16);
    commit_async();
  };
  begin(0);
  int sum = 0;
  for (int step = 0; step < 4; ++step) {
    if (fault == kOther && step < 3) begin(step + 1);  // while others may still read that stage
    if (fault == kFault && step == 0) {
      sum += *reinterpret_cast<int*>(stages + thread_x() * 16);
    }
    wait_async<0>();
    block_sync();
    if (fault != kOther && step < 3) begin(step + 1);
    sum += *reinterpret_cast<int*>(stages + step % 2 * 512 + (thread_x() + 1) % 32 * 16);
  }
  to[thread_x()] = sum;
}

// A link of a chain of kernels: reads what the one before wrote.
OCTET_KERNEL pass_on(const int* from, int* to, bool waits_late, bool lets_early) {
  if (lets_early) let_next_start();
  int x = 0;
  if (waits_late) x = from[thread_x()];
  wait_for_previous();
  if (!waits_late) x = from[thread_x()];
  if (!lets_early) let_next_start();
  to[thread_x()] = x;
}

OCTET_KERNEL reach_beyond(int* to, int by) {
  reinterpret_cast<int*>(shared_memory())[thread_x() + by] = 1;
  to[thread_x()] = 0;
}

struct Ints {
  DeviceArray<int> array;
  explicit Ints(int size) : array(std::vector<int>(static_cast<std::size_t>(size))) {}
  operator int*() const { return array.data(); }
};

/// The reports of what `put` puts on a stream.
template <class Put>
std::vector<std::string> reports_of(Put put) {
  races::Expected expected;
  {
    Stream stream;
    put(stream);
    stream.synchronize();
  }
  return expected.reports();
}

/// Whether a fault is reported, in both orders; and that nothing is where there is none.
template <class Put>
void check_fault(Put put, std::initializer_list<Fault> right, std::initializer_list<Fault> wrong) {
  for (const std::uint64_t order : {0, 1, 2, 3}) {
    CAPTURE(order);
    const octet::cuda::testing::BlockOrder shuffled(order);
    for (const Fault fault : right) {
      CAPTURE(fault);
      const auto reports = reports_of([&](Stream& stream) { put(stream, fault); });
      CHECK_MESSAGE(reports.empty(), (reports.empty() ? "" : reports[0]));
    }
    for (const Fault fault : wrong) {
      CAPTURE(fault);
      CHECK(!reports_of([&](Stream& stream) { put(stream, fault); }).empty());
    }
  }
}

}  // namespace

TEST_CASE("races: barriers of a block and of a warp") {
  const Ints from(96), to(96);
  check_fault([&](Stream& s, Fault fault) { launch(s, {.threads = 96, .shared_bytes = 96 * 4}, sum_of_block, from, to, fault); }, {kNone}, {kFault});
  check_fault([&](Stream& s, Fault fault) { launch(s, {.threads = 96, .shared_bytes = 96 * 4}, pass_in_warp, to, fault); }, {kNone, kOther}, {kFault});
  check_fault([&](Stream& s, Fault fault) { launch(s, {.threads = 96}, overwrite, from, to, fault); }, {kNone}, {kFault});
  check_fault([&](Stream& s, Fault fault) { launch(s, {.threads = 96, .shared_bytes = 4}, count_in_shared, to, fault); }, {kNone}, {kFault, kOther});
}

TEST_CASE("races: between the blocks of a grid") {
  const Ints parts(7), counter(1), to(7);
  check_fault([&](Stream& s, Fault fault) {
    launch(s, {.grid = {7}, .threads = 64, .shared_bytes = sizeof(BlockExchange)}, sum_of_blocks, parts, counter, to, fault);
  }, {kNone}, {kFault, kOther, kEarly, kLate});
  check_fault([&](Stream& s, Fault fault) { launch(s, {.grid = {7}, .threads = 64}, write_by_blocks, to, fault); }, {kNone}, {kFault});
}

TEST_CASE("races: asynchronous copies that are read too early, or refill what others read") {
  const DeviceArray<std::byte> from(4 * 512);
  const Ints to(32);
  check_fault([&](Stream& s, Fault fault) { launch(s, {.threads = 32, .shared_bytes = 1024}, copy_through, from.data(), to, fault); }, {kNone},
              {kFault, kOther});
}

TEST_CASE("races: kernels that overlap the one before, as they are put and in a graph") {
  const Ints a(32), b(32), c(32), d(32);
  const Shape overlapping{.threads = 32, .overlaps_previous = true}, alone{.threads = 32};
  const auto reports = [&](const Shape& last, const int* from, bool waits_late, bool lets_early, bool graph) {
    return reports_of([&](Stream& stream) {
      if (graph) stream.begin_capture();
      launch(stream, overlapping, pass_on, a, b, false, false);
      launch(stream, overlapping, pass_on, b, c, false, lets_early);
      launch(stream, last, pass_on, from, d, waits_late, false);
      if (graph) stream.launch(stream.end_capture());
    });
  };
  for (const bool graph : {false, true}) {
    CAPTURE(graph);
    for (const bool lets_early : {false, true}) {
      CHECK(reports(overlapping, c, false, lets_early, graph).empty());
      CHECK(reports(alone, c, true, lets_early, graph).empty());
      CHECK_FALSE(reports(overlapping, c, true, lets_early, graph).empty());  // of the kernel before
      CHECK(reports(overlapping, b, true, lets_early, graph).empty() == !lets_early);  // of the one before that
      CHECK(reports(overlapping, a, true, lets_early, graph).empty());  // that no kernel writes
    }
  }
}

TEST_CASE("races: the host reads and writes what a stream has not been waited for") {
  const Ints a(32), b(32);
  const PinnedArray<int> pinned(32);
  for (int i = 0; i < 32; ++i) pinned[i] = i;
  const auto host_meets = [&](bool waits, bool writes) {
    return reports_of([&](Stream& stream) {
      Event event;
      launch(stream, {}, pass_on, writes ? static_cast<const int*>(pinned.data()) : a, writes ? static_cast<int*>(b) : pinned.data(), false, false);
      stream.record(event);
      if (waits) event.wait();
      if (writes) pinned[3] = 1;
      else CHECK(pinned[3] == 0);
    });
  };
  for (const bool writes : {true, false}) {
    CHECK(host_meets(true, writes).empty());
    CHECK_FALSE(host_meets(false, writes).empty());
  }
}

TEST_CASE("races: memory beyond allocations and beyond a block's shared memory") {
  const DeviceArray<int> ints(31);
  const auto reaching = [&](int threads, int by) {
    return reports_of([&](Stream& s) { launch(s, {.threads = 32, .shared_bytes = static_cast<std::size_t>(threads) * 4}, reach_beyond, ints.data(), by); });
  };
  CHECK(reaching(32, 0).size() == 1);  // of the array
  CHECK(reaching(32, 1).size() > 1);
  CHECK(reaching(31, 0).size() > 1);
}

TEST_CASE("races: a report names the kernel, the thread and the line") {
  const Ints from(96), to(96);
  const auto reports = reports_of([&](Stream& s) { launch(s, {.threads = 96, .shared_bytes = 96 * 4}, sum_of_block, from, to, kFault); });
  REQUIRE(!reports.empty());
  for (const char* part : {"RACE", "shared memory", "thread ", "of block 0,0,0 of kernel sum_of_block", "detector_test.cpp:"}) {
    CAPTURE(part);
    CHECK(reports[0].find(part) != std::string::npos);
  }
}
