// The n-th place, or the place at which the mass reaches an amount, in the order of all truncations (logit descending, token
// ascending), among a row's candidates, by integers only: every candidate against every other where a block has a thread for each, else
// a radix search over 64-bit keys, one digit a round.
#pragma once

#include "runtimes/cuda/kernels/block_sums.cuh"
#include "runtimes/cuda/kernels/warp_scratch.h"

namespace octet::cuda {

constexpr int kDigits = 256;

struct PlaceShared {
  std::uint64_t amount[kDigits];
  union {
    int tally[kDigits];
    std::uint64_t key[kBlockThreads];
  };
  std::uint64_t found;
};

constexpr std::uint64_t kNoPlace = ~std::uint64_t{0};

/// Ascending in the order of places.
OCTET_DEVICE std::uint64_t place_key(float logit, int token) {
  return std::uint64_t{~ordered_bits(logit)} << 32 | static_cast<std::uint32_t>(token);
}
OCTET_DEVICE float logit_of_key(std::uint64_t key) { return logit_of_bits(~static_cast<std::uint32_t>(key >> 32)); }
OCTET_DEVICE int token_of_key(std::uint64_t key) { return static_cast<int>(static_cast<std::uint32_t>(key)); }

/// The first key up to `limit` at which the running sum of amounts reaches `wanted` (above 0); the last one where it never does;
/// kNoPlace where there are none. visit(f) calls f(key, amount) for this thread's share of the candidates.
template <class Visit>
OCTET_DEVICE std::uint64_t find_place(BlockExchange& exchange, PlaceShared& shared, std::uint64_t wanted, std::uint64_t limit, Visit visit) {
  std::uint64_t prefix = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const auto within = [&](std::uint64_t key) { return key <= limit && (shift == 56 || key >> (shift + 8) == prefix); };
    block_sync();
    shared.amount[thread_x()] = 0;
    shared.tally[thread_x()] = 0;
    block_sync();
    visit([&](std::uint64_t key, std::uint64_t amount) {
      if (!within(key)) return;
      const int digit = static_cast<int>(key >> shift & 0xff);
      atomic_add(&shared.amount[digit], amount);
      atomic_add(&shared.tally[digit], 1);
    });
    block_sync();
    const std::uint64_t own = shared.amount[thread_x()];
    std::uint64_t total;
    const std::uint64_t before = sum_before(exchange, own, total);
    const int tally = shared.tally[thread_x()];
    const auto least = [](int a, int b) { return a < b ? a : b; };
    int digit = across_block(exchange, tally > 0 && before + own >= wanted ? thread_x() : kDigits, least);
    if (digit == kDigits) {
      digit = -across_block(exchange, tally > 0 ? -thread_x() : 1, least);
      if (digit < 0) return kNoPlace;
      wanted = kNoPlace;  // the last key
    } else {
      wanted -= across_block(exchange, thread_x() == digit ? before : 0, [](std::uint64_t a, std::uint64_t b) { return a + b; });
    }
    prefix = prefix << 8 | static_cast<std::uint64_t>(digit);
    if (shift > 0 && shared.tally[digit] == 1) {
      visit([&](std::uint64_t key, std::uint64_t) {
        if (key <= limit && key >> shift == prefix) shared.found = key;
      });
      block_sync();
      return shared.found;
    }
  }
  return prefix;
}

/// The same for up to one candidate a thread, the first `count` threads'. Between two calls the caller has a barrier of the block.
OCTET_DEVICE std::uint64_t find_place_of_few(PlaceShared& shared, int count, std::uint64_t key, std::uint64_t amount, std::uint64_t wanted,
                                             std::uint64_t limit) {
  const bool counts = thread_x() < count && key <= limit;
  shared.key[thread_x()] = counts ? key : kNoPlace;
  shared.amount[thread_x()] = counts ? amount : 0;
  if (thread_x() == 0) shared.found = kNoPlace;
  block_sync();
  std::uint64_t before = 0;
  bool is_last = true;
  if (counts)
    for (int i = 0; i < count; ++i) {
      if (shared.key[i] < key) before += shared.amount[i];
      if (shared.key[i] > key && shared.key[i] != kNoPlace) is_last = false;
    }
  if (counts && before < wanted && (before + amount >= wanted || is_last)) shared.found = key;
  block_sync();
  return shared.found;
}

}  // namespace octet::cuda
