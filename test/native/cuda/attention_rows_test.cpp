// Attention over shared prompts and ragged tails against a double-precision reference, with NaN in every cell that a row must
// not see.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/attention_rows.h"
#ifndef OCTET_CUDA_GPU
#include "runtimes/cuda/device/host/block.h"
#endif

using namespace octet::cuda;

namespace {

struct Lane {
  int slot;  // -1: idle
  Place place;
  std::vector<int> positions;  // of its rows; -1: inactive
};

struct Attention {
  HeadShape shape;
  int cells;
  std::vector<Lane> lanes;
};

template <class T>
std::vector<double> widened(const std::vector<T>& values) {
  std::vector<double> wide;
  for (const T value : values) wide.push_back(to_float(value));
  return wide;
}

template <class T>
void check(const Attention& a, Precision precision, double tolerance) {
  const auto [heads, kv_heads, dim] = a.shape;
  const int rows_per_lane = static_cast<int>(a.lanes[0].positions.size()), rows = static_cast<int>(a.lanes.size()) * rows_per_lane;
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 1.5f);
  const auto filled = [&](std::size_t count, bool poisoned) {
    std::vector<T> values(count);
    for (T& value : values) value = from_float<T>(poisoned ? std::numeric_limits<float>::quiet_NaN() : normal(random));
    return values;
  };
  const std::vector<T> q = filled(static_cast<std::size_t>(rows * heads * dim), false);
  std::vector<T> keys = filled(static_cast<std::size_t>(a.cells * kv_heads * dim), true), values = keys;
  std::vector<Place> places(kMaxSlots);
  std::vector<int> slots, positions;
  for (const Lane& lane : a.lanes) {
    slots.push_back(lane.slot);
    int last = -1;
    for (const int position : lane.positions) last = std::max(last, position), positions.push_back(position);
    if (lane.slot < 0) continue;
    places[static_cast<std::size_t>(lane.slot)] = lane.place;
    for (int position = 0; position <= last; ++position)
      for (int i = 0; i < kv_heads * dim; ++i) {
        const auto at = static_cast<std::size_t>(cell_of(lane.place, position) * kv_heads * dim + i);
        if (!std::isnan(to_float(keys[at]))) continue;  // of a prompt that another lane shares
        keys[at] = from_float<T>(normal(random));
        values[at] = from_float<T>(normal(random));
      }
  }
  const DeviceArray<int> device_slots(slots), device_positions(positions);
  const DeviceArray<Place> device_places(places);
  const DeviceArray<T> device_q(q), device_keys(keys), device_values(values);
  DeviceArray<T> out(q.size());
  const Batch batch{static_cast<int>(a.lanes.size()), rows_per_lane, device_slots.data(), nullptr, device_positions.data(), device_places.data()};
  Stream stream;
  attend_rows(stream, batch, a.shape, device_q.data(), device_keys.data(), device_values.data(), precision, out.data());
  stream.synchronize();
  const std::vector<double> got = widened(out.download()), wide_q = widened(q), wide_keys = widened(keys), wide_values = widened(values);
  for (int row = 0; row < rows; ++row) {
    const Lane& lane = a.lanes[static_cast<std::size_t>(row / rows_per_lane)];
    const int position = lane.slot < 0 ? -1 : positions[static_cast<std::size_t>(row)];
    for (int head = 0; head < heads; ++head) {
      std::vector<double> expected(static_cast<std::size_t>(dim), 0.0), scores;
      double most = -1e300, total = 0;
      const double* const query = wide_q.data() + (row * heads + head) * dim;
      for (int at = 0; at <= position; ++at) {
        const double* const key = wide_keys.data() + (cell_of(lane.place, at) * kv_heads + head / (heads / kv_heads)) * dim;
        double score = 0;
        for (int i = 0; i < dim; ++i) score += query[i] * key[i];
        scores.push_back(score / std::sqrt(dim));
        most = std::max(most, scores.back());
      }
      for (int at = 0; at <= position; ++at) {
        const double weight = std::exp(scores[static_cast<std::size_t>(at)] - most);
        total += weight;
        const double* const value = wide_values.data() + (cell_of(lane.place, at) * kv_heads + head / (heads / kv_heads)) * dim;
        for (int i = 0; i < dim; ++i) expected[static_cast<std::size_t>(i)] += weight * value[i];
      }
      for (int i = 0; i < dim; ++i) {
        const double want = position < 0 ? 0 : expected[static_cast<std::size_t>(i)] / total;
        REQUIRE(std::abs(got[static_cast<std::size_t>((row * heads + head) * dim + i)] - want) <= tolerance * (1 + std::abs(want)));
      }
    }
  }
}

const Attention kRagged{{4, 2, 64}, 120,
                        {{3, {10, 20, 40}, {20, 21, 22}},    // past its prompt of 20
                         {0, {10, 20, 60}, {33, 34, -1}},    // the same prompt, a longer tail, one idle row
                         {-1, {0, 0, 0}, {5, 6, 7}},         // an idle lane
                         {7, {0, 0, 90}, {0, 1, 2}}}};       // no prompt: its first tokens
const Attention kGroups{{7, 1, 128}, 64, {{1, {0, 1, 8}, {0}}, {2, {0, 1, 20}, {1}}, {4, {0, 1, 30}, {33}}}};

}  // namespace

TEST_CASE("cuda attention by rows: ragged lanes of several prompts, exact in float32") {
  check<float>(kRagged, Precision::kFloat32, 2e-6);
  check<float>(kGroups, Precision::kFloat32, 2e-6);
}

TEST_CASE("cuda attention by rows: in bf16 within its rounding") {
  check<Bf16>(kRagged, Precision::kBf16, 1.0 / 256);
  check<Bf16>(kGroups, Precision::kBf16, 1.0 / 256);
}

#ifndef OCTET_CUDA_GPU
TEST_CASE("cuda attention by rows: the order of threads does not matter") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    host::shuffle_order(seed);
    check<float>(kRagged, Precision::kFloat32, 2e-6);
  }
  host::shuffle_order(0);
}
#endif
