// Warping in a few passes over the row, none of them a sort: block maxima; sums of exponentials; a guess from a sample
// of how far below the maximum the survivors reach; gathering the tokens above that, from blocks whose maximum says so;
// the boundary among those by histogram.
// top-p ("nucleus"): Holtzman et al., "The curious case of neural text degeneration", ICLR 2020. min-p: Nguyen et al.,
// "Turning up the heat: min-p sampling", ICLR 2025. All truncations keep a prefix of one order: logit descending, token
// ascending.
#include "engine/distribution.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "engine/inverse_cdf.h"
#include "engine/row_kernels.h"

namespace octet {
namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kLog2E = std::numbers::log2e_v<float>;
constexpr Token kLastToken = std::numeric_limits<Token>::max();
constexpr std::size_t kSampleBlocks = 16;

float in_unit_interval(float x, float if_nan) { return std::isnan(x) ? if_nan : std::clamp(x, 0.0f, 1.0f); }

// The least finite float that is no less than x.
float rounded_up(double x) {
  if (x <= kLowest) return kLowest;
  const auto nearest = static_cast<float>(x);
  return nearest < x ? std::nextafter(nearest, std::numeric_limits<float>::infinity()) : nearest;
}

}  // namespace

float Distribution::probability(Token token) const {
  if (dense()) {
    const bool known = token >= 0 && static_cast<std::size_t>(token) < probabilities.size();
    return known ? probabilities[token] : 0.0f;
  }
  const auto at = std::lower_bound(ids.begin(), ids.end(), token);
  return at != ids.end() && *at == token ? probabilities[at - ids.begin()] : 0.0f;
}

Token Distribution::draw(float u) const {
  const RowKernels& kernels = row_kernels();
  const auto index = draw_by_blocks(
      probabilities.size(), u,
      [&](std::size_t first, std::size_t count) { return kernels.block_sum(probabilities.data() + first, count); },
      [&](std::size_t i) { return probabilities[i]; });
  return dense() ? static_cast<Token>(index.value()) : ids[index.value()];
}

void Warper::warp(std::span<const float> logits, const Sampling& sampling, Distribution& out, float* log_sum_exp) {
  const Place best = find_max(logits);
  max_ = best.logit;
  const RowKernels& kernels = row_kernels();
  const bool greedy = !(sampling.temperature > 0);
  const bool limits_count = sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < logits.size();
  const float top_p = in_unit_interval(sampling.top_p, 1);
  const float min_p = in_unit_interval(sampling.min_p, 0);
  const double temperature = std::min(sampling.temperature, std::numeric_limits<float>::max());
  scale_ = greedy ? 1.0f : static_cast<float>(std::clamp(std::numbers::log2e / temperature, 0x1p-126, 0x1p127));

  const bool needs_total = !greedy && !limits_count && top_p < 1;
  double unwarped = 0, total = 0;
  if (log_sum_exp && needs_total && scale_ != kLog2E) {
    const float scales[2] = {kLog2E, scale_};
    double sums[2];
    kernels.sum_exp_pair(logits.data(), logits.size(), max_, scales, sums);
    unwarped = sums[0];
    total = sums[1];
  } else if (log_sum_exp) {
    unwarped = total = kernels.sum_exp(logits.data(), logits.size(), max_, kLog2E);
  } else if (needs_total) {
    total = kernels.sum_exp(logits.data(), logits.size(), max_, scale_);
  }
  if (log_sum_exp) *log_sum_exp = static_cast<float>(max_ + std::log(unwarped));

  if (greedy || (needs_total && top_p * total <= 1)) {
    out.ids.assign(1, best.token);
    out.probabilities.assign(1, 1.0f);
    return;
  }
  if (!limits_count && top_p == 1 && min_p == 0) {
    out.ids.clear();
    out.probabilities.resize(logits.size());
    total = kernels.exps(logits.data(), logits.size(), max_, scale_, out.probabilities.data());
    kernels.multiply(out.probabilities.data(), logits.size(), static_cast<float>(1 / total));
    return;
  }

  const float min_p_cutoff = rounded_up(max_ + temperature * std::log(static_cast<double>(min_p)));
  if (limits_count) {
    gather_most_probable(logits, sampling.top_k);
    total = weigh();
  } else if (top_p < 1) {
    gather_mass(logits, top_p * total, total);
  } else {
    gather(logits, min_p_cutoff);
    weigh();
  }
  Place last{kLowest, kLastToken};
  if (top_p < 1) last = place_of(top_p * total, [&](std::size_t i) { return weights_[i]; });
  if (min_p > 0 && min_p_cutoff > last.logit) last = {min_p_cutoff, kLastToken};

  out.ids.resize(count_);
  out.probabilities.resize(count_);
  std::size_t kept = 0;
  double mass = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const bool keep = weights_[i] > 0 && !last.precedes(logits_[i], tokens_[i]);
    out.ids[kept] = tokens_[i];
    out.probabilities[kept] = weights_[i];
    mass += keep ? weights_[i] : 0.0f;
    kept += keep;
  }
  out.ids.resize(kept);
  out.probabilities.resize(kept);
  kernels.multiply(out.probabilities.data(), kept, static_cast<float>(1 / mass));
}

Warper::Place Warper::find_max(std::span<const float> logits) {
  const std::size_t blocks = (logits.size() + kRowBlock - 1) / kRowBlock;
  block_max_.resize(blocks);
  const float max = row_kernels().block_maxima(logits.data(), logits.size(), block_max_.data());
  if (std::isnan(max)) throw std::runtime_error("The model returned NaN or infinite logits: its file is damaged, or the device computes it wrongly");
  if (max < kLowest) throw std::runtime_error("the model returned no finite logit");
  const auto block = std::find(block_max_.begin(), block_max_.end(), max) - block_max_.begin();
  const auto at = std::find(logits.begin() + block * kRowBlock, logits.end(), max);
  return {max, static_cast<Token>(at - logits.begin())};
}

