// Embedding, normalisation, positions and the cache's cells against plain double-precision formulas.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "random_floats.h"
#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/layers.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

std::span<const std::byte> bytes_of(const std::vector<float>& values) { return std::as_bytes(std::span(values)); }

// A batch in device memory: two lanes with a shared prompt of 5 in cells 3 .. 7, tails at 20 and 40.
struct TestBatch {
  std::vector<Place> places = std::vector<Place>(kMaxSlots);
  DeviceArray<int> slot, token, position;
  DeviceArray<Place> place;
  Batch batch;
  TestBatch(std::vector<int> slots, std::vector<int> tokens, std::vector<int> positions) : slot(slots), token(tokens), position(positions) {
    places[0] = {3, 5, 20};
    places[4] = {3, 5, 40};
    place = DeviceArray<Place>(places);
    batch = {static_cast<int>(slots.size()), static_cast<int>(tokens.size() / slots.size()), slot.data(), token.data(), position.data(), place.data()};
  }
};

constexpr double kTau = 6.283185307179586;

// YaRN as its paper defines it; without it a plain or linearly stretched angle.
double angle(const RopeParameters& rope, const std::vector<float>& factors, int pair, int position) {
  const double frequency = std::pow(static_cast<double>(rope.base), -2.0 * pair / rope.dimensions);
  const double plain = position * frequency / (factors.empty() ? 1.0 : factors[static_cast<std::size_t>(pair)]);
  if (rope.extrapolation == 0) return plain * rope.scale;
  const auto turning = [&](double turns) { return rope.dimensions * std::log(rope.trained_context / (turns * kTau)) / (2 * std::log(static_cast<double>(rope.base))); };
  const double low = std::max(0.0, std::floor(turning(rope.beta_fast))), high = std::min(rope.dimensions - 1.0, std::ceil(turning(rope.beta_slow)));
  const double ramp = std::clamp((pair - low) / std::max(0.001, high - low), 0.0, 1.0);
  return plain * rope.scale * ramp + plain * (1 - ramp);
}

struct RopeCase {
  const char* name;
  RopeParameters rope;
  bool factors, norms;
  HeadShape shape;
};

const RopeCase kRopeCases[] = {
    {"adjacent pairs", {.dimensions = 32, .halves = false, .base = 10000}, false, false, {4, 2, 32}},
    {"halves", {.dimensions = 64, .halves = true, .base = 1e6f}, false, true, {7, 1, 64}},
    {"heads of 8", {.dimensions = 8, .halves = true, .base = 10000}, false, true, {3, 1, 8}},
    {"part of a head", {.dimensions = 16, .halves = true, .base = 10000}, false, false, {2, 2, 48}},
    {"stretched linearly", {.dimensions = 32, .halves = false, .base = 10000, .scale = 0.25f}, false, false, {4, 2, 32}},
    {"factors", {.dimensions = 32, .halves = false, .base = 5e5f}, true, false, {4, 2, 32}},
    {"YaRN", {.dimensions = 64, .halves = true, .base = 10000, .scale = 0.25f, .extrapolation = 1, .magnitude = 1.14f, .trained_context = 2048}, false, false, {2, 1, 64}},
};

}  // namespace

TEST_CASE("cuda layers: embedding rows, by token") {
  const std::vector<float> table = random_floats(50 * 96, 1);
  const PackedMatrix embedding = pack(WeightFormat::kF32, 50, 96, bytes_of(table));
  TestBatch rows({0, 4}, {7, 49, 0, 7}, {5, 6, 5, -1});
  DeviceArray<float> residual(4 * 96);
  Stream stream;
  embed(stream, embedding.matrix, rows.batch, residual.data());
  stream.synchronize();
  const std::vector<float> got = residual.download();
  const int tokens[] = {7, 49, 0, 7};
  for (int row = 0; row < 4; ++row)
    for (int i = 0; i < 96; ++i) CHECK(got[static_cast<std::size_t>(row * 96 + i)] == table[static_cast<std::size_t>(tokens[row] * 96 + i)]);
}

TEST_CASE("cuda layers: RMS norm") {
  for (const int width : {64, 896, 1000, 4100}) {
    const std::vector<float> residual = random_floats(static_cast<std::size_t>(3 * width), 2, 30), weight = random_floats(static_cast<std::size_t>(width), 3);
    const DeviceArray<float> device_residual(residual), device_weight(weight);
    DeviceArray<float> exact(static_cast<std::size_t>(3 * width));
    DeviceArray<Bf16> rounded(exact.size());
    Stream stream;
    rms_norm(stream, device_residual.data(), device_weight.data(), 1e-5f, 3, width, Precision::kFloat32, exact.data());
    rms_norm(stream, device_residual.data(), device_weight.data(), 1e-5f, 3, width, Precision::kBf16, rounded.data());
    stream.synchronize();
    const std::vector<float> x = exact.download();
    const std::vector<Bf16> y = rounded.download();
    for (int row = 0; row < 3; ++row) {
      double squares = 0;
      for (int i = 0; i < width; ++i) squares += std::pow(residual[static_cast<std::size_t>(row * width + i)], 2.0);
      for (int i = 0; i < width; ++i) {
        const auto at = static_cast<std::size_t>(row * width + i);
        const double expected = residual[at] / std::sqrt(squares / width + 1e-5) * weight[static_cast<std::size_t>(i)];
        REQUIRE(std::abs(x[at] - expected) <= 1e-5 * std::abs(expected) + 1e-7);
        REQUIRE(std::abs(to_float(y[at]) - expected) <= std::abs(expected) / 256 + 1e-6);
      }
    }
  }
}

