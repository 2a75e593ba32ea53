// Products against double sums of the file's own values, over formats, shapes and epilogues.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "any_device.h"
#include "gemm_case.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/kernels/gemm_walk.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

bool counters_are_zero(const GemmWorkspace& workspace) {
  std::vector<int> counters(workspace.most_blocks());
  detail::download(counters.data(), workspace.counters(), counters.size() * sizeof(int));
  for (const int counter : counters)
    if (counter != 0) return false;
  return true;
}

int wrong_after(GemmCase& c, const GemmWorkspace& workspace) {
  Stream stream;
  c.reset();
  gemm(stream, workspace, c.call());
  stream.synchronize();
  return c.wrong();
}

constexpr Epilogue kEpilogues[] = {Epilogue::kStore, Epilogue::kAdd, Epilogue::kSwiGlu};

/// An odd number of units across where the format allows it, so that the last step is half empty.
int odd_columns(WeightFormat format) {
  const int block = block_of(format);
  return block == 256 ? 256 : block == 32 ? 288 : 264;
}

}  // namespace

TEST_CASE("cuda gemm: every format, number of rows and epilogue on tensor cores") {
  for (const int shared_kib : shared_sizes()) {
    const GemmWorkspace workspace = workspace_of(2, shared_kib);
    for (const WeightFormat format : kTensorFormats)
      for (const int n : {1, 7, 8, 9, 16, 24, 40, 64, 72, 90, 144, 200})
        for (const Epilogue epilogue : kEpilogues) {
          if (epilogue != kEpilogues[(n + static_cast<int>(format)) % 3] && n > 9) continue;
          CAPTURE(shared_kib);
          CAPTURE(name_of(format));
          CAPTURE(n);
          CAPTURE(static_cast<int>(epilogue));
          GemmCase c(format, epilogue == Epilogue::kSwiGlu ? 37 : 75, odd_columns(format), n, epilogue, Precision::kBf16, epilogue == Epilogue::kStore, n);
          CHECK(wrong_after(c, workspace) == 0);
        }
    CHECK(counters_are_zero(workspace));
  }
}

TEST_CASE("cuda gemm: tiles shared by several blocks, whole rounds, and both") {
  struct Shape {
    int multiprocessors, rows, n;
    bool rounds, shared, straddling;  // a block finishes one tile and begins another
  };
  for (const Shape& shape : {Shape{5, 75, 8, false, true, false}, Shape{2, 440, 8, true, true, true}, Shape{1, 384, 40, true, false, false},
                             Shape{5, 300, 72, false, true, true}}) {
    CAPTURE(shape.rows);
    CAPTURE(shape.n);
    const GemmWorkspace workspace = workspace_of(shape.multiprocessors);
    GemmCase c(WeightFormat::kQ4_K, shape.rows, 768, shape.n, Epilogue::kAdd, Precision::kBf16, true, 5);
    int tried = 0;
    for (const CostedPlan& possible : possible_plans(c.call(), workspace)) {
      const GemmPlan& plan = possible.plan;
      bool straddling = false;
      for (int block = 0; block < plan.sharers; ++block)
        straddling |= plan.share_begin(block) % plan.steps != 0 && plan.share_begin(block) / plan.steps != (plan.share_begin(block + 1) - 1) / plan.steps;
      if ((plan.rounds > 0) != shape.rounds || (plan.sharers > plan.shared_tiles()) != shape.shared || straddling != shape.straddling) continue;
      if (++tried > 2) break;
      for (unsigned order = 0; order < 4; ++order) {
        const BlockOrder shuffled(order);
        Stream stream;
        c.reset();
        gemm_by(stream, workspace, c.call(), plan);
        stream.synchronize();
        CHECK(c.wrong() == 0);
        CHECK(counters_are_zero(workspace));
      }
    }
    CHECK(tried > 0);
  }
}

