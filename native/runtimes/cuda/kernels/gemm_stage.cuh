// Copies of a step's operands from global into shared memory, by all threads of a block, asynchronously. Rows and columns
// beyond the operands' edges become zeros and are not read.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/kernels/gemm_walk.h"

namespace octet::cuda {

/// W's units, a warp copying a unit at a time, and K-quants' factors. 16-byte pieces, each read once by the grid.
template <WeightFormat kFormat>
OCTET_DEVICE void copy_weights(const Product& p, const StageLayout& layout, const Walk& at, std::byte* stage) {
  constexpr UnitLayout kUnit = layout_of(kFormat);
  const GemmPlan& plan = p.plan;
  const int panels = plan.row_warps * panels_of(plan.tiles), first_panel = at.tile() / plan.tiles_across * panels;
  const int down = units_down(p.weights.rows), across = units_across(p.weights.columns), first_unit = at.step() * plan.k_warps;
  for (int i = warp_index(); i < panels * plan.k_warps; i += kGemmWarps) {
    const int panel = first_panel + i / plan.k_warps, unit = first_unit + i % plan.k_warps;
    const bool inside = panel < down && unit < across;
    const std::byte* from = p.weights.units + (inside ? (static_cast<std::size_t>(panel) * across + unit) * kUnit.unit() : 0);
    OCTET_UNROLL
    for (int piece = warp_lane(); piece < kUnit.unit() / 16; piece += kWarp)
      copy_async_streamed(stage + i * kUnit.unit() + piece * 16, from + (inside ? piece * 16 : 0), inside);
  }
  if constexpr (kUnit.super != 0) {
    constexpr int kPieces = kUnit.super / 16;
    const int i = thread_x();
    if (i < panels * kPieces) {
      const int panel = first_panel + i / kPieces;
      const std::size_t super = static_cast<std::size_t>(panel) * supers_across(p.weights.columns) + first_unit * kUnitColumns / kSuperColumns;
      const bool inside = panel < down;
      copy_async(stage + layout.supers + i * 16, p.weights.supers + (inside ? super * kUnit.super + i % kPieces * 16 : 0), inside);
    }
  }
}

OCTET_DEVICE void copy_x(const Product& p, const StageLayout& layout, const Walk& at, std::byte* stage) {
  const GemmPlan& plan = p.plan;
  const int pieces = plan.k_warps * 8;  // in a row; a power of two
  const int first_row = at.tile() % plan.tiles_across * plan.block_n(), first_column = at.step() * plan.step_columns();
  for (int i = thread_x(); i < plan.block_n() * pieces; i += kGemmThreads) {
    const int row = i / pieces, piece = i % pieces, column = first_column + piece * 8;
    const bool inside = first_row + row < p.n && column < p.weights.columns;
    const std::size_t from = inside ? static_cast<std::size_t>(first_row + row) * p.weights.columns + column : 0;
    copy_async(stage + layout.x + row * layout.x_stride + piece * 16, p.x + from, inside);
  }
}

/// Until the oldest of `stages` - 1 committed steps has landed for this thread.
OCTET_DEVICE void wait_for_stage(int stages) {
  switch (stages) {
    case 2: return wait_async<0>();
    case 3: return wait_async<1>();
    case 4: return wait_async<2>();
    case 5: return wait_async<3>();
    case 6: return wait_async<4>();
    case 7: return wait_async<5>();
    default: return wait_async<6>();
  }
}

}  // namespace octet::cuda