TEST_CASE("cuda layers: gathering the rows whose logits are wanted") {
  const std::vector<float> from = random_floats(3 * 4 * 40, 4);
  const DeviceArray<float> device(from);
  DeviceArray<float> to(3 * 2 * 40);
  Stream stream;
  gather_rows(stream, device.data(), 3, 4, 1, 2, 40, to.data());
  stream.synchronize();
  const std::vector<float> got = to.download();
  for (int lane = 0; lane < 3; ++lane)
    for (int row = 0; row < 2; ++row)
      for (int i = 0; i < 40; ++i)
        CHECK(got[static_cast<std::size_t>((lane * 2 + row) * 40 + i)] == from[static_cast<std::size_t>((lane * 4 + 1 + row) * 40 + i)]);
}

TEST_CASE("cuda layers: queries and keys turned by the row's own position, keys and values in the lane's own cells") {
  constexpr int kCells = 60;
  for (const RopeCase& each : kRopeCases) {
    CAPTURE(each.name);
    const auto [heads, kv_heads, dim] = each.shape;
    TestBatch rows({0, 4, -1}, {0, 0, 0, 0, 0, 0}, {4, 5, 7, -1, 1000, 1001});
    const HeadPairs pairs{each.rope.dimensions / 2, each.rope.halves};
    const PackedMatrix embedding = pack(WeightFormat::kF32, 1, 4, bytes_of({1, 2, 3, 4}));
    DeviceArray<float> residual(6 * 4);
    DeviceArray<int> cells(6);
    DeviceArray<Turn> turns(6 * static_cast<std::size_t>(pairs.turned));
    const std::size_t width = static_cast<std::size_t>(heads + 2 * kv_heads) * dim;
    const std::vector<float> product = random_floats(6 * width, 5), q_norm = random_floats(static_cast<std::size_t>(dim), 6), k_norm = random_floats(static_cast<std::size_t>(dim), 7);
    std::vector<float> factors;
    if (each.factors)
      for (int i = 0; i < each.rope.dimensions / 2; ++i) factors.push_back(1.0f + 0.5f * static_cast<float>(i));
    std::vector<float> ordered(product.size());
    for (std::size_t i = 0; i < product.size(); ++i)
      ordered[i] = product[i / width * width + static_cast<std::size_t>(file_row_of(each.shape, pairs, static_cast<int>(i % width)))];
    const DeviceArray<float> device_product(ordered), device_q_norm(q_norm), device_k_norm(k_norm), device_factors(factors);
    const float kUntouched = -77;
    DeviceArray<float> q(std::vector<float>(static_cast<std::size_t>(6 * heads * dim), kUntouched));
    DeviceArray<float> keys(std::vector<float>(static_cast<std::size_t>(kCells * kv_heads * dim), kUntouched)), values(keys.download());
    Stream stream;
    embed(stream, embedding.matrix, rows.batch, residual.data(), {}, {.rope = each.rope, .factors = device_factors.data(), .table = {cells.data(), turns.data()}});
    rope_and_store(stream, 6,
                   {.shape = each.shape, .pairs = pairs, .product = device_product.data(), .q_norm = each.norms ? device_q_norm.data() : nullptr,
                    .k_norm = each.norms ? device_k_norm.data() : nullptr, .epsilon = 1e-6f, .table = {cells.data(), turns.data()}, .precision = Precision::kFloat32, .q = q.data(), .keys = keys.data(), .values = values.data()});
    stream.synchronize();
    const std::vector<float> got_q = q.download(), got_keys = keys.download(), got_values = values.download();

    std::vector<float> want_q(got_q.size(), kUntouched), want_keys(got_keys.size(), kUntouched), want_values(got_values.size(), kUntouched);
    struct Active {
      int row, position, cell;
    };
    for (const Active active : {Active{0, 4, 7}, Active{1, 5, 20}, Active{2, 7, 42}}) {
      const float* const from = product.data() + static_cast<std::size_t>(active.row) * width;
      const auto turned = [&](const float* head, const std::vector<float>& norm, float* to) {
        std::vector<double> x(head, head + dim);
        if (each.norms) {
          double squares = 0;
          for (const double v : x) squares += v * v;
          for (int i = 0; i < dim; ++i) x[static_cast<std::size_t>(i)] *= norm[static_cast<std::size_t>(i)] / std::sqrt(squares / dim + 1e-6);
        }
        for (int i = 0; i < dim; ++i) to[i] = static_cast<float>(x[static_cast<std::size_t>(i)]);
        for (int pair = 0; pair < each.rope.dimensions / 2; ++pair) {
          const int a = each.rope.halves ? pair : 2 * pair, b = each.rope.halves ? pair + each.rope.dimensions / 2 : 2 * pair + 1;
          const double by = angle(each.rope, factors, pair, active.position), m = each.rope.magnitude;
          to[a] = static_cast<float>(m * (x[static_cast<std::size_t>(a)] * std::cos(by) - x[static_cast<std::size_t>(b)] * std::sin(by)));
          to[b] = static_cast<float>(m * (x[static_cast<std::size_t>(a)] * std::sin(by) + x[static_cast<std::size_t>(b)] * std::cos(by)));
        }
      };
      for (int head = 0; head < heads; ++head) turned(from + head * dim, q_norm, want_q.data() + (active.row * heads + head) * dim);
      for (int head = 0; head < kv_heads; ++head) {
        const int cell = (active.cell * kv_heads + head) * dim;
        turned(from + (heads + head) * dim, k_norm, want_keys.data() + cell);
        std::copy_n(from + (heads + kv_heads + head) * dim, dim, want_values.data() + cell);
      }
    }
    const auto same = [](const std::vector<float>& got, const std::vector<float>& want) {
      for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - want[i]) <= 2e-4 * (1 + std::abs(want[i])));
    };
    same(got_q, want_q);
    same(got_keys, want_keys);
    same(got_values, want_values);
  }
}