// Up to kSampleBlocks blocks, evenly spaced over the row.
std::span<const float> Warper::sample(std::span<const float> logits) {
  sample_.clear();
  const std::size_t blocks = block_max_.size(), taken = std::min(blocks, kSampleBlocks);
  for (std::size_t i = 0; i < taken; ++i) {
    const auto block = logits.subspan(i * blocks / taken * kRowBlock);
    sample_.insert(sample_.end(), block.begin(), block.begin() + std::min(kRowBlock, block.size()));
  }
  return sample_;
}

void Warper::gather(std::span<const float> logits, float cutoff) {
  if (const std::size_t room = logits.size() + kRowLanes; logits_.size() < room) {
    logits_.resize(room);
    weights_.resize(room);
    tokens_.resize(room);
  }
  cutoff_ = cutoff;
  count_ = row_kernels().gather(logits.data(), logits.size(), block_max_.data(), cutoff, logits_.data(),
                                tokens_.data());
}

// The k-th largest block maximum is a logit that at least k tokens reach; where there are fewer blocks, a sample tells
// one that probably enough do.
void Warper::gather_most_probable(std::span<const float> logits, std::size_t count) {
  const auto largest = [&](std::size_t rank) {
    std::nth_element(sample_.begin(), sample_.begin() + rank, sample_.end(), std::greater<>());
    return std::max(sample_[rank], kLowest);
  };
  if (count <= block_max_.size()) {
    sample_ = block_max_;
    gather(logits, largest(count - 1));
  } else {
    sample(logits);
    const double expected = static_cast<double>(count) * sample_.size() / logits.size();
    const auto rank = static_cast<std::size_t>(expected + 3 * std::sqrt(expected) + 1);
    gather(logits, rank < sample_.size() ? largest(rank) : kLowest);
    if (count_ < count) gather(logits, kLowest);
  }
  if (count_ > count) keep_until(place_of(static_cast<double>(count), [](std::size_t) { return 1.0f; }));
}

// Candidates that hold at least `mass` of `total`. A sample tells a weight below which the row has no more than
// what may be left out; if it was wrong, the cutoff moves down until they do.
void Warper::gather_mass(std::span<const float> logits, double mass, double total) {
  const RowKernels& kernels = row_kernels();
  sample(logits);
  kernels.exps(sample_.data(), sample_.size(), max_, scale_, sample_.data());
  const double spare = 0.8 * (total - mass) * static_cast<double>(sample_.size()) / static_cast<double>(logits.size());
  int shallow = 0, deep = 256;  // the weight is 2^(-depth / 2); below 2^-126.5 there is none
  while (deep - shallow > 1) {
    const int middle = (deep + shallow) / 2;
    const bool leaves_too_much = kernels.sum_below(sample_.data(), sample_.size(), std::exp2(-0.5f * middle)) > spare;
    (leaves_too_much ? shallow : deep) = middle;
  }
  for (int depth = deep;; depth += depth / 2 + 1) {
    gather(logits, rounded_up(max_ - 0.5 * depth / scale_));
    if (weigh() >= mass || depth > 256 || cutoff_ == kLowest) return;
  }
}

double Warper::weigh() { return row_kernels().exps(logits_.data(), count_, max_, scale_, weights_.data()); }

// The last candidate of the shortest prefix with at least `mass`. Each round splits the open candidates into bins of
// equal width by logit and goes on in the bin where the mass is reached: linear, however the logits lie.
template <class WeightOf>
Warper::Place Warper::place_of(double mass, WeightOf weight_of) {
  constexpr std::size_t kBins = 128, kFew = 24;
  open_.resize(count_);
  bins_.resize(count_);
  std::iota(open_.begin(), open_.end(), 0u);
  double above = 0, low = cutoff_, high = max_;
  while (open_.size() > kFew && low < high) {
    const double per_bin = kBins / (high - low);
    std::array<double, kBins> masses{};
    std::size_t last = 0;  // of the bins that hold any
    for (std::size_t j = 0; j < open_.size(); ++j) {
      const auto bin = std::min(kBins - 1, static_cast<std::size_t>((high - logits_[open_[j]]) * per_bin));
      bins_[j] = static_cast<std::uint8_t>(bin);
      masses[bin] += weight_of(open_[j]);
      last = std::max(last, bin);
    }
    std::size_t bin = 0;
    while (bin < last && above + masses[bin] < mass) above += masses[bin++];
    std::size_t kept = 0;
    low = max_;
    high = kLowest;
    for (std::size_t j = 0; j < open_.size(); ++j) {
      if (bins_[j] != bin) continue;
      const float logit = logits_[open_[j]];
      open_[kept++] = open_[j];
      low = std::min<double>(low, logit);
      high = std::max<double>(high, logit);
    }
    open_.resize(kept);
  }
  if (low < high)
    std::sort(open_.begin(), open_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return logits_[a] != logits_[b] ? logits_[a] > logits_[b] : a < b;
    });
  for (const std::uint32_t i : open_) {
    above += weight_of(i);
    if (above >= mass) return {logits_[i], tokens_[i]};
  }
  return {logits_[open_.back()], tokens_[open_.back()]};
}

void Warper::keep_until(Place last) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const float logit = logits_[i];
    const Token token = tokens_[i];
    logits_[kept] = logit;
    tokens_[kept] = token;
    kept += !last.precedes(logit, token);
  }
  count_ = kept;
}

}  // namespace octet
