// Products by warpgroups: as those by mma.sync, over formats, rows, divisions of the warps, shares, folded norms and heads. On devices that
// have no wgmma there is nothing to test.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "any_device.h"
#include "gemm_case.h"
#include "normed_products.h"
#include "runtimes/cuda/device/swizzle.h"
#include "runtimes/cuda/kernels/gemm_tile.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

bool is_host() { return device_info().name == "host"; }

/// y by this plan; checks it against double sums.
std::vector<float> result_by(GemmCase& c, const GemmWorkspace& workspace, const GemmPlan& plan) {
  Stream stream;
  c.reset();
  gemm_by(stream, workspace, c.call(), plan);
  stream.synchronize();
  CHECK(c.wrong() == 0);
  return c.result();
}

/// Largest difference, relative to the larger magnitude or one.
float apart(const std::vector<float>& a, const std::vector<float>& b) {
  float most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(a[i] - b[i]) / std::max({1.0f, std::abs(a[i]), std::abs(b[i])}));
  return most;
}

/// The cheapest plan for warpgroups.
GemmPlan plan_for_warpgroups(const Matrix& weights, int n, const GemmWorkspace& workspace) {
  std::vector<CostedPlan> plans = possible_plans(weights, n, workspace);
  std::erase_if(plans, [](const CostedPlan& each) { return !each.plan.wgmma; });
  REQUIRE(!plans.empty());
  return std::min_element(plans.begin(), plans.end(), [](const CostedPlan& a, const CostedPlan& b) { return a.cost < b.cost; })->plan;
}

/// The same plan by mma.sync, whose stages are a little larger: as many as there is room for.
GemmPlan by_mma(GemmPlan plan, WeightFormat format, const GemmWorkspace& workspace) {
  plan.wgmma = false;
  while (gemm_shared_bytes(format, plan) > workspace.shared_bytes()) --plan.stages;
  REQUIRE(plan.stages >= 2);
  return plan;
}

constexpr Epilogue kEpilogues[] = {Epilogue::kStore, Epilogue::kAdd, Epilogue::kSwiGlu};

}  // namespace

TEST_CASE("cuda wgmma: swizzled rows and their descriptor") {
  // Eight chunks of a column of chunks lie in eight different places of 128 bytes, and every place of a row is taken once.
  for (int chunk = 0; chunk < 8; ++chunk) {
    int column = 0, row = 0;
    for (int i = 0; i < 8; ++i) column |= 1 << swizzled(i, chunk) % 128 / 16, row |= 1 << swizzled(13, i) % 128 / 16;
    CHECK(column == 0xff);
    CHECK(row == 0xff);
  }
  CHECK(swizzled(0, 3) == 48);
  CHECK(swizzled(1, 3) == 128 + 32);
  CHECK(swizzled(8 + 7, 0) == 15 * 128 + 112);
  CHECK(descriptor_of(descriptor_word(0)) == 0x4000004000010000u);
  CHECK(descriptor_of(descriptor_word(0x2c400)) == 0x4000004000012c40u);
}

TEST_CASE("cuda wgmma: for devices of compute capability 9.0 alone, and only where asked for") {
  for (const int capability : {80, 89, 100, 103, 120}) {
    const DeviceInfo device{.multiprocessors = 1, .shared_bytes = kMostShared << 10, .compute_capability = capability};
    CHECK(!has_wgmma(device));
    CHECK(!GemmWorkspace(device, true).wgmma());
  }
  CHECK(!GemmWorkspace(device_info(), false).wgmma());
  CHECK(GemmWorkspace(device_info(), true).wgmma() == has_wgmma(device_info()));
}

