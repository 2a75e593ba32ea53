// Warping as it should be, in float64, from one full sort of the row.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "engine/distribution.h"

namespace octet::test {

// What Warper::warp should give, from one full sort of the row. Roundings may move a boundary that lies within 1e-6 of
// a token, so the number of tokens kept is a range.
class WarpReference {
 public:
  explicit WarpReference(const std::vector<float>& logits) : logits_(logits), order_(logits.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](Token a, Token b) { return logits[a] > logits[b]; });
    const double max = logits[order_[0]];
    double sum = 0;
    for (const float x : logits) sum += std::exp(x - max);
    log_sum_exp_ = max + std::log(sum);
  }

  // Empty if `got` is right, or what is wrong with it.
  std::string difference(const Sampling& sampling, const Distribution& got, float log_sum_exp) {
    std::ostringstream out;
    if (!(std::abs(log_sum_exp - log_sum_exp_) <= 1e-6 + 2e-7 * std::abs(log_sum_exp_)))
      out << "log_sum_exp " << log_sum_exp << " for " << log_sum_exp_ << "; ";
    if (sampling.temperature == 0) {
      if (got.ids != std::vector<Token>{order_[0]} || got.probabilities != std::vector<float>{1.0f})
        out << "greedy is not the argmax; ";
      return out.str();
    }
    const Row& row = row_at(sampling.temperature);
    const std::size_t n = logits_.size();
    const bool truncated = (sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < n) ||
                           sampling.top_p < 1 || sampling.min_p > 0;
    if (got.dense() != !truncated) return out.str() + "dense is " + (got.dense() ? "true" : "false");
    if (got.probabilities.size() != (got.dense() ? n : got.ids.size())) return out.str() + "sizes differ";

    std::size_t fewest = n, most = n;
    if (sampling.top_k > 0) fewest = most = std::min<std::size_t>(n, sampling.top_k);
    const double total = row.prefix[most];
    const auto with_mass = [&](double mass) {
      const auto at = std::lower_bound(row.prefix.begin() + 1, row.prefix.begin() + most + 1, mass);
      return std::min<std::size_t>(at - row.prefix.begin(), most);
    };
    if (sampling.top_p < 1) {
      fewest = std::min(fewest, with_mass((sampling.top_p - 1e-6) * total));
      most = with_mass((sampling.top_p + 1e-6) * total);
    }
    const auto no_less = [&](double weight) {
      const auto reaches = [&](double w) { return w >= weight; };
      return static_cast<std::size_t>(
          std::partition_point(row.weights.begin(), row.weights.end(), reaches) - row.weights.begin());
    };
    if (sampling.min_p > 0) {
      const double slack = sampling.min_p < 1 ? 1e-9 : 0;
      fewest = std::min(fewest, no_less(sampling.min_p * (1 + slack)));
      most = std::min(most, no_less(sampling.min_p * (1 - slack)));
    }
    fewest = std::min(fewest, no_less(0x1p-126));  // float32 knows no lesser weights
    most = std::min(most, no_less(0x1p-127));

    std::vector<Token> kept;
    for (std::size_t i = 0; i < got.probabilities.size(); ++i)
      if (got.probabilities[i] > 0) kept.push_back(got.dense() ? static_cast<Token>(i) : got.ids[i]);
    if (!got.dense() && kept.size() != got.ids.size()) out << "a token of probability 0 is listed; ";
    if (!std::is_sorted(kept.begin(), kept.end())) out << "ids do not ascend; ";
    if (kept.size() < fewest || kept.size() > most)
      return out.str() + "kept " + std::to_string(kept.size()) + " of " + std::to_string(fewest) + " to " +
             std::to_string(most);
    const double mass = row.prefix[kept.size()];
    double sum = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const double weight = row.weight_of[kept[i]], expected = weight / mass;
      const double p = got.dense() ? got.probabilities[kept[i]] : got.probabilities[i];
      sum += p;
      if (row.rank[kept[i]] >= kept.size()) {
        out << "token " << kept[i] << " of rank " << row.rank[kept[i]] << " is kept; ";
        break;
      }
      if (std::abs(p - expected) > expected * (6e-7 - 1.5e-7 * std::log(weight)) + 1e-38) {
        out << "token " << kept[i] << " has " << p << " for " << expected << "; ";
        break;
      }
    }
    if (std::abs(sum - 1) > 1e-6) out << "probabilities sum to " << sum << "; ";
    return out.str();
  }

 private:
  struct Row {
    std::vector<double> weights, prefix;  // by rank; prefix[i] is the sum of the first i
    std::vector<double> weight_of;        // by token
    std::vector<std::size_t> rank;        // by token
  };
  const Row& row_at(float temperature) {
    Row& row = rows_[temperature];
    if (row.weights.empty()) {
      const double max = logits_[order_[0]];
      row.weight_of.resize(order_.size());
      row.rank.resize(order_.size());
      row.prefix.push_back(0);
      for (std::size_t i = 0; i < order_.size(); ++i) {
        const double w = std::exp((logits_[order_[i]] - max) / static_cast<double>(temperature));
        row.weights.push_back(w);
        row.prefix.push_back(row.prefix.back() + w);
        row.weight_of[order_[i]] = w;
        row.rank[order_[i]] = i;
      }
    }
    return row;
  }

  const std::vector<float>& logits_;
  std::vector<Token> order_;
  double log_sum_exp_ = 0;
  std::map<float, Row> rows_;
};

}  // namespace octet::test
