// Rows of logits warped on the device, beside the engine's own warping.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/distribution.h"
#include "runtimes/cuda/kernels/warp.h"

namespace octet::test {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// What the device made of rows that all have the same length and lie `stride` apart.
struct WarpedRows {
  std::vector<cuda::WarpedRow> rows;
  std::vector<Token> drawn;
  int bad_logits = 0;
};

/// One row for every sampling and u; what the last of `calls` on one scratch gave.
inline WarpedRows warp_on_device(const std::vector<std::vector<float>>& rows, const std::vector<Sampling>& samplings,
                                 const std::vector<float>& uniforms, int calls = 1) {
  using namespace cuda;
  const int count = static_cast<int>(rows.size()), vocabulary = static_cast<int>(rows.at(0).size()), stride = vocabulary + 3;
  std::vector<float> logits(static_cast<std::size_t>(count * stride), std::numeric_limits<float>::quiet_NaN());
  std::vector<int> which;
  std::vector<Warping> warpings;
  for (int i = 0; i < count; ++i) {
    std::copy(rows[static_cast<std::size_t>(i)].begin(), rows[static_cast<std::size_t>(i)].end(), logits.begin() + i * stride);
    which.push_back(i);
    warpings.push_back(warping_of(samplings.at(static_cast<std::size_t>(i)), vocabulary));
  }
  const DeviceArray<float> device_logits(logits), device_uniforms(uniforms);
  const DeviceArray<int> device_which(which), bad(std::vector<int>{0});
  const DeviceArray<Warping> device_warpings(warpings);
  const DeviceArray<WarpedRow> warped(rows.size());
  const DeviceArray<Token> drawn(rows.size());
  const WarpScratch scratch(count, vocabulary);
  Stream stream;
  for (int i = 0; i < calls; ++i)
    warp_rows(stream, scratch, {.rows = count, .vocabulary = vocabulary, .logits = device_logits.data(), .stride = stride,
                                .which = device_which.data(), .warping = device_warpings.data(), .warped = warped.data(), .log_sum_exp = true, .bad_logits = bad.data(),
                                .uniform = device_uniforms.data(), .drawn = drawn.data()});
  stream.synchronize();
  return {warped.download(), drawn.download(), bad.download()[0]};
}

inline WarpedRows warp_on_device(const std::vector<float>& row, const Sampling& sampling, float u) {
  return warp_on_device(std::vector<std::vector<float>>{row}, std::vector<Sampling>{sampling}, std::vector<float>{u});
}

inline bool keeps(const cuda::WarpedRow& row, float logit, Token token) {
  return logit > row.last_logit || (logit == row.last_logit && token <= row.last_token);
}

/// A row's probability of a token, as kernels take it.
inline double probability_of(const cuda::WarpedRow& row, float logit, Token token) {
  const float depth = (row.max - logit) * row.scale;
  return keeps(row, logit, token) && depth <= 126.5f ? std::exp2(-static_cast<double>(depth)) * row.inverse_mass : 0.0;
}

/// The mass of the first 1, 2, ... tokens of the order of truncations, as shares of what top-k leaves; float64.
inline std::vector<double> running_shares(const std::vector<float>& logits, const Sampling& sampling) {
  std::vector<float> order = logits;
  std::sort(order.begin(), order.end(), std::greater<>());
  if (sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < order.size()) order.resize(static_cast<std::size_t>(sampling.top_k));
  std::vector<double> shares;
  double sum = 0;
  for (const float logit : order) shares.push_back(sum += std::exp((static_cast<double>(logit) - order[0]) / sampling.temperature));
  for (double& share : shares) share /= sum;
  return shares;
}

/// Where the device's distribution departs from the engine's; empty where it does not. Both may put top-p's boundary at different
/// tokens only if the mass up to each of them is within 2e-6 of top-p: the engine sums float32 weights, the device integers.
inline std::string difference(const std::vector<float>& logits, const Sampling& sampling, const cuda::WarpedRow& row) {
  Warper warper;
  Distribution engine;
  float log_sum_exp = 0;
  warper.warp(logits, sampling, engine, &log_sum_exp);
  if (std::abs(log_sum_exp - row.log_sum_exp) > 2e-6f * (1 + std::abs(log_sum_exp)))
    return "log-sum-exp " + std::to_string(row.log_sum_exp) + " instead of " + std::to_string(log_sum_exp);
  double total = 0, apart = 0;
  std::size_t in_engine = 0, engine_keeps = 0, device_keeps = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto token = static_cast<Token>(i);
    double q = 0;
    if (engine.dense()) q = engine.probabilities[i];
    else if (in_engine < engine.ids.size() && engine.ids[in_engine] == token) q = engine.probabilities[in_engine++];
    const double p = probability_of(row, logits[i], token);
    total += p;
    engine_keeps += q > 0;
    device_keeps += p > 0;
    apart = std::max(apart, std::abs(p - q) - 2e-6 * q);
  }
  if (std::abs(total - 1) > 1e-5) return "a total of " + std::to_string(total);
  if (engine_keeps != device_keeps) {
    const auto shares = running_shares(logits, sampling);
    for (std::size_t n = std::min(engine_keeps, device_keeps); n < std::max(engine_keeps, device_keeps); ++n)
      if (sampling.top_p >= 1 || std::abs(shares.at(n - 1) - sampling.top_p) > 2e-6)
        return std::to_string(device_keeps) + " tokens kept instead of " + std::to_string(engine_keeps);
    return {};
  }
  return apart > 1e-9 ? "probabilities " + std::to_string(apart * 1e6) + " millionths apart" : std::string();
}

}  // namespace octet::test
