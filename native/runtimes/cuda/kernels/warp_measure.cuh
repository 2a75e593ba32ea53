// The first launch of a warp, one block a slice: the largest logit and its lowest token, the sum of unwarped exponentials, and,
// where top-k or top-p is on, how many tokens and how much weight lie how deep below the slice's largest logit.
//
// The row's last block adds the slices up. A slice's bin j holds depths from d + j / 4 on, a quarter of an octave wide, where d is
// how far the slice's largest lies below the row's; it counts in the row's bin floor(4 d) + j. So what is counted in bin b lies
// between b / 4 and (b + 2) / 4 octaves deep, and where the sum first reaches a count or a mass in bin b, the token at which it
// does so, in the exact order, lies there too: at b / 4 or deeper because everything shallower is counted before b, and above
// (b + 2) / 4 because everything counted up to b is. The second launch seeks it there.
#pragma once

#include "runtimes/cuda/kernels/block_sums.cuh"
#include "runtimes/cuda/kernels/warp_scratch.h"
#include "runtimes/cuda/kernels/warped_row.cuh"

namespace octet::cuda {

constexpr int kThreadTokens = kSliceTokens / kBlockThreads;
constexpr float kLog2E = 1.44269504088896f;
constexpr float kDepthSlack = 0x1p-9f;   ///< More than depths differ by when taken over a slice's largest logit.
constexpr float kMassSlack = 0x1p-15f;   ///< More than sums over bins are wrong by: an entry is rounded to 2^-19 of itself.
constexpr std::uint64_t kBadSlice = ~std::uint64_t{0};

struct MeasureShared {
  BlockExchange exchange;
  std::uint32_t mass[kDepthBins], count[kDepthBins];  // of a slice; of the row, running sums, the first as floats
  float drop[kMostSlices], factor[kMostSlices];       // octaves from the row's largest to the slice's; as a factor
};

// The least finite float that is no less than x.
OCTET_DEVICE float rounded_up(double x) {
  if (x <= static_cast<double>(kLowestFloat)) return kLowestFloat;
  const auto nearest = static_cast<float>(x);
  if (static_cast<double>(nearest) >= x) return nearest;
  const std::uint32_t bits = float_to_bits(nearest);
  return nearest == 0 ? bits_to_float(1) : bits_to_float(nearest > 0 ? bits + 1 : bits - 1);
}

// A slice's logits, kThreadTokens a thread; what is not a number, +inf or beyond the row is -inf. Returns the largest and its lowest
// token as in Slice::best, the same in every thread.
OCTET_DEVICE std::uint64_t load_slice(BlockExchange& exchange, const float* logits, int first, int vocabulary, float (&x)[kThreadTokens]) {
  const float infinity = bits_to_float(0x7f800000u);
  std::uint64_t best = 0;
  OCTET_UNROLL
  for (int i = 0; i < kThreadTokens; ++i) {
    const int token = first + i * kBlockThreads + thread_x();
    x[i] = token < vocabulary ? logits[token] : -infinity;
  }
  OCTET_UNROLL
  for (int i = 0; i < kThreadTokens; ++i) {
    const int token = first + i * kBlockThreads + thread_x();
    const bool good = x[i] < infinity;
    if (!good) x[i] = -infinity;
    const std::uint64_t key = good ? std::uint64_t{ordered_bits(x[i])} << 32 | ~static_cast<std::uint32_t>(token) : kBadSlice;
    best = key > best ? key : best;
  }
  return across_block(exchange, best, [](std::uint64_t a, std::uint64_t b) { return a > b ? a : b; });
}

OCTET_DEVICE float largest_of(std::uint64_t best) { return logit_of_bits(static_cast<std::uint32_t>(best >> 32)); }
OCTET_DEVICE int token_of(std::uint64_t best) { return static_cast<int>(~static_cast<std::uint32_t>(best)); }

// The first bin whose running sum is at least `wanted`; kDepthBins if none is.
template <class T>
OCTET_DEVICE int first_reaching(BlockExchange& exchange, const T* running, T wanted) {
  int bin = kDepthBins;
  OCTET_UNROLL
  for (int i = kDepthBins / kBlockThreads - 1; i >= 0; --i) {
    const int at = thread_x() * (kDepthBins / kBlockThreads) + i;
    if (running[at] >= wanted) bin = at;
  }
  return across_block(exchange, bin, [](int a, int b) { return a < b ? a : b; });
}

// Running sums over the row's bins, from all slices' bins.
template <class T, class Entry>
OCTET_DEVICE void run_over_bins(MeasureShared& shared, int slices, T* running, Entry entry) {
  constexpr int kEach = kDepthBins / kBlockThreads, kSlicesAtOnce = 8;  // whose loads are under way together
  T sums[kEach] = {};
  for (int first = 0; first < slices; first += kSlicesAtOnce) {
    T part[kSlicesAtOnce][kEach];
    OCTET_UNROLL
    for (int s = 0; s < kSlicesAtOnce; ++s) {
      const int slice = first + s;
      const bool counts = slice < slices && shared.drop[slice] <= kDeepest;
      const int shift = counts ? static_cast<int>(shared.drop[slice] * kBinsAnOctave) : 0;
      OCTET_UNROLL
      for (int i = 0; i < kEach; ++i) {
        const int bin = thread_x() * kEach + i - shift;
        part[s][i] = counts && bin >= 0 ? entry(slice, bin) : T{0};
      }
    }
    OCTET_UNROLL
    for (int s = 0; s < kSlicesAtOnce; ++s) {
      OCTET_UNROLL
      for (int i = 0; i < kEach; ++i) sums[i] += part[s][i];
    }
  }
  T own = 0, total;
  OCTET_UNROLL
  for (int i = 0; i < kEach; ++i) own += sums[i];
  T sum = sum_before(shared.exchange, own, total);
  OCTET_UNROLL
  for (int i = 0; i < kEach; ++i) running[thread_x() * kEach + i] = sum += sums[i];
  block_sync();
}

// Where the row's last place is to be sought.
OCTET_DEVICE void bracket(MeasureShared& shared, const Warping& warping, const WarpScratch::View& scratch, int row,
                          WarpScratch::Search& search) {
  const float infinity = bits_to_float(0x7f800000u);
  const std::size_t first = static_cast<std::size_t>(row) * scratch.slices * kDepthBins;
  const auto bin_depth = [](int bin) { return static_cast<float>(bin) / kBinsAnOctave; };
  auto* const counts = reinterpret_cast<int*>(shared.count);
  auto* const masses = reinterpret_cast<float*>(shared.mass);
  int last_counted = kDepthBins;
  search.start = search.end = infinity;
  search.limits_count = false;
  if (warping.top_k > 0) {
    run_over_bins<int>(shared, scratch.slices, counts, [&](int slice, int bin) {
      return static_cast<int>(load_fresh(scratch.count + first + static_cast<std::size_t>(slice) * kDepthBins + bin));
    });
    last_counted = first_reaching(shared.exchange, counts, warping.top_k);
    search.limits_count = last_counted < kDepthBins;
    if (search.limits_count) {
      search.start = bin_depth(last_counted) - kDepthSlack;
      search.end = bin_depth(last_counted + 2) + kDepthSlack;
    }
  }
  if (warping.top_p < 1) {
    run_over_bins<float>(shared, scratch.slices, masses, [&](int slice, int bin) {
      const std::uint32_t mass = load_fresh(scratch.mass + first + static_cast<std::size_t>(slice) * kDepthBins + bin);
      return static_cast<float>(mass) * exp2_of(static_cast<float>(-19 - bin / kBinsAnOctave)) * shared.factor[slice];
    });
    float least = masses[kDepthBins - 1], most = least;
    if (search.limits_count) {
      least = last_counted >= 2 ? masses[last_counted - 2] : 1;
      least = least < 1 ? 1 : least;
      most = masses[last_counted + 1 < kDepthBins ? last_counted + 1 : kDepthBins - 1];
    }
    const int shallow = first_reaching(shared.exchange, masses, warping.top_p * least * (1 - kMassSlack));
    const int deep = first_reaching(shared.exchange, masses, warping.top_p * most * (1 + kMassSlack));
    const float start = bin_depth(shallow < kDepthBins ? shallow : kDepthBins - 1) - kDepthSlack;
    search.start = start < search.start ? start : search.start;
    if (!search.limits_count) search.end = bin_depth((deep < kDepthBins ? deep : kDepthBins) + 2) + kDepthSlack;
  }
}

}  // namespace octet::cuda
