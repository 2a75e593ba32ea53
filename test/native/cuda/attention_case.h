// Batches for attention: lanes at their places, with NaN in every cell that no row may see and in the queries of inactive rows,
// and what comes out in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/layers.h"

namespace octet::cuda {

struct AttentionLane {
  int slot;  ///< -1: idle
  Place place;
  std::vector<int> positions;  ///< Of its rows; -1: inactive.

  int last() const { return slot < 0 ? -1 : *std::max_element(positions.begin(), positions.end()); }
};

struct AttentionCase {
  HeadShape shape;
  int cells;
  std::vector<AttentionLane> lanes;
  bool rising = false;  ///< All scores are below 0 and rise with the position, so that each stage's largest exceeds those before.

  int rows_per_lane() const { return static_cast<int>(lanes[0].positions.size()); }
  int rows() const { return static_cast<int>(lanes.size()) * rows_per_lane(); }
};

inline std::vector<int> positions_from(int first, int count) {
  std::vector<int> positions;
  for (int i = 0; i < count; ++i) positions.push_back(first + i);
  return positions;
}

template <class T>
class AttentionData {
 public:
  explicit AttentionData(const AttentionCase& a) : a_(a), random_(11) {
    const auto [heads, kv_heads, dim] = a.shape;
    const T poison = from_float<T>(std::numeric_limits<float>::quiet_NaN());
    q_.assign(static_cast<std::size_t>(a.rows() * heads * dim), poison);
    keys_.assign(static_cast<std::size_t>(a.cells * kv_heads * dim), poison);
    values_ = keys_;
    std::vector<Place> places(kMaxSlots);
    std::vector<int> slots, positions;
    for (const AttentionLane& lane : a.lanes) {
      slots.push_back(lane.slot);
      for (const int position : lane.positions) {
        const std::size_t at = positions.size() * heads * dim;
        if (lane.slot >= 0 && position >= 0) fill(q_, at, heads * dim);
        if (lane.slot >= 0 && position >= 0 && a.rising) std::fill_n(q_.begin() + static_cast<std::ptrdiff_t>(at), heads * dim, from_float<T>(0.5f));
        positions.push_back(position);
      }
      if (lane.slot < 0) continue;
      places[static_cast<std::size_t>(lane.slot)] = lane.place;
      for (int position = 0; position <= lane.last(); ++position) {
        const auto at = static_cast<std::size_t>(cell_of(lane.place, position) * kv_heads * dim);
        if (!std::isnan(to_float(keys_[at]))) continue;  // of a prompt that another lane shares
        if (a.rising) fill_rising(at, position);
        else fill(keys_, at, kv_heads * dim);
        fill(values_, at, kv_heads * dim);
      }
    }
    slots_ = DeviceArray<int>(slots);
    positions_ = DeviceArray<int>(positions);
    places_ = DeviceArray<Place>(places);
    device_q_ = DeviceArray<T>(q_);
    device_keys_ = DeviceArray<T>(keys_);
    device_values_ = DeviceArray<T>(values_);
  }

  Batch batch() const {
    return {static_cast<int>(a_.lanes.size()), a_.rows_per_lane(), slots_.data(), nullptr, positions_.data(), places_.data()};
  }
  const T* q() const { return device_q_.data(); }
  const T* keys() const { return device_keys_.data(); }
  const T* values() const { return device_values_.data(); }
  std::size_t size() const { return q_.size(); }

  /// The largest |got - wanted| / (1 + |wanted|); infinite where something is NaN.
  double difference(const std::vector<T>& got) const {
    const std::vector<double> want = expected();
    double most = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      const double apart = std::abs(to_float(got[i]) - want[i]) / (1 + std::abs(want[i]));
      most = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(most, apart);
    }
    return most;
  }

 private:
  void fill(std::vector<T>& to, std::size_t from, int count) {
    std::normal_distribution<float> normal(0, 1.5f);
    for (int i = 0; i < count; ++i) to[from + static_cast<std::size_t>(i)] = from_float<T>(normal(random_));
  }

  /// A key of which, for any query, as much is taken as cells are left: scores from about -20 on. Queries are all 0.5 then.
  void fill_rising(std::size_t from, int position) {
    const auto dim = static_cast<float>(a_.shape.head_dim);
    const float x = static_cast<float>(position - a_.cells) / static_cast<float>(a_.cells) * 40 / std::sqrt(dim);
    std::fill_n(keys_.begin() + static_cast<std::ptrdiff_t>(from), a_.shape.kv_heads * a_.shape.head_dim, from_float<T>(x));
  }

  std::vector<double> expected() const {
    const auto [heads, kv_heads, dim] = a_.shape;
    std::vector<double> all(q_.size(), 0.0), weights;
    for (int row = 0; row < a_.rows(); ++row) {
      const AttentionLane& lane = a_.lanes[static_cast<std::size_t>(row / a_.rows_per_lane())];
      const int position = lane.slot < 0 ? -1 : lane.positions[static_cast<std::size_t>(row % a_.rows_per_lane())];
      for (int head = 0; head < heads && position >= 0; ++head) {
        const auto at = static_cast<std::size_t>((row * heads + head) * dim);
        const auto cell = [&](int p) { return static_cast<std::size_t>((cell_of(lane.place, p) * kv_heads + head / (heads / kv_heads)) * dim); };
        double most = -1e300, total = 0;
        weights.clear();
        for (int p = 0; p <= position; ++p) {
          double score = 0;
          for (int i = 0; i < dim; ++i) score += static_cast<double>(to_float(q_[at + i])) * to_float(keys_[cell(p) + i]);
          weights.push_back(score / std::sqrt(dim));
          most = std::max(most, weights.back());
        }
        for (double& weight : weights) total += weight = std::exp(weight - most);
        for (int p = 0; p <= position; ++p)
          for (int i = 0; i < dim; ++i) all[at + i] += weights[static_cast<std::size_t>(p)] / total * to_float(values_[cell(p) + i]);
      }
    }
    return all;
  }

  AttentionCase a_;
  std::mt19937 random_;
  std::vector<T> q_, keys_, values_;
  DeviceArray<int> slots_, positions_;
  DeviceArray<Place> places_;
  DeviceArray<T> device_q_, device_keys_, device_values_;
};

}  // namespace octet::cuda
