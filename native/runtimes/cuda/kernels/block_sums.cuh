// Sums and searches over a block of 256 threads, and finding the last of a group of blocks.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"

namespace octet::cuda {

constexpr int kBlockThreads = 256, kBlockWarps = kBlockThreads / kWarp;

/// Shared memory that the functions below use between their barriers.
struct BlockExchange {
  std::uint64_t word[2 * kBlockWarps];
  int flag, pad[3];
};

/// Combines the warps' values, in order of warps, in every thread. `combine` is associative.
template <class T, class Combine>
OCTET_DEVICE T across_block(BlockExchange& exchange, T x, Combine combine) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  OCTET_UNROLL
  for (int mask = kWarp / 2; mask > 0; mask /= 2) x = combine(x, shuffle_xor(x, mask));
  auto* const slots = reinterpret_cast<T*>(exchange.word);
  block_sync();
  if (warp_lane() == 0) slots[warp_index()] = x;
  block_sync();
  x = slots[0];
  OCTET_UNROLL
  for (int warp = 1; warp < kBlockWarps; ++warp) x = combine(x, slots[warp]);
  return x;
}

template <class T>
OCTET_DEVICE T block_sum(BlockExchange& exchange, T x) {
  return across_block(exchange, x, [](T a, T b) { return a + b; });
}

/// The sum of the threads before this one; `total` is all threads'.
template <class T>
OCTET_DEVICE T sum_before(BlockExchange& exchange, T x, T& total) {
  T through = x;
  OCTET_UNROLL
  for (int by = 1; by < kWarp; by *= 2) {
    const T other = shuffle_up(through, by);
    if (warp_lane() >= by) through += other;
  }
  auto* const slots = reinterpret_cast<T*>(exchange.word);
  block_sync();
  if (warp_lane() == kWarp - 1) slots[warp_index()] = through;
  block_sync();
  T before = 0;
  total = 0;
  OCTET_UNROLL
  for (int warp = 0; warp < kBlockWarps; ++warp) {
    if (warp == warp_index()) before = total;
    total += slots[warp];
  }
  return before + through - x;
}

/// True in every thread of the block that is the last of `blocks` to come; what the others wrote before is visible to
/// load_fresh. The counter is 0 again afterwards.
OCTET_DEVICE bool is_last_block(BlockExchange& exchange, int* counter, int blocks) {
  fence();
  block_sync();
  if (thread_x() == 0) {
    exchange.flag = atomic_add(counter, 1) == blocks - 1;
    if (exchange.flag) *counter = 0;
  }
  block_sync();
  const bool last = exchange.flag != 0;
  if (last) fence();
  return last;
}

}  // namespace octet::cuda