TEST_CASE("cuda wgmma: every format, number of rows and epilogue, beside mma.sync") {
  if (!has_wgmma(device_info())) return;
  int turn = 0;
  for (const int shared_kib : shared_sizes()) {
    const GemmWorkspace workspace = workspace_of(2, shared_kib, true), other = workspace_of(2, shared_kib, false);
    CHECK(workspace.wgmma());
    CHECK(!other.wgmma());
    for (const WeightFormat format : kTensorFormats)
      for (const int n : {40, 47, 64, 72, 90, 128, 144}) {
        const Epilogue epilogue = kEpilogues[++turn % 3];
        CAPTURE(shared_kib);
        CAPTURE(name_of(format));
        CAPTURE(n);
        CAPTURE(static_cast<int>(epilogue));
        const int block = block_of(format), columns = block == 256 ? 512 : block == 32 ? 288 : 264;
        GemmCase c(format, epilogue == Epilogue::kSwiGlu ? 37 : 75, columns, n, epilogue, Precision::kBf16, epilogue == Epilogue::kStore, n);
        const GemmPlan plan = plan_for_warpgroups(c.call().weights, n, workspace);
        const std::vector<float> got = result_by(c, workspace, plan);
        const std::vector<float> want = result_by(c, other, by_mma(plan, format, other));
        // Steps and shares are the same; a tensor core may add up a product's 16 columns otherwise, the host does not.
        if (is_host()) CHECK(std::memcmp(got.data(), want.data(), got.size() * sizeof(float)) == 0);
        else CHECK(apart(got, want) < (epilogue == Epilogue::kSwiGlu ? 0x1p-7f : 1e-4f));
      }
  }
}

TEST_CASE("cuda wgmma: every division of a block's warps") {
  if (!has_wgmma(device_info())) return;
  int plans[3][3][5] = {};  // by warps along x's rows, along the columns, and units of a step
  for (const int shared_kib : shared_sizes())
    for (const WeightFormat format : {WeightFormat::kQ6_K, WeightFormat::kQ4_K, WeightFormat::kQ4_0}) {
      const GemmWorkspace workspace = workspace_of(2, shared_kib, true);
      GemmCase c(format, 150, format == WeightFormat::kQ4_0 ? 736 : 768, 75, Epilogue::kStore, Precision::kBf16, true, 9);
      for (const CostedPlan& possible : possible_plans(c.call().weights, 75, workspace)) {
        const GemmPlan& plan = possible.plan;
        CHECK(plan.wgmma == (plan.tiles >= kLeastWgmmaTiles));
        if (!plan.wgmma) continue;
        CAPTURE(shared_kib);
        CAPTURE(name_of(format));
        CAPTURE(plan.tiles);
        CAPTURE(plan.n_warps);
        CAPTURE(plan.k_warps);
        CAPTURE(plan.step_units);
        ++plans[plan.n_warps][plan.k_warps][plan.step_units];
        result_by(c, workspace, plan);
      }
    }
  for (const int units : {1, 2, 4}) {
    CHECK((plans[1][1][units] > 0 || (units == 4 && shared_sizes().size() == 1)));
    CHECK((plans[2][1][units] > 0 || (units == 4 && shared_sizes().size() == 1)));
    CHECK((plans[1][2][units] > 0 || units == 4));
  }
}

