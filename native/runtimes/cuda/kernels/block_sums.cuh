// Sums and searches over a block of 256 threads, and finding the last of a group of blocks.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"

namespace octet::cuda {

constexpr int kBlockThreads = 256, kBlockParts = 16, kPartThreads = kBlockThreads / kBlockParts;

/// Shared memory that the functions below use between their barriers. Parts of 16 threads lie a word further apart, in banks of
/// their own.
struct BlockExchange {
  std::uint64_t word[kBlockThreads + kBlockParts], part[kBlockParts];
  int flag, pad[3];
};

OCTET_DEVICE int exchange_place(int thread) { return thread + thread / kPartThreads; }

/// Every thread's value to shared memory, and the parts' combined, in order. Three barriers and no shuffles: values of 64 bits take
/// two of those each.
template <class T, class Combine>
OCTET_DEVICE void combine_parts(BlockExchange& exchange, T x, Combine combine) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  auto* const values = reinterpret_cast<T*>(exchange.word);
  auto* const parts = reinterpret_cast<T*>(exchange.part);
  block_sync();
  values[exchange_place(thread_x())] = x;
  block_sync();
  if (thread_x() < kBlockParts) {
    T part = values[exchange_place(thread_x() * kPartThreads)];
    OCTET_UNROLL
    for (int i = 1; i < kPartThreads; ++i) part = combine(part, values[exchange_place(thread_x() * kPartThreads) + i]);
    parts[thread_x()] = part;
  }
  block_sync();
}

/// All threads' values combined, in order, in every thread. `combine` is associative.
template <class T, class Combine>
OCTET_DEVICE T across_block(BlockExchange& exchange, T x, Combine combine) {
  combine_parts(exchange, x, combine);
  const auto* const parts = reinterpret_cast<const T*>(exchange.part);
  x = parts[0];
  OCTET_UNROLL
  for (int part = 1; part < kBlockParts; ++part) x = combine(x, parts[part]);
  return x;
}

template <class T>
OCTET_DEVICE T block_sum(BlockExchange& exchange, T x) {
  return across_block(exchange, x, [](T a, T b) { return a + b; });
}

/// The sum of the threads before this one; `total` is all threads'.
template <class T>
OCTET_DEVICE T sum_before(BlockExchange& exchange, T x, T& total) {
  combine_parts(exchange, x, [](T a, T b) { return a + b; });
  const auto* const values = reinterpret_cast<const T*>(exchange.word);
  const auto* const parts = reinterpret_cast<const T*>(exchange.part);
  const int own_part = thread_x() / kPartThreads, first = exchange_place(own_part * kPartThreads);
  T before = 0;
  total = 0;
  OCTET_UNROLL
  for (int part = 0; part < kBlockParts; ++part) {
    if (part == own_part) before = total;
    total += parts[part];
  }
  for (int i = 0; i < thread_x() % kPartThreads; ++i) before += values[first + i];
  return before;
}

/// True in every thread of the block that is the last of `blocks` to come; what the others wrote before is visible to
/// load_fresh. The counter is 0 again afterwards.
OCTET_DEVICE bool is_last_block(BlockExchange& exchange, int* counter, int blocks) {
  block_sync();
  if (thread_x() == 0) {
    fence();
    exchange.flag = atomic_add(counter, 1) == blocks - 1;
    if (exchange.flag) *counter = 0;
    fence();
  }
  block_sync();
  return exchange.flag != 0;
}

}  // namespace octet::cuda
