// The inverse CDF over a row whose mass is known by slices: the slice first, then the token within.
#pragma once

#include "runtimes/cuda/kernels/block_sums.cuh"
#include "runtimes/cuda/kernels/warp_scratch.h"

namespace octet::cuda {

/// The first token, in token order, at which the running sum of mass_of(token) exceeds `target`, below the sum of slice_mass, this
/// thread's slice's; 0 in the absence of any mass. The same in every thread. mass_of is called for tokens of one slice.
template <class MassOf>
OCTET_DEVICE int draw_token(BlockExchange& exchange, std::uint64_t slice_mass, std::uint64_t target, int vocabulary, MassOf mass_of) {
  constexpr int kEach = kSliceTokens / kBlockThreads;
  const auto found_anywhere = [&](int mine) { return across_block(exchange, mine, [](int a, int b) { return a > b ? a : b; }); };
  std::uint64_t total;
  const std::uint64_t before_slice = sum_before(exchange, slice_mass, total);
  const int slice = found_anywhere(before_slice <= target && target < before_slice + slice_mass ? thread_x() : -1);
  if (slice < 0) return 0;
  const std::uint64_t before = block_sum(exchange, thread_x() == slice ? before_slice : 0);
  const int first = slice * kSliceTokens + thread_x() * kEach;
  std::uint64_t own = 0;
  OCTET_UNROLL
  for (int i = 0; i < kEach; ++i) own += first + i < vocabulary ? mass_of(first + i) : 0;
  std::uint64_t sum = before + sum_before(exchange, own, total);
  int token = -1;
  if (sum <= target && target < sum + own)
    while (sum <= target) sum += mass_of(first + ++token);
  return found_anywhere(token < 0 ? -1 : first + token);
}

}  // namespace octet::cuda
