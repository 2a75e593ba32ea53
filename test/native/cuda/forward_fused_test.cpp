// Forward passes whose products norm, turn and store, against the same passes by kernels of their own.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "any_device.h"
#include "fusible_network.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

const FusibleShape kShapes[] = {
    {"adjacent pairs, heads of 64", {4, 2, 64}, {.dimensions = 64, .base = 10000}},
    {"halves, heads of 128, biases", {2, 1, 128}, {.dimensions = 128, .halves = true, .base = 1e6f}, WeightFormat::kF16, WeightFormat::kF16, true},
    {"part of a head, by halves, three parts", {3, 1, 48}, {.dimensions = 36, .halves = true, .base = 10000}, WeightFormat::kQ8_0, WeightFormat::kBf16, true},
    {"part of a head, adjacent", {4, 4, 32}, {.dimensions = 20, .base = 10000, .scale = 0.25f}, WeightFormat::kQ4_0, WeightFormat::kQ4_0, true},
    {"factors", {2, 2, 16}, {.dimensions = 16, .base = 5e5f}, WeightFormat::kQ4_K, WeightFormat::kQ6_K, false, true, false, 256},
    {"YaRN", {2, 1, 64}, {.dimensions = 64, .halves = true, .base = 10000, .scale = 0.25f, .extrapolation = 1, .magnitude = 1.14f, .trained_context = 64},
     WeightFormat::kQ6_K, WeightFormat::kQ6_K, true, false, false, 256},
    {"norms of heads", {2, 1, 64}, {.dimensions = 64, .halves = true, .base = 1e6f}, WeightFormat::kBf16, WeightFormat::kBf16, false, false, true},
};

struct Pass {
  std::vector<int> slots, tokens, positions;
};

/// Ragged, with idle rows before and behind and an idle lane, of 1 and of many rows a lane.
std::vector<Pass> passes(bool too_many_to_fold) {
  std::vector<Pass> all = {{{0, 4, 2}, {1, 9, 30}, {7, 7, 7}},
                           {{0, 4, -1, 2}, {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, {8, 9, 10, -1, 8, -1, 8, 9, 10, 8, 9, -1}}};
  if (too_many_to_fold) {
    constexpr int kRows = kMostFoldedRows + 1, kActive = 12;
    std::vector<int> positions(kRows, -1);
    std::iota(positions.begin(), positions.begin() + kActive, 0);
    all.push_back({{16}, std::vector<int>(kRows, 17), positions});
  }
  return all;
}

}  // namespace

TEST_CASE("cuda fused: logits and cache are those of separate kernels up to rounding, whatever turns the heads") {
  for (const FusibleShape& shape : kShapes) {
    CAPTURE(shape.name);
    const FusibleNetwork source(shape, 1);
    const Network network = source.network();
    Passes fused(network, true), separate(network, false), exact(network, false, Precision::kFloat32);
    for (const Pass& pass : passes(&shape == kShapes)) {
      CAPTURE(pass.positions.size());
      const auto counts = [&](std::size_t i) {
        const std::size_t row = i / static_cast<std::size_t>(network.architecture.vocabulary);
        return pass.positions[row] >= 0 && pass.slots[row / (pass.positions.size() / pass.slots.size())] >= 0;
      };
      const auto got = fused.run(pass.slots, pass.tokens, pass.positions), plain = separate.run(pass.slots, pass.tokens, pass.positions);
      const auto want = exact.run(pass.slots, pass.tokens, pass.positions);
      const double off = difference(got, want, counts), plain_off = difference(plain, want, counts);
      CAPTURE(off);
      CAPTURE(plain_off);
      CHECK(off <= 2e-2);
      CHECK(off <= 1.5 * plain_off + 1e-3);
      // The same cells are written, and with nearly the same.
      const auto cells = fused.cache(), plain_cells = separate.cache();
      REQUIRE(cells.size() == plain_cells.size());
      double apart = 0, length = 0;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const double x = to_float(Bf16{cells[i]}), y = to_float(Bf16{plain_cells[i]});
        REQUIRE(std::isnan(x) == std::isnan(y));
        if (std::isnan(x)) continue;
        apart += (x - y) * (x - y);
        length += y * y;
      }
      CHECK(std::sqrt(apart / length) <= 2e-2);
    }
  }
}

