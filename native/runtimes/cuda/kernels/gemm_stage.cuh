// Copies of a step's operands from global into shared memory, by all threads of a block, asynchronously. Rows and columns
// beyond the operands' edges become zeros and are not read. What a thread copies of a tile is worked out once, when the tile
// begins.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/swizzle.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/kernels/gemm_walk.h"

namespace octet::cuda {

/// Units of a panel that a warp takes in a step: known to the compiler where there is no choice.
template <WeightFormat kFormat>
OCTET_DEVICE int step_units(const GemmPlan& plan) { return most_step_units(kFormat) == 1 ? 1 : plan.step_units; }

/// W's units, a warp copying what one warp multiplies of a panel in a step, and K-quants' factors. 16-byte pieces, each read once by the
/// grid.
template <WeightFormat kFormat, int kTiles>
class WeightLoader {
 public:
  OCTET_DEVICE WeightLoader(const Product& p, const StageLayout& layout, const Walk& at) : p_(p), layout_(layout) { begin_tile(at); }

  /// Starts the copies of a step of the tile begun into `stage`.
  OCTET_DEVICE void copy(std::byte* stage, const Walk& at) {
    const int units = step_units<kFormat>(p_.plan), across = units_across(p_.weights.columns), first_unit = at.step() * p_.plan.k_warps * units;
    OCTET_UNROLL
    for (int i = 0; i < kSlots; ++i) {
      const int slot = warp_index() + i * kGemmWarps;
      if (slot >= panels() * p_.plan.k_warps) break;
      const int left = unit_[i] ? across - first_unit - (slot & (p_.plan.k_warps - 1)) * units : 0;
      const std::byte* const from = left > 0 ? unit_[i] + static_cast<std::size_t>(first_unit) * kUnit.unit() : p_.weights.units;
      std::byte* const to = stage + layout_.units + slot * units * kUnit.unit();
      if (kMostUnits == 1 || (units == kMostUnits && left >= kMostUnits)) {
        OCTET_UNROLL
        for (int piece = warp_lane(); piece < kMostUnits * kUnit.unit() / 16; piece += kWarp)
          copy_async_streamed(to + piece * 16, from + piece * 16, left > 0);
      } else {
        OCTET_ROLLED
        for (int piece = warp_lane(); piece < units * kUnit.unit() / 16; piece += kWarp) {
          const bool inside = piece < left * kUnit.unit() / 16;
          copy_async_streamed(to + piece * 16, inside ? from + piece * 16 : p_.weights.units, inside);
        }
      }
    }
    if constexpr (kUnit.super != 0) {
      const int first_super = first_unit / kUnitsOfSuper;
      const bool inside = super_ && first_super + super_of_thread() < supers_across(p_.weights.columns);
      const std::byte* from = inside ? super_ + first_super * kUnit.super : p_.weights.supers;
      if (thread_x() < panels() * super_pieces()) copy_async(stage + layout_.supers + thread_x() * 16, from, inside);
    }
  }

  OCTET_DEVICE void begin_tile(const Walk& at) {
    const GemmPlan& plan = p_.plan;
    const int first_panel = at.tile() / plan.tiles_across * panels();
    const int units = step_units<kFormat>(plan), down = units_down(p_.weights.rows), across = units_across(p_.weights.columns);
    OCTET_UNROLL
    for (int i = 0; i < kSlots; ++i) {
      const int slot = warp_index() + i * kGemmWarps, panel = first_panel + (slot >> plan.k_shift());
      const std::size_t unit = static_cast<std::size_t>(panel) * across + (slot & (plan.k_warps - 1)) * units;
      unit_[i] = panel < down ? p_.weights.units + unit * kUnit.unit() : nullptr;
    }
    if constexpr (kUnit.super != 0) {
      const int panel = first_panel + thread_x() / super_pieces();
      const std::size_t super = static_cast<std::size_t>(panel) * supers_across(p_.weights.columns);
      super_ = panel < down ? p_.weights.supers + super * kUnit.super + thread_x() % super_pieces() * 16 : nullptr;
    }
  }

 private:
  static constexpr UnitLayout kUnit = layout_of(kFormat);
  static constexpr int kSlots = panels_of(kTiles), kMostUnits = most_step_units(kFormat);
  static constexpr int kUnitsOfSuper = kSuperColumns / kUnitColumns, kSuperPieces = kUnit.super / 16;

  OCTET_DEVICE int panels() const { return p_.plan.row_warps * panels_of(kTiles); }
  OCTET_DEVICE int super_pieces() const { return p_.plan.step_supers() * kSuperPieces; }  ///< Of a panel.
  OCTET_DEVICE int super_of_thread() const { return thread_x() % super_pieces() / kSuperPieces; }

  const Product& p_;
  const StageLayout& layout_;
  const std::byte *unit_[kSlots], *super_;  ///< Of the tile's first step; null where rows are beyond the edge.
};

/// x, a thread copying the same 8 columns of rows a fixed distance apart. For warpgroups 8, 16 or 32 (kMostWgmmaColumns), so that swizzling
/// exchanges chunks alike in all of them.
template <bool kWgmma>
class ActivationLoader {
 public:
  OCTET_DEVICE ActivationLoader(const Product& p, const StageLayout& layout, const Walk& at)
      : p_(p), pieces_(p.plan.step_columns() / 8), row_(thread_x() / pieces_), column_(thread_x() % pieces_ * 8),
        offset_(kWgmma ? column_ / kUnitColumns * layout.x_unit + swizzled(row_, column_ / 8 % 8) : layout.x + row_ * layout.x_stride + column_ * 2),
        stride_(kGemmThreads / pieces_ * layout.x_stride) {
    begin_tile(at);
  }

  OCTET_DEVICE void copy(std::byte* stage, const Walk& at) {
    const int column = column_ + at.step() * p_.plan.step_columns(), rows = kGemmThreads / pieces_, block_n = p_.plan.block_n();
    const bool columns_inside = column < p_.weights.columns;
    const Bf16* from = x_ + column;
    std::byte* to = stage + offset_;
    OCTET_ROLLED
    for (int row = row_; row < block_n; row += rows) {
      const bool inside = columns_inside && row < rows_inside_;
      copy_async(to, inside ? from : p_.x, inside);
      from += static_cast<std::ptrdiff_t>(rows) * p_.x_stride;
      to += stride_;
    }
  }

  OCTET_DEVICE void begin_tile(const Walk& at) {
    const int first_row = at.tile() % p_.plan.tiles_across * p_.plan.block_n();
    rows_inside_ = p_.n - first_row;
    x_ = p_.x + static_cast<std::ptrdiff_t>(first_row + row_) * p_.x_stride;
  }

 private:
  const Product& p_;
  int pieces_, row_, column_, offset_, stride_, rows_inside_ = 0;
  const Bf16* x_ = nullptr;
};

/// Until the oldest of `stages` - 1 committed steps has landed for this thread; of one stage, that one.
OCTET_DEVICE void wait_for_stage(int stages) {
  switch (stages) {
    case 1:
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