TEST_CASE("cuda gemm: every division of a block's warps") {
  // By units of a step. The columns leave the last step without units for some warps, and with fewer than the others for the rest.
  int plans[5] = {};
  for (const int shared_kib : shared_sizes())
    for (const WeightFormat format : {WeightFormat::kQ6_K, WeightFormat::kQ4_0})
      for (const int n : {13, 75}) {
        const GemmWorkspace workspace = workspace_of(2, shared_kib);
        const int columns = format == WeightFormat::kQ6_K ? 768 : 736;
        GemmCase c(format, 150, columns, n, n == 13 ? Epilogue::kSwiGlu : Epilogue::kStore, Precision::kBf16, n != 13, 9);
        for (const CostedPlan& possible : possible_plans(c.call().weights, n, workspace)) {
          CAPTURE(shared_kib);
          CAPTURE(name_of(format));
          CAPTURE(n);
          CAPTURE(possible.plan.tiles);
          CAPTURE(possible.plan.n_warps);
          CAPTURE(possible.plan.k_warps);
          CAPTURE(possible.plan.step_units);
          ++plans[possible.plan.step_units];
          c.reset();
          Stream stream;
          gemm_by(stream, workspace, c.call(), possible.plan);
          stream.synchronize();
          CHECK(c.wrong() == 0);
        }
      }
  const int cases = 4 * static_cast<int>(shared_sizes().size());
  CHECK(plans[1] >= cases * (4 + 2 * 2 + 4 * 3) / 2);
  CHECK(plans[2] > 0);
  if (shared_sizes().size() > 1) CHECK(plans[4] > 0);
}

TEST_CASE("cuda gemm: every number of stages") {
  const GemmWorkspace workspace = workspace_of(2);
  GemmCase c(WeightFormat::kQ4_0, 150, 768, 5, Epilogue::kStore, Precision::kBf16, true, 3);
  GemmPlan plan = possible_plans(c.call().weights, 5, workspace).front().plan;
  for (plan.stages = 2; plan.stages <= 8; ++plan.stages) {
    CAPTURE(plan.stages);
    REQUIRE(kGemmHeader + static_cast<std::size_t>(plan.stages * StageLayout(WeightFormat::kQ4_0, plan).bytes) <= workspace.shared_bytes());
    REQUIRE(plan.steps > plan.stages);
    c.reset();
    Stream stream;
    gemm_by(stream, workspace, c.call(), plan);
    stream.synchronize();
    CHECK(c.wrong() == 0);
  }
}

TEST_CASE("cuda gemm: each size of tiles by every format") {
  const GemmWorkspace workspace = workspace_of(2);
  for (const WeightFormat format : kTensorFormats) {
    GemmCase c(format, 70, 256, 75, Epilogue::kStore, Precision::kBf16, false, 11);
    std::set<int> sizes;
    for (const CostedPlan& possible : possible_plans(c.call().weights, 75, workspace)) {
      if (possible.plan.n_warps != 1 || possible.plan.k_warps != 1) continue;
      CAPTURE(name_of(format));
      CAPTURE(possible.plan.tiles);
      sizes.insert(possible.plan.tiles);
      c.reset();
      Stream stream;
      gemm_by(stream, workspace, c.call(), possible.plan);
      stream.synchronize();
      CHECK(c.wrong() == 0);
    }
    CHECK(sizes.size() == std::size(kGemmTiles));
  }
}

TEST_CASE("cuda gemm: float32 without tensor cores, and shapes that tensor cores do not take") {
  const GemmWorkspace workspace = workspace_of(2);
  for (const WeightFormat format : kAllFormats)
    for (const int n : {1, 9, 20})
      for (const Epilogue epilogue : kEpilogues) {
        CAPTURE(name_of(format));
        CAPTURE(n);
        CAPTURE(static_cast<int>(epilogue));
        GemmCase c(format, 21, block_of(format) == 1 ? 101 : odd_columns(format), n, epilogue, Precision::kFloat32, epilogue != Epilogue::kSwiGlu, n);
        CHECK(wrong_after(c, workspace) == 0);
      }
  for (const WeightFormat format : {WeightFormat::kF32, WeightFormat::kBf16, WeightFormat::kF16})
    for (const Epilogue epilogue : kEpilogues) {
      GemmCase c(format, 21, 101, 10, epilogue, Precision::kBf16, false, 3);
      CHECK(wrong_after(c, workspace) == 0);
    }
}

