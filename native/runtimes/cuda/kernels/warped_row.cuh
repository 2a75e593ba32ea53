// Probabilities as functions of a row's record and its logits, and the integers that are summed instead of floats where the order
// of blocks must not matter: a weight (the largest is 1) counts in units of 2^-44, a probability in units of 2^-62, so that
// 2^17 tokens of weight 1, or probabilities that sum to a little more than 1, stay below 2^63.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/warp.h"

namespace octet::cuda {

constexpr float kDeepest = 126.5f;  ///< Octaves below the largest weight: what lies deeper counts as 0, as in the engine.
constexpr float kLowestFloat = -3.402823466e38f;
constexpr int kLastToken = 0x7fffffff;

/// Octaves from the largest weight down to this logit's; +inf for a logit of -inf.
OCTET_DEVICE float depth_of(float max, float scale, float logit) { return product_of(max - logit, scale); }

OCTET_DEVICE float weight_at(float depth) { return depth <= kDeepest ? exp2_of(-depth) : 0.0f; }

OCTET_DEVICE std::uint64_t weight_units(float weight) { return static_cast<std::uint64_t>(weight * 0x1p44f); }
OCTET_DEVICE std::uint64_t probability_units(float probability) { return static_cast<std::uint64_t>(probability * 0x1p62f); }

/// Not behind the last place of the order: logit descending, token ascending.
OCTET_DEVICE bool keeps(float last_logit, int last_token, float logit, int token) {
  return logit > last_logit || (logit == last_logit && token <= last_token);
}

OCTET_DEVICE float probability_of(const WarpedRow& row, float logit, int token) {
  if (!keeps(row.last_logit, row.last_token, logit, token)) return 0;
  return product_of(weight_at(depth_of(row.max, row.scale, logit)), row.inverse_mass);
}

/// floor(u total) for u a multiple of 2^-24 in [0, 1), total below 2^63: exact. A running sum exceeds u total just where it
/// exceeds this.
OCTET_DEVICE std::uint64_t part_of(std::uint64_t total, float u) {
  const auto m = static_cast<std::uint64_t>(u * 0x1p24f);
  return (total >> 24) * m + ((total & 0xffffffu) * m >> 24);
}

}  // namespace octet::cuda
