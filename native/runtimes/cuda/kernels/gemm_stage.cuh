// Copies of a step's operands from global into shared memory, by all threads of a block, asynchronously. Rows and columns
// beyond the operands' edges become zeros and are not read. Each loader walks through the block's steps by itself; what a
// thread copies of a tile is worked out once, when the tile begins.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/kernels/gemm_walk.h"

namespace octet::cuda {

/// W's units, a warp copying a unit at a time, and K-quants' factors. 16-byte pieces, each read once by the grid.
template <WeightFormat kFormat, int kTiles>
class WeightLoader {
 public:
  OCTET_DEVICE WeightLoader(const Product& p, const StageLayout& layout) : p_(p), layout_(layout), at_(p.plan, block_x()) { begin_tile(); }

  /// Starts the copies of one step into `stage` and goes on to the next.
  OCTET_DEVICE void copy(std::byte* stage) {
    const int across = units_across(p_.weights.columns), first_unit = at_.step() * p_.plan.k_warps;
    OCTET_UNROLL
    for (int i = 0; i < kUnits; ++i) {
      const int slot = warp_index() + i * kGemmWarps;
      if (slot >= units_) break;
      const bool inside = rows_inside_[i] && first_unit + k_[i] < across;
      const std::byte* from = inside ? unit_[i] + static_cast<std::size_t>(first_unit) * kUnit.unit() : p_.weights.units;
      OCTET_UNROLL
      for (int piece = warp_lane(); piece < kUnit.unit() / 16; piece += kWarp)
        copy_async_streamed(stage + slot * kUnit.unit() + piece * 16, from + piece * 16, inside);
    }
    if constexpr (kUnit.super != 0) {
      if (super_) copy_async(stage + layout_.supers + thread_x() * 16, super_ + first_unit / kUnitsOfSuper * kUnit.super, super_inside_);
    }
    if (at_.advance(p_.plan, block_x())) begin_tile();
  }

 private:
  static constexpr UnitLayout kUnit = layout_of(kFormat);
  static constexpr int kUnits = panels_of(kTiles), kUnitsOfSuper = kSuperColumns / kUnitColumns;

  OCTET_DEVICE void begin_tile() {
    const GemmPlan& plan = p_.plan;
    const int panels = plan.row_warps * panels_of(kTiles), first_panel = at_.tile() / plan.tiles_across * panels;
    const int down = units_down(p_.weights.rows), across = units_across(p_.weights.columns);
    units_ = panels * plan.k_warps;
    OCTET_UNROLL
    for (int i = 0; i < kUnits; ++i) {
      const int slot = warp_index() + i * kGemmWarps, panel = first_panel + slot / plan.k_warps;
      k_[i] = slot % plan.k_warps;
      rows_inside_[i] = panel < down;
      unit_[i] = p_.weights.units + (static_cast<std::size_t>(panel) * across + k_[i]) * kUnit.unit();
    }
    if constexpr (kUnit.super != 0) {
      constexpr int kPieces = kUnit.super / 16;
      const int panel = first_panel + thread_x() / kPieces;
      super_inside_ = panel < down;
      const std::size_t first = static_cast<std::size_t>(panel) * supers_across(p_.weights.columns) * kUnit.super;
      super_ = thread_x() >= panels * kPieces ? nullptr : p_.weights.supers + (super_inside_ ? first + thread_x() % kPieces * 16 : 0);
    }
  }

  const Product& p_;
  const StageLayout& layout_;
  Walk at_;
  int units_, k_[kUnits];
  bool rows_inside_[kUnits], super_inside_;
  const std::byte *unit_[kUnits], *super_;
};

/// x, a thread copying the same 8 columns of rows a fixed distance apart.
class ActivationLoader {
 public:
  OCTET_DEVICE ActivationLoader(const Product& p, const StageLayout& layout)
      : p_(p), at_(p.plan, block_x()), pieces_(p.plan.k_warps * 8), row_(thread_x() / pieces_), column_(thread_x() % pieces_ * 8),
        offset_(layout.x + row_ * layout.x_stride + column_ * 2), stride_(kGemmThreads / pieces_ * layout.x_stride) {
    begin_tile();
  }

  OCTET_DEVICE void copy(std::byte* stage) {
    const int column = column_ + at_.step() * p_.plan.step_columns(), rows = kGemmThreads / pieces_, block_n = p_.plan.block_n();
    const bool columns_inside = column < p_.weights.columns;
    const Bf16* from = x_ + column;
    std::byte* to = stage + offset_;
    for (int row = row_; row < block_n; row += rows) {
      const bool inside = columns_inside && row < rows_inside_;
      copy_async(to, inside ? from : p_.x, inside);
      from += static_cast<std::ptrdiff_t>(rows) * p_.weights.columns;
      to += stride_;
    }
    if (at_.advance(p_.plan, block_x())) begin_tile();
  }

 private:
  OCTET_DEVICE void begin_tile() {
    const int first_row = at_.tile() % p_.plan.tiles_across * p_.plan.block_n();
    rows_inside_ = p_.n - first_row;
    x_ = p_.x + static_cast<std::ptrdiff_t>(first_row + row_) * p_.weights.columns;
  }

  const Product& p_;
  Walk at_;
  int pieces_, row_, column_, offset_, stride_, rows_inside_ = 0;
  const Bf16* x_ = nullptr;
};

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