TEST_CASE("cuda gemm: replays of a graph give the same bits and leave no trace") {
  for (const int n : {8, 72}) {
    const GemmWorkspace workspace = workspace_of(6);
    GemmCase c(WeightFormat::kQ8_0, 150, 544, n, Epilogue::kStore, Precision::kBf16, false, 11);
    Stream stream;
    stream.begin_capture();
    gemm(stream, workspace, c.call());
    const Graph graph = stream.end_capture();
    std::vector<float> first;
    for (unsigned replay = 0; replay < 4; ++replay) {
      const BlockOrder shuffled(replay);
      c.reset();
      stream.launch(graph);
      stream.synchronize();
      CHECK(counters_are_zero(workspace));
      const std::vector<float> got = c.result();
      if (replay == 0) {
        first = got;
        CHECK(c.wrong() == 0);
      }
      CHECK(std::memcmp(first.data(), got.data(), got.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("cuda gemm: a plan deals out every step of every tile once, within the workspace") {
  int shared_plans = 0, round_plans = 0;
  for (const int shared_kib : {99, 163, 227})
    for (const int multiprocessors : {1, 7, 132})
      for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ4_K})
        for (const int rows : {1, 896, 4097, 28672})
          for (const int columns : {256, 3584})
            for (const int n : {1, 8, 16, 33, 64, 72, 144, 1000}) {
              const GemmWorkspace workspace(DeviceInfo{.multiprocessors = multiprocessors, .shared_bytes = static_cast<std::size_t>(shared_kib) << 10});
              std::vector<GemmPlan> plans{plan_gemm({.format = format, .rows = rows, .columns = columns}, n, workspace)};
              if (n <= kFewRows && rows < 1000)
                for (const CostedPlan& possible : possible_plans({.format = format, .rows = rows, .columns = columns}, n, workspace))
                  plans.push_back(possible.plan);
              CAPTURE(multiprocessors);
              CAPTURE(rows);
              CAPTURE(columns);
              CAPTURE(n);
              for (const GemmPlan& plan : plans) {
                REQUIRE(plan.row_warps * plan.n_warps * plan.k_warps == kGemmWarps);
                REQUIRE(plan.blocks <= workspace.most_blocks());
                REQUIRE(plan.tiles_down * plan.block_rows() >= rows);
                REQUIRE(plan.tiles_across * plan.block_n() >= n);
                REQUIRE(plan.stages >= std::min(2, Walk::length(plan, 0)));
                REQUIRE(gemm_shared_bytes(format, plan) <= static_cast<std::size_t>(shared_kib) << 10);
                std::vector<int> taken(static_cast<std::size_t>(plan.tiles_down) * plan.tiles_across * plan.steps);
                for (int block = 0; block < plan.blocks; ++block) {
                  Walk walk(plan, block);
                  for (int i = 0; i < Walk::length(plan, block); ++i) {
                    ++taken[static_cast<std::size_t>(walk.tile()) * plan.steps + walk.step()];
                    const int shared_step = (walk.tile() - plan.rounds * plan.blocks) * plan.steps + walk.step();
                    if (shared_step >= 0 && plan.share_owner(shared_step) != block) FAIL("a step is another block's");
                    walk.advance(plan, block);
                  }
                }
                REQUIRE(std::count(taken.begin(), taken.end(), 1) == static_cast<std::ptrdiff_t>(taken.size()));
                shared_plans += plan.sharers > plan.shared_tiles();
                round_plans += plan.rounds > 0;
              }
            }
  CHECK(shared_plans > 0);
  CHECK(round_plans > 0);
}

TEST_CASE("cuda gemm: bytes that must move, and operands that do not fit") {
  GemmCase c(WeightFormat::kQ8_0, 10, 64, 3, Epilogue::kAdd, Precision::kBf16, false, 1);
  CHECK(gemm_bytes(c.call()) == 10 * 68 + 3 * 64 * 2 + 2 * 3 * 10 * 4);
  const GemmWorkspace workspace = workspace_of(1);
  Stream stream;
  Gemm call = c.call();
  call.y_stride = 9;
  CHECK_THROWS_AS(gemm(stream, workspace, call), std::invalid_argument);
  call = c.call();
  call.epilogue = Epilogue::kSwiGlu;
  call.weights.rows = 9;
  CHECK_THROWS_AS(gemm(stream, workspace, call), std::invalid_argument);
  CHECK(GemmWorkspace::bytes(device_info()) > 0);
}
