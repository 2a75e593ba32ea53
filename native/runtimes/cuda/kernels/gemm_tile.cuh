// The tensor-core product: y[j][r] = sum over c of W[r][c] x[j][c] as Y^T = W X^T, so that the big operand W fills the
// 16-row side of mma.m16n8k16 and the few rows of x its 8-column side. W [rows][columns] in a file's format, packed by
// weight_layout.h; x [n][columns] bf16; float32 sums.
//
// A block of 8 warps computes an output tile of row_warps * panels * 16 rows of W by n_warps * tiles * 8 rows of x; the
// warps that are left (with few rows of x all, if need be) divide the columns of a step and add their sums up at the end. W and x come by asynchronous copies
// into a ring of stages in shared memory; W's lie there in the order in which lanes take them, 16 bytes each, so that
// neither end has bank conflicts, and become bf16 in registers (fragments.cuh). x's rows are padded for load_matrices.
// Which block computes what: gemm_plan.h.
//
// Few rows of x (decoding, verification): bound by reading W once, rows * columns * stored bytes. The first stages of W are
// on their way before the kernel before this one has ended. Many (prefill): bound by tensor cores.
#pragma once

#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/folded_norm.cuh"
#include "runtimes/cuda/kernels/fragments.cuh"
#include "runtimes/cuda/kernels/gemm_early.cuh"
#include "runtimes/cuda/kernels/gemm_put.cuh"
#include "runtimes/cuda/kernels/gemm_stage.cuh"
#include "runtimes/cuda/kernels/gemm_sums.cuh"
#include "runtimes/cuda/kernels/gemm_wgmma.cuh"

