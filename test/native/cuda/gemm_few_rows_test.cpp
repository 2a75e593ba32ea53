// Products of few rows by every plan there is for them: two to eight warps along the columns, tiles whole and shared.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "any_device.h"
#include "gemm_case.h"
#include "normed_products.h"
#include "runtimes/cuda/kernels/gemm_tile.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

bool is_whole(const GemmPlan& plan) { return plan.sharers == plan.shared_tiles(); }

/// Of the formats' blocks, with an odd number of units or super-blocks, so that the last step leaves warps without.
int uneven_columns(WeightFormat format) {
  const int block = block_of(format);
  return block == 256 ? 768 : block == 32 ? 736 : 712;
}

/// The plans that one multiprocessor, some and more than there are tiles lead to.
template <class Try>
void each_plan(const Gemm& call, int shared_kib, const Try& try_out) {
  for (const int multiprocessors : {1, 3, 40}) {
    const GemmWorkspace workspace = workspace_of(multiprocessors, shared_kib);
    for (const CostedPlan& possible : possible_plans(call, workspace)) {
      CAPTURE(multiprocessors);
      CAPTURE(possible.plan.k_warps);
      CAPTURE(possible.plan.step_units);
      CAPTURE(possible.plan.stages);
      CAPTURE(possible.plan.rounds);
      CAPTURE(possible.plan.sharers);
      try_out(workspace, possible.plan);
    }
  }
}

void try_every_plan(int shared_kib, WeightFormat format, int n, Epilogue epilogue) {
  CAPTURE(shared_kib);
  CAPTURE(name_of(format));
  CAPTURE(n);
  CAPTURE(static_cast<int>(epilogue));
  GemmCase c(format, epilogue == Epilogue::kSwiGlu ? 37 : 75, uneven_columns(format), n, epilogue, Precision::kBf16, epilogue != Epilogue::kSwiGlu, 3);
  std::set<std::pair<int, bool>> seen;
  each_plan(c.call(), shared_kib, [&](const GemmWorkspace& workspace, const GemmPlan& plan) {
    seen.insert({plan.k_warps, is_whole(plan)});
    Stream stream;
    c.reset();
    gemm_by(stream, workspace, c.call(), plan);
    stream.synchronize();
    CHECK(c.wrong() == 0);
  });
  for (const int k_warps : {1, 2, 4, 8}) CHECK(seen.count({k_warps, true}) == 1);
  for (const int k_warps : {1, 2}) CHECK(seen.count({k_warps, false}) == 1);
}

}  // namespace

TEST_CASE("cuda gemm few rows: every plan of every format") {
  for (const int shared_kib : shared_sizes())
    for (const WeightFormat format : kTensorFormats)
      for (const int n : {5, 16}) try_every_plan(shared_kib, format, n, n == 5 ? Epilogue::kStore : Epilogue::kAdd);
}

TEST_CASE("cuda gemm few rows: every plan of every epilogue, at every edge of rows") {
  for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ6_K})
    for (const int n : {1, 8, 9})
      for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kAdd, Epilogue::kSwiGlu}) try_every_plan(kLeastShared, format, n, epilogue);
}

TEST_CASE("cuda gemm few rows: norms folded in, by groups of every size and every plan that writes them") {
  for (const int group : {16, 32, 64})
    for (const int n : {3, 13}) {
      CAPTURE(group);
      CAPTURE(n);
      NormedProducts c(n == 3 ? WeightFormat::kBf16 : WeightFormat::kQ8_0, 192, 70, n, n == 13, 7, group);
      std::set<int> k_warps;
      each_plan(c.add(), kLeastShared, [&](const GemmWorkspace& workspace, const GemmPlan& plan) {
        k_warps.insert(plan.k_warps);
        std::vector<std::byte> first;
        for (const unsigned order : {0u, 1u}) {
          const BlockOrder shuffled(order);
          Stream stream;
          c.set(8);
          gemm_by(stream, workspace, c.add(), plan);
          gemm(stream, workspace, c.read());
          stream.synchronize();
          CHECK(c.wrong() == 0);
          if (order == 0) first = c.bits();
          CHECK(c.bits() == first);
        }
      });
      CHECK(*k_warps.rbegin() == 128 / group);
    }
}

TEST_CASE("cuda gemm few rows: a plan whose tiles are no whole groups is refused") {
  const GemmWorkspace workspace = workspace_of(3);
  NormedProducts c(WeightFormat::kBf16, 192, 70, 5, false, 7, 64);
  Stream stream;
  for (const CostedPlan& possible : possible_plans(c.add().weights, 5, workspace))
    if (possible.plan.k_warps > 2) CHECK_THROWS_AS(gemm_by(stream, workspace, c.add(), possible.plan), std::invalid_argument);
  Gemm call = c.add();
  call.next.group = 48;
  CHECK_THROWS_AS(gemm(stream, workspace, call), std::invalid_argument);
}

