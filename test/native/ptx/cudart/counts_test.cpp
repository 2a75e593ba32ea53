// What the kernels do to memory, counted as nvcc compiles them: promises that no result shows.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include <cuda_runtime_api.h>

#include "cuda/gemm_case.h"
#include "cuda/step_case.h"
#include "ptx/cudart/device.h"
#include "runtimes/cuda/kernels/gemm_tile.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

/// What all kernels did while `work` ran.
template <class Work>
ptx::KernelCounts counted(const Work& work) {
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  const auto before = ptx::cudart::device().counts.kernels;
  ptx::cudart::device().counts.kernels.clear();
  work();
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  ptx::KernelCounts all;
  for (const auto& [name, of] : ptx::cudart::device().counts.kernels) all += of;
  for (const auto& [name, of] : before) ptx::cudart::device().counts.kernels[name] += of;
  return all;
}

}  // namespace

TEST_CASE("cuda counts: a product's weights come once, in whole sectors, 16 bytes a thread") {
  constexpr int kRows = 256, kColumns = 1024;
  for (const WeightFormat format : kTensorFormats)
    for (const int n : {8, 16, 64, 72}) {
      CAPTURE(name_of(format));
      CAPTURE(n);
      GemmCase c(format, kRows, kColumns, n, Epilogue::kStore, Precision::kBf16, false, 1);
      Stream stream;
      const GemmWorkspace workspace = workspace_of(4);
      const GemmPlan plan = plan_gemm(c.call().weights, n, workspace);
      const ptx::KernelCounts of = counted([&] { gemm_by(stream, workspace, c.call(), plan); });
      CHECK(of.async_sectors == of.async_sectors_ideal);
      CHECK(of.load_sectors == of.load_sectors_ideal);  // partial sums of blocks that share a tile
      // A warp's request is 16 sectors where all of its lanes copy 16 bytes; block scales and super-blocks' factors take fewer.
      const bool plain = format == WeightFormat::kF16 || format == WeightFormat::kBf16;
      CHECK(of.async_sectors >= (plain && n <= 64 ? 16 : 11) * of.async_copies);
      // Every block reads x for its tiles beside the weights; a super-block's factors come with each step that it has a part of.
      const std::size_t weights = packed_bytes(format, kRows, kColumns) * static_cast<std::size_t>(plan.tiles_across);
      const std::size_t bytes = weights + std::size_t{kColumns} * 2 * static_cast<std::size_t>(n * plan.tiles_down);
      CHECK(of.async_sectors * 32 >= bytes);
      const bool supers = format == WeightFormat::kQ4_K || format == WeightFormat::kQ6_K;
      CHECK(of.async_sectors * 32 <= bytes + (supers ? weights / 20 : 0));
    }
}

TEST_CASE("cuda counts: a lane that has ended costs no sampling") {
  constexpr int kVocabulary = 4000, kDraftLength = 3, kLanes = 8;
  constexpr test::FakeFunction kModel{.seed = 11};
  // A step of all lanes, of which so many had room for one token, which they have written.
  const auto cost = [&](int ended, const Sampling& sampling) {
    test::DeviceSteps device(kModel, kModel, kVocabulary, kLanes, kDraftLength);
    std::vector<test::DeviceSteps::Wish> wishes;
    for (int i = 0; i < kLanes; ++i) {
      device.open(i, {1, 4, 2, 0, 5}, sampling, static_cast<std::uint32_t>(i), i < ended ? 1 : 100);
      wishes.push_back({i, kDraftLength});
    }
    device.step(wishes, kDraftLength);
    return counted([&] { device.step(wishes, kDraftLength); });
  };
  for (const Sampling& sampling : {Sampling{.temperature = 0}, Sampling{.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f}}) {
    CAPTURE(sampling.temperature);
    const ptx::KernelCounts none = cost(0, sampling), half = cost(kLanes / 2, sampling), all = cost(kLanes, sampling);
    // Of the logits: none. Of instructions: each block's look at whether its lane lives.
    CHECK(all.load_sectors < none.load_sectors / 20);
    CHECK(all.instructions < none.instructions / 10);
    CHECK(half.load_sectors < (none.load_sectors + all.load_sectors) * 11 / 20);
    CHECK(half.instructions < (none.instructions + all.instructions) * 11 / 20);
  }
}
