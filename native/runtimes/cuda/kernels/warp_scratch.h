// What the two launches of a warp leave each other in device memory.
#pragma once

#include "runtimes/cuda/device/keywords.h"
#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/warp.h"

namespace octet::cuda {

/// A slice's tokens by how far below the slice's largest logit they lie: quarters of an octave of weight.
constexpr int kBinsAnOctave = 4, kDepthBins = 512;

constexpr int kMostSlices = 256;         ///< One thread of a block each.
constexpr int kMostCandidates = 16384;   ///< That are listed; where more come in question the row itself is searched.

/// Logits as integers of the same order; -0 counts as 0.
OCTET_BOTH std::uint32_t ordered_bits(float logit) {
  const std::uint32_t bits = float_to_bits(logit + 0.0f);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
OCTET_BOTH float logit_of_bits(std::uint32_t ordered) { return bits_to_float(ordered >> 31 ? ordered & 0x7fffffffu : ~ordered); }

struct WarpScratch::Slice {
  std::uint64_t best;        ///< Ordered bits of the largest logit, and the complement of its lowest token; all ones: bad.
  float unwarped;            ///< Sum of exp(logit - largest).
  int above_count;           ///< Tokens above the search.
  std::uint64_t all, above;  ///< Weights in units: of the slice, and of its tokens above the search.
  std::uint64_t kept;        ///< Of those above the search that min-p leaves.
};

struct WarpScratch::Search {
  float start, end;          ///< Depths in octaves, start inclusive; +inf: nothing is to be sought.
  float cutoff;              ///< min-p's least logit.
  int best_token;
  bool done;                 ///< The first launch has settled the row: greedy, or bad.
  bool limits_count;         ///< top-k leaves tokens out that are more than 0.
};

}  // namespace octet::cuda