TEST_CASE("cuda wgmma: tiles shared by several blocks, whole rounds, and both") {
  if (!has_wgmma(device_info())) return;
  struct Shape {
    int multiprocessors, rows, n;
    bool rounds, shared;
  };
  for (const Shape& shape : {Shape{5, 300, 72, false, true}, Shape{1, 512, 64, true, false}, Shape{3, 1100, 48, true, true}}) {
    CAPTURE(shape.rows);
    CAPTURE(shape.n);
    const GemmWorkspace workspace = workspace_of(shape.multiprocessors, kLeastShared, true);
    GemmCase c(WeightFormat::kQ4_K, shape.rows, 768, shape.n, Epilogue::kAdd, Precision::kBf16, true, 5);
    const GemmPlan plan = plan_gemm(c.call().weights, shape.n, workspace);
    REQUIRE(plan.wgmma);
    CHECK((plan.rounds > 0) == shape.rounds);
    CHECK((plan.sharers > plan.shared_tiles()) == shape.shared);
    std::vector<float> first;
    for (unsigned order = 0; order < 3; ++order) {
      const BlockOrder shuffled(order);
      const std::vector<float> got = result_by(c, workspace, plan);
      if (order == 0) first = got;
      CHECK(std::memcmp(first.data(), got.data(), got.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("cuda wgmma: norms folded in, before a stored and a gated product") {
  if (!has_wgmma(device_info())) return;
  const GemmWorkspace workspace = workspace_of(5, kLeastShared, true);
  for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ8_0, WeightFormat::kQ4_K})
    for (const int n : {45, 72, 144})
      for (const bool gated : {false, true}) {
        CAPTURE(name_of(format));
        CAPTURE(n);
        CAPTURE(gated);
        NormedProducts c(format, block_of(format) == 256 ? 256 : 192, 37, n, gated, static_cast<unsigned>(n));
        const GemmPlan adding = plan_for_warpgroups(c.add().weights, n, workspace), reading = plan_for_warpgroups(c.read().weights, n, workspace);
        Stream stream;
        for (const unsigned turn : {0u, 1u}) {  // the second finds the first's squares in its memory
          if (turn != 0) c.set(100);
          gemm_by(stream, workspace, c.add(), adding);
          gemm_by(stream, workspace, c.read(), reading);
          stream.synchronize();
          CHECK(c.wrong() == 0);
        }
      }
}

TEST_CASE("cuda wgmma: queries, keys and values turned and put into their cells, beside mma.sync") {
  if (!has_wgmma(device_info())) return;
  constexpr HeadShape kShape{.heads = 4, .kv_heads = 2, .head_dim = 32};
  constexpr HeadPairs kPairs{.turned = 12, .halves = true};
  constexpr int kRows = 70, kColumns = 320;
  const GemmWorkspace workspace = workspace_of(3, kLeastShared, true);
  WeightFileMaker maker(4);
  const PackedMatrix weights = pack(WeightFormat::kQ8_0, kShape.rows(), kColumns, maker.make(WeightFormat::kQ8_0, kShape.rows(), kColumns).bytes);
  std::vector<Bf16> x;
  for (const float value : random_floats(kRows * kColumns, 5, 1)) x.push_back(to_bf16(value));
  std::vector<int> cells(kRows);
  std::vector<Turn> turns(kRows * kPairs.turned);
  for (int row = 0; row < kRows; ++row) {
    cells[static_cast<std::size_t>(row)] = row % 9 == 4 ? -1 : (row * 11) % 73;
    for (int pair = 0; pair < kPairs.turned; ++pair) {
      const float angle = static_cast<float>(row) / static_cast<float>(pair + 1);
      turns[static_cast<std::size_t>(row * kPairs.turned + pair)] = {std::cos(angle), std::sin(angle)};
    }
  }
  const DeviceArray<Bf16> device_x(x);
  DeviceArray<int> device_cells(cells);
  DeviceArray<Turn> device_turns(turns);
  const DeviceArray<float> bias(random_floats(static_cast<std::size_t>(kShape.rows()), 6, 1));
  const auto outputs = [&](const GemmPlan& plan) {
    constexpr std::size_t kWidth = kShape.head_dim;
    const std::vector<Bf16> nothing(73 * kShape.heads * kWidth, to_bf16(kGuard));
    DeviceArray<Bf16> q(nothing), keys(nothing), values(nothing);
    Stream stream;
    gemm_by(stream, workspace, {.weights = weights.matrix, .x = device_x.data(), .n = kRows, .epilogue = Epilogue::kHeads, .bias = bias.data(),
                                .heads = {.shape = kShape, .pairs = kPairs, .table = {device_cells.data(), device_turns.data()}, .q = q.data(),
                                          .keys = keys.data(), .values = values.data()}}, plan);
    stream.synchronize();
    std::vector<float> all;
    for (const DeviceArray<Bf16>* array : {&q, &keys, &values})
      for (const Bf16 value : array->download()) all.push_back(to_float(value));
    return all;
  };
  const GemmPlan plan = plan_for_warpgroups(weights.matrix, kRows, workspace);
  const std::vector<float> got = outputs(plan);
  const std::vector<float> want = outputs(by_mma(plan, WeightFormat::kQ8_0, workspace));
  CHECK(std::count(got.begin(), got.end(), to_float(to_bf16(kGuard))) < static_cast<std::ptrdiff_t>(got.size() / 2));
  if (is_host()) CHECK(got == want);
  else CHECK(apart(got, want) < 0x1p-7f);
}
