#include "runtimes/cuda/kernels/warp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "runtimes/cuda/kernels/device_parts.h"
#include "runtimes/cuda/kernels/warp_scratch.h"

namespace octet::cuda {
namespace {

float in_unit_interval(float x, float if_nan) { return std::isnan(x) ? if_nan : std::clamp(x, 0.0f, 1.0f); }

WarpScratch::View view_of(DeviceParts& parts, int rows, int vocabulary) {
  const auto r = static_cast<std::size_t>(rows);
  WarpScratch::View view{};
  view.rows = rows;
  view.slices = (vocabulary + kSliceTokens - 1) / kSliceTokens;
  view.candidates_a_row = (std::min(vocabulary, kMostCandidates) + 31) / 32 * 32;
  const std::size_t slices = r * static_cast<std::size_t>(view.slices);
  view.arrived = parts.take<int>(r);
  view.listed = parts.take<int>(r);
  view.search = parts.take<WarpScratch::Search>(r);
  view.slice = parts.take<WarpScratch::Slice>(slices);
  view.mass = parts.take<std::uint32_t>(slices * kDepthBins);
  view.count = parts.take<std::uint32_t>(slices * kDepthBins);
  view.candidate = parts.take<std::uint64_t>(r * static_cast<std::size_t>(view.candidates_a_row));
  return view;
}

}  // namespace

Warping warping_of(const Sampling& sampling, int vocabulary) {
  Warping warping;
  warping.greedy = !(sampling.temperature > 0);
  const double temperature = std::min(sampling.temperature, std::numeric_limits<float>::max());
  warping.scale = warping.greedy ? 1.0f : static_cast<float>(std::clamp(std::numbers::log2e / temperature, 0x1p-126, 0x1p127));
  warping.top_p = in_unit_interval(sampling.top_p, 1);
  warping.top_k = sampling.top_k < vocabulary ? std::max(0, sampling.top_k) : 0;
  const double min_p = in_unit_interval(sampling.min_p, 0);
  warping.min_p_offset = min_p > 0 && !warping.greedy ? temperature * std::log(min_p) : -std::numeric_limits<double>::infinity();
  return warping;
}

std::size_t WarpScratch::bytes(int rows, int vocabulary) {
  DeviceParts parts;
  view_of(parts, rows, vocabulary);
  return parts.used;
}

WarpScratch::WarpScratch(int rows, int vocabulary) : memory_(bytes(rows, vocabulary)) {
  if (rows < 1 || vocabulary < 1 || vocabulary > kMostSlices * kSliceTokens)
    throw std::invalid_argument("rows of 1 to " + std::to_string(kMostSlices * kSliceTokens) + " logits can be warped");
  DeviceParts parts{memory_.data()};
  view_ = view_of(parts, rows, vocabulary);
  const std::vector<std::byte> zeros(reinterpret_cast<std::byte*>(view_.search) - memory_.data());
  memory_.upload(zeros);
}

}  // namespace octet::cuda