TEST_CASE("cuda fused: logits of some rows are those of all") {
  const FusibleNetwork source(kShapes[0], 2);
  const Network network = source.network();
  const auto vocabulary = static_cast<std::size_t>(network.architecture.vocabulary);
  Passes fused(network, true);
  const std::vector<float> all = fused.run({0, 4, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {7, 8, 9, 10, 7, 8, 9, 10, 7, 8, 9, -1});
  for (const auto& [first, count] : {std::pair{3, 1}, {0, 1}, {1, 2}, {0, 4}}) {
    CAPTURE(first);
    const std::vector<float> some = fused.logits(first, count);
    for (std::size_t row = 0; row < 3 * static_cast<std::size_t>(count); ++row) {
      const std::size_t from = row / static_cast<std::size_t>(count) * 4 + static_cast<std::size_t>(first) + row % static_cast<std::size_t>(count);
      for (std::size_t i = 0; i < vocabulary; ++i)
        CHECK(some[row * vocabulary + i] == doctest::Approx(all[from * vocabulary + i]).epsilon(1e-4).scale(1));
    }
  }
}

TEST_CASE("cuda fused: the order of blocks changes no bit") {
  const FusibleNetwork source(kShapes[1], 3);
  const Network network = source.network();
  std::vector<float> first;
  for (unsigned order = 0; order < 3; ++order) {
    const BlockOrder shuffled(order);
    Passes fused(network, true);
    const std::vector<float> got = fused.run({0, 4}, {1, 2, 3, 4}, {7, 8, 7, 8});
    if (order == 0) first = got;
    CHECK(got == first);
  }
}

TEST_CASE("cuda fused: passes whose product turns and stores heads keep no room for that product, and say so before they are loaded") {
  constexpr int kRows = 24;
  const DeviceInfo device = device_info();
  for (const FusibleShape& shape : kShapes) {
    CAPTURE(shape.name);
    const FusibleNetwork source(shape, 5);
    const Network network = source.network();
    const PassNeeds fused = pass_needs(network, Precision::kBf16), plain{network.architecture};
    CHECK(fused.fuses_heads == !shape.head_norms);
    CHECK(pass_needs(source.source, Precision::kBf16).fuses_heads == fused.fuses_heads);
    CHECK_FALSE(pass_needs(network, Precision::kFloat32).fuses_heads);
    CHECK_FALSE(pass_needs(source.source, Precision::kFloat32).fuses_heads);
    const std::size_t product = std::size_t{kRows} * static_cast<std::size_t>(heads_of(network.architecture).rows()) * sizeof(float);
    CHECK(Activations::bytes(plain, Precision::kBf16, kRows, device) - Activations::bytes(fused, Precision::kBf16, kRows, device) ==
          (fused.fuses_heads ? product : 0));
    const KvCache cache(network.architecture, Passes::kCells, Precision::kBf16);
    const Activations memory(fused, Precision::kBf16, kRows, device);
    if (fused.fuses_heads) CHECK_THROWS_AS(Forward(network, cache, memory, RaggedForm::kSplit, false), std::logic_error);
    else Forward(network, cache, memory, RaggedForm::kSplit, false);
  }
  FusibleShape uneven = kShapes[0];
  uneven.value_format = WeightFormat::kF32;  // no tensor cores take it
  const FusibleNetwork source(uneven, 6);
  CHECK_FALSE(pass_needs(source.network(), Precision::kBf16).fuses_heads);
  CHECK_FALSE(pass_needs(source.source, Precision::kBf16).fuses_heads);
}

TEST_CASE("cuda fused: launches of a pass") {
  // Before the layers: the attention's plan and the embedding. A layer: qkv, attention, output, gate and up, down.
  constexpr std::size_t kBefore = 2, kLayer = 5;
  const auto counted = [](const FusibleShape& shape, bool fused, int rows_per_lane, bool with_logits) {
    const FusibleNetwork source(shape, 4);
    const Network network = source.network();
    Passes passes(network, fused);
    const auto rows = static_cast<std::size_t>(2 * rows_per_lane);
    passes.put({0, 4}, std::vector<int>(rows, 1), std::vector<int>(rows, -1));
    return passes.launches(with_logits);
  };
  FusibleShape shape = kShapes[0];
  for (const int layers : {1, 3}) {
    shape.layers = layers;
    const auto many = static_cast<std::size_t>(layers);
    CHECK(counted(shape, true, 1, false) == kBefore + many * kLayer);
    CHECK(counted(shape, true, 72, false) == kBefore + many * (kLayer + 1));      // the attention's merge by a launch
    CHECK(counted(shape, true, 73, false) == kBefore + many * (kLayer + 1 + 2));  // norms too
    CHECK(counted(shape, false, 1, false) == kBefore + many * (kLayer + 3));
  }
  CHECK(counted(shape, true, 1, true) == 1);
  CHECK(counted(shape, true, 2, true) == 1);
  CHECK(counted(shape, false, 2, true) == 3);
  shape.head_norms = true;
  shape.layers = 1;
  CHECK(counted(shape, true, 1, false) == kBefore + kLayer + 1);
  shape.head_norms = false;
  shape.value_format = WeightFormat::kQ8_0;  // queries, keys and values are a product each
  CHECK(counted(shape, true, 1, false) == kBefore + kLayer + 2);
}