TEST_CASE("cuda gemm few rows: heads turned and put into their cells, by every plan") {
  constexpr HeadShape kShape{.heads = 4, .kv_heads = 2, .head_dim = 32};
  constexpr HeadPairs kPairs{.turned = 12, .halves = true};
  constexpr int kColumns = 320;
  WeightFileMaker maker(4);
  const PackedMatrix weights = pack(WeightFormat::kQ8_0, kShape.rows(), kColumns, maker.make(WeightFormat::kQ8_0, kShape.rows(), kColumns).bytes);
  const DeviceArray<float> bias(random_floats(static_cast<std::size_t>(kShape.rows()), 6, 1));
  for (const int n : {7, 14}) {
    CAPTURE(n);
    std::vector<Bf16> x;
    for (const float value : random_floats(static_cast<std::size_t>(n) * kColumns, 5, 1)) x.push_back(to_bf16(value));
    std::vector<int> cells;
    std::vector<Turn> turns;
    for (int row = 0; row < n; ++row) {
      cells.push_back(row % 9 == 4 ? -1 : row * 11 % 73);
      for (int pair = 0; pair < kPairs.turned; ++pair) {
        const float angle = static_cast<float>(row) / static_cast<float>(pair + 1);
        turns.push_back({std::cos(angle), std::sin(angle)});
      }
    }
    const DeviceArray<Bf16> device_x(x);
    DeviceArray<int> device_cells(cells);
    DeviceArray<Turn> device_turns(turns);
    const std::vector<Bf16> nothing(std::size_t{73} * kShape.heads * kShape.head_dim, to_bf16(kGuard));
    DeviceArray<Bf16> q(nothing), keys(nothing), values(nothing);
    const Gemm call{.weights = weights.matrix, .x = device_x.data(), .n = n, .epilogue = Epilogue::kHeads, .bias = bias.data(),
                    .heads = {.shape = kShape, .pairs = kPairs, .table = {device_cells.data(), device_turns.data()}, .q = q.data(),
                              .keys = keys.data(), .values = values.data()}};
    std::vector<float> want;
    each_plan(call, kLeastShared, [&](const GemmWorkspace& workspace, const GemmPlan& plan) {
      q.upload(nothing), keys.upload(nothing), values.upload(nothing);
      Stream stream;
      gemm_by(stream, workspace, call, plan);
      stream.synchronize();
      std::vector<float> got;
      for (const DeviceArray<Bf16>* array : {&q, &keys, &values})
        for (const Bf16 value : array->download()) got.push_back(to_float(value));
      if (want.empty()) want = got;  // one warp a tile's columns
      float apart = 0;
      for (std::size_t i = 0; i < got.size(); ++i)
        apart = std::max(apart, std::abs(got[i] - want[i]) / std::max({1.0f, std::abs(got[i]), std::abs(want[i])}));
      CHECK(apart < 0x1p-7f);
    });
    const auto active = std::count_if(cells.begin(), cells.end(), [](int cell) { return cell >= 0; });
    CHECK(std::count_if(want.begin(), want.end(), [](float value) { return value != to_float(to_bf16(kGuard)); }) == active * kShape.rows());
  }
}

TEST_CASE("cuda gemm few rows: an H200's plans for a draft of 0.5B share no small matrix, and those for 7.8B share all") {
  const GemmWorkspace workspace(DeviceInfo{.multiprocessors = 132, .shared_bytes = std::size_t{227} << 10});
  const auto plan = [&](WeightFormat format, int rows, int columns, int group) {
    return plan_gemm({.format = format, .rows = rows, .columns = columns}, 8, workspace, group);
  };
  for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ8_0}) {
    CAPTURE(name_of(format));
    const GemmPlan qkv = plan(format, 1152, 896, 0), output = plan(format, 896, 896, norm_group(896, 8)), down = plan(format, 896, 4864, 16);
    CHECK((is_whole(qkv) && qkv.k_warps == 8 && qkv.blocks == 72));
    CHECK((is_whole(output) && output.k_warps == 8 && output.blocks == 56));
    CHECK((down.k_warps == 4 && down.blocks == 112));  // four blocks a tile: one a multiprocessor
    // 7.8B: shared as fine as may pay, as ever.
    for (const GemmPlan& large : {plan(format, 6144, 4096, 0), plan(format, 4096, 4096, 64), plan(format, 28672, 4096, 0), plan(format, 4096, 14336, 64)}) {
      CHECK(!is_whole(large));
      CHECK(large.k_warps <= 2);
      CHECK(large.blocks == 396);
    }
  }
}