namespace octet::cuda {

/// One step's products onto the warp's sums: its units of W in each panel, 64 columns each.
template <WeightFormat kFormat, int kTiles>
OCTET_DEVICE void multiply_step(const GemmPlan& plan, const StageLayout& layout, const WarpPlace& place, const std::byte* stage, Sums<kTiles>& sums) {
  constexpr int kPanels = Sums<kTiles>::kPanels;
  constexpr UnitLayout kUnit = layout_of(kFormat);
  const int lane = warp_lane(), of_step = step_units<kFormat>(plan);
  const int supers = plan.step_supers(), super = kPanels == 1 ? place.k * of_step >> 2  // the one its units lie in
                                                              : place.k * (supers - 1);  // two where the k warps take one each
  const std::byte* x = stage + layout.x + (place.n * kTiles * 8 + lane % 8) * layout.x_stride + place.k * of_step * 128 + lane / 8 * 16;
  const std::byte* w = stage + (place.row * kPanels * plan.k_warps + place.k) * of_step * kUnit.unit();  // of the first panel
  LaneUnit<kFormat> units[kPanels];
  OCTET_UNROLL
  for (int i = 0; i < kPanels; ++i)
    units[i].read_factors(stage + layout.supers + ((place.row * kPanels + i) * supers + super) * kUnit.super, lane);
  OCTET_ROLLED
  for (int u = 0; u < of_step; ++u, x += 128, w += kUnit.unit()) {
    OCTET_UNROLL
    for (int i = 0; i < kPanels; ++i) units[i].read(w + i * plan.k_warps * of_step * kUnit.unit(), lane);
    OCTET_UNROLL
    for (int half = 0; half < 2; ++half) {
      std::uint32_t a[kPanels][2][4];
      OCTET_UNROLL
      for (int i = 0; i < kPanels; ++i) {
        units[i].fragment(2 * half, a[i][0]);
        units[i].fragment(2 * half + 1, a[i][1]);
      }
      OCTET_UNROLL
      for (int j = 0; j < kTiles; ++j) {
        std::uint32_t b[4];
        load_matrices(b, x + j * 8 * layout.x_stride + half * 64);
        const std::uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
        OCTET_UNROLL
        for (int i = 0; i < kPanels; ++i) mma_bf16(sums.at[i][j], a[i][0], first);
        OCTET_UNROLL
        for (int i = 0; i < kPanels; ++i) mma_bf16(sums.at[i][j], a[i][1], second);
      }
    }
  }
}

/// kWgmma: products by warpgroups.
template <WeightFormat kFormat, int kTiles, bool kWgmma>
OCTET_KERNEL_BOUNDS(kGemmThreads, resident_blocks(kTiles)) multiply(Product p) {
  const GemmPlan& plan = p.plan;
  const StageLayout layout(kFormat, plan, kWgmma);
  const WarpPlace place(plan, thread_x());
  int* flag = reinterpret_cast<int*>(shared_memory());
  auto* const factors = reinterpret_cast<float*>(shared_memory() + kGemmFactors);
  std::byte* stages = shared_memory() + kGemmHeader;
  if constexpr (kWgmma) stages += (0u - shared_address(stages)) % kSwizzleAlignment;
  const int length = Walk::length(plan, block_x()), ahead = plan.stages - 1;
  constexpr bool kFew = panels_of(kTiles) == 1;  // then the first steps fill all stages, and the first wait is for two
  const int first_steps = kFew ? plan.stages : ahead;

  Walk to(plan, block_x());  // the step to copy next
  WeightLoader<kFormat, kTiles> weights(p, layout, to);
  for (int i = 0; i < first_steps && i < length; ++i) {
    weights.copy(stages + i * layout.bytes, to);
    if (to.advance(plan, block_x())) weights.begin_tile(to);
  }
  let_next_start();
  wait_for_previous();
  to = Walk(plan, block_x());
  ActivationLoader<kWgmma> activations(p, layout, to);
  for (int i = 0; i < first_steps; ++i) {
    if (i < length) {
      activations.copy(stages + i * layout.bytes, to);
      if (to.advance(plan, block_x())) activations.begin_tile(to);
    }
    if (!kFew || i > 0 || ahead == 0) commit_async();
  }
  Walk at(plan, block_x());
  const auto early = [&] { return reinterpret_cast<std::uint32_t*>(stages + plan.stages * layout.bytes); };  // worked out where it is used
  if constexpr (kTiles == 1)
    if (plan.reads_early()) read_early<kTiles>(p, place, at.tile(), early());
  // Not by the warps that wait for what they read early.
  const int busy = kFew && plan.reads_early() ? plan.row_warps : 0;
  if (p.norm.squares) {  // eight rows are one for each of eight warps, two where some are busy
    if (kTiles == 1 && busy > 0) find_row_factors<2>(p.norm, p.n, p.weights.columns, kGemmWarps, busy, factors);
    else find_row_factors<kTiles>(p.norm, p.n, p.weights.columns, kGemmWarps, busy, factors);
  }

  Sums<kTiles> sums;
  sums.clear();
  for (int i = 0, current = 0, refilled = ahead; i < length; ++i) {
    wait_for_stage(plan.stages);
    if constexpr (kWgmma) show_to_products();
    block_sync();
    if (i + ahead < length && (!kFew || i > 0)) {
      std::byte* stage = stages + refilled * layout.bytes;
      weights.copy(stage, to);
      activations.copy(stage, to);
      if (to.advance(plan, block_x())) {
        weights.begin_tile(to);
        activations.begin_tile(to);
      }
    }
    if (!kFew || i > 0) commit_async();
    std::byte* stage = stages + current * layout.bytes;
    if constexpr (kWgmma) multiply_step_by_wgmma<kFormat>(plan, layout, place, stage, sums);
    else multiply_step<kFormat>(plan, layout, place, stage, sums);
    const bool ends = at.step() == plan.steps - 1;
    if (ends || i == length - 1) {
      if (plan.k_warps > 1) add_k_warps(plan, sums, place, stage);
      const bool whole = ends && at.first_step() == 0;
      const bool first = i == at.step() - at.first_step();  // of the block's tiles
      if (whole || add_blocks(p, sums, place, at.tile(), flag))
        put_tile(p, sums, place, at.tile(), factors, early_of<kTiles>(plan, place, first, early()), stage);
      sums.clear();
    }
    at.advance(plan, block_x());
    refilled = current;
    current = current == ahead ? 0 : current + 1;
  }
}

template <WeightFormat kFormat>
void launch_product(Stream& stream, const Product& product, void (*kernel)(Product)) {
  const Shape shape{.grid = {product.plan.blocks},
                    .threads = kGemmThreads,
                    .shared_bytes = gemm_shared_bytes(kFormat, product.plan),
                    .overlaps_previous = true};
  launch(stream, shape, kernel, product);
}

template <WeightFormat kFormat>
void multiply_tiles(Stream& stream, const Product& product) {
  const auto kernel = [&] {
    switch (product.plan.tiles) {
      case 1: return multiply<kFormat, 1, false>;
      case 2: return multiply<kFormat, 2, false>;
      case 4: return multiply<kFormat, 4, false>;
      case 6: return multiply<kFormat, 6, false>;
      case 8: return multiply<kFormat, 8, false>;
      default: return multiply<kFormat, 9, false>;
    }
  }();
  launch_product<kFormat>(stream, product, kernel);
}

template <WeightFormat kFormat>
void multiply_tiles_by_wgmma(Stream& stream, const Product& product) {
  const auto kernel = [&] {
    switch (product.plan.tiles) {
      case 6: return multiply<kFormat, 6, true>;
      case 8: return multiply<kFormat, 8, true>;
      default: return multiply<kFormat, 9, true>;
    }
  }();
  launch_product<kFormat>(stream, product, kernel);
}

}  // namespace octet::cuda
