// How a product is spread over the device: the shape of a block's output tile and who computes which part of which tile.
//
// Work is counted in steps: one step is a tile's next `step_columns` columns of W and x; the fewer bytes a format has, the more units of
// 64 columns, since what a step costs beside its units is some 150 instructions of every warp. With as many tiles as blocks or
// more, every block takes whole tiles, one a round (neighbouring tiles at the same time, so that their operands meet in the
// second-level cache). The tiles that are left over, fewer than blocks, are cut along the columns: all their steps, in order,
// are dealt out to `sharers` blocks in equal runs, and a tile's last block to finish adds the partial sums up, always in the
// order of the blocks ("stream-K", Osama et al., 2023). With as many sharers as tiles nothing is shared: whole tiles.
//
// With few rows of x a small matrix is bound by what waits for what, not by bytes. Then two, four or all eight warps divide a step's columns and
// tiles are of 64, 32 or 16 rows of W, so that there are enough of them without sharing, whose three trips to the second-level cache are saved.
#pragma once

#include <cstddef>
#include <vector>

#include "runtimes/cuda/device/swizzle.h"
#include "runtimes/cuda/kernels/folded_norm.h"
#include "runtimes/cuda/kernels/weight_layout.h"

namespace octet::cuda {

class PlanDevice;
struct Gemm;

constexpr int kGemmWarps = 8, kGemmThreads = 32 * kGemmWarps;

/// m16 panels of W rows a warp takes, for a kernel whose warps take `tiles` n8 tiles of x rows.
OCTET_BOTH constexpr int panels_of(int tiles) { return tiles <= 2 ? 1 : 2; }

/// Blocks of a multiprocessor that registers must allow.
OCTET_BOTH constexpr int resident_blocks(int tiles) { return tiles <= 2 ? 3 : tiles <= 4 ? 2 : 1; }

/// Units of a panel that a warp may take in one step: some 2 KB of weights. A power of two.
OCTET_BOTH constexpr int most_step_units(WeightFormat format) {
  const int unit = layout_of(format).unit();
  return unit >= 2048 ? 1 : unit >= 1024 ? 2 : 4;
}

struct GemmPlan {
  int tiles = 1;                       ///< n8 tiles of a warp: which kernel.
  int row_warps = 8, n_warps = 1, k_warps = 1;  ///< Their product is kGemmWarps. k_warps: 1, 2, with few rows of x 4 and 8.
  int step_units = 1;                  ///< Units of a panel that a warp takes in a step: 1, 2, 4, up to most_step_units.
  int stages = 2;                      ///< Steps in shared memory at once; 1 where no block has more.
  bool wgmma = false;                  ///< Products by warpgroups (gemm_wgmma.cuh), from kLeastWgmmaTiles on.
  int tiles_down = 1, tiles_across = 1;  ///< Output tiles: along W's rows, along x's.
  int steps = 1;                       ///< Of a tile.
  int blocks = 1;
  int rounds = 0;                      ///< Whole tiles a block takes: round * blocks + block, while there are as many.
  int sharers = 0;                     ///< Blocks that share the tiles left over.

  bool operator==(const GemmPlan&) const = default;

  OCTET_BOTH int block_rows() const { return row_warps * panels_of(tiles) * 16; }
  OCTET_BOTH int block_n() const { return n_warps * tiles * 8; }
  OCTET_BOTH int step_columns() const { return k_warps * step_units * kUnitColumns; }
  OCTET_BOTH int k_shift() const { return k_warps == 8 ? 3 : k_warps / 2; }  ///< Of which k_warps is the power of two.
  /// Whether what an epilogue reads is read at the start (gemm_early.cuh): where few warps have sums, of few rows.
  OCTET_BOTH bool reads_early() const { return k_warps > 2 && tiles == 1; }
  /// Whether the squares of an OutputNorm's groups of so many rows each have one writer: groups are whole warps' rows, tiles whole groups.
  OCTET_BOTH bool writes_groups_of(int group) const { return group % (16 * panels_of(tiles)) == 0 && block_rows() % group == 0; }
  /// K-quants' super-blocks of a panel that a step has a part of.
  OCTET_BOTH int step_supers() const { return step_columns() > kSuperColumns ? step_columns() / kSuperColumns : 1; }
  OCTET_BOTH int shared_tiles() const { return tiles_down * tiles_across - rounds * blocks; }
  OCTET_BOTH int shared_steps() const { return shared_tiles() * steps; }
  /// The first of the shared steps that sharer `block` takes; of the block after the last: their number.
  OCTET_BOTH int share_begin(int block) const { return quotient(block, shared_steps(), 0, sharers); }
  /// Who takes a shared step.
  OCTET_BOTH int share_owner(int step) const { return quotient(step + 1, sharers, 1, shared_steps()); }

 private:
  /// (a b - less) / by, in 32 bits: a division of 64 is a hundred instructions, and several come before the first weights are asked for.
  /// What deal() makes fits.
  OCTET_BOTH static int quotient(int a, int b, unsigned less, int by) {
    return static_cast<int>((static_cast<unsigned>(a) * static_cast<unsigned>(b) - less) / static_cast<unsigned>(by));
  }
};

/// Where a step's operands lie in shared memory: units of W [panel][k warp][step_units], K-quants' factors [panel][step_supers], x [row] padded so
/// that eight rows lie in different banks. For warpgroups x comes first, [64 columns][row], swizzled (device/wgmma.h). Bytes.
struct StageLayout {
  int units, supers, x, x_stride, x_unit, bytes;  ///< x_stride: from row to row; x_unit: from 64 columns to the next.

  OCTET_BOTH StageLayout(WeightFormat format, const GemmPlan& plan) : StageLayout(format, plan, plan.wgmma) {}
  OCTET_BOTH StageLayout(WeightFormat format, const GemmPlan& plan, bool wgmma) {
    const int panels = plan.row_warps * panels_of(plan.tiles);
    x_stride = wgmma ? kSwizzledRow : plan.step_columns() * 2 + 16;
    x_unit = wgmma ? plan.block_n() * kSwizzledRow : kUnitColumns * 2;
    units = wgmma ? plan.k_warps * plan.step_units * x_unit : 0;
    supers = units + panels * plan.k_warps * plan.step_units * layout_of(format).unit();
    const int end = supers + panels * plan.step_supers() * layout_of(format).super;
    x = wgmma ? 0 : end;
    bytes = wgmma ? (end + kSwizzleAlignment - 1) / kSwizzleAlignment * kSwizzleAlignment : x + plan.block_n() * x_stride;
  }
};

/// Shared memory before the stages: what a block's threads tell each other, and the factors of x's rows (folded_norm.h).
constexpr int kGemmFactors = 16, kGemmHeader = kGemmFactors + kMostFoldedRows * 4;

/// Words a thread of an epilogue reads early (gemm_early.cuh): four of y for each n8 tile or a cell and a turn for each row of x, and two each of
/// bias and next norm.
OCTET_BOTH constexpr int early_words(int tiles) { return 6 * tiles + 4; }
/// Of a block, behind its stages.
OCTET_BOTH int early_bytes(const GemmPlan& plan) { return plan.reads_early() ? early_words(plan.tiles) * plan.row_warps * 32 * 4 : 0; }

/// With what may lie between it and the stages, which for warpgroups begin at a multiple of kSwizzleAlignment.
inline std::size_t gemm_header(const GemmPlan& plan) {
  return kGemmHeader + static_cast<std::size_t>(early_bytes(plan)) + (plan.wgmma ? kSwizzleAlignment - 16 : 0);
}
/// Of a block.
inline std::size_t gemm_shared_bytes(WeightFormat format, const GemmPlan& plan) {
  return gemm_header(plan) + static_cast<std::size_t>(plan.stages) * StageLayout(format, plan).bytes;
}

/// The kernels there are, by n8 tiles of a warp.
constexpr int kGemmTiles[] = {1, 2, 4, 6, 8, 9};
constexpr int kLeastWgmmaTiles = 6;  ///< Of these, the ones by warpgroups too.
constexpr int kMostWgmmaColumns = 256;  ///< Of a step by warpgroups: with more, a thread would copy every fourth row of x.

/// Floats of an output tile: the same for every division of the warps.
OCTET_BOTH constexpr int tile_floats(int tiles) { return kGemmWarps * panels_of(tiles) * 16 * tiles * 8; }

/// Plans for x of n rows that the device has room for, and the time to expect of each, in bytes through its second-level cache. Few rows: with
/// tiles whole, shared as fine as may pay, and so that every multiprocessor has one block.
struct CostedPlan {
  GemmPlan plan;
  double cost;   ///< Few rows: with what waits for what.
  double bytes;  ///< The same by bytes, tensor cores and steps alone.
  bool usual;    ///< Shared as fine as may pay, by one or two warps along the columns: taken unless another costs clearly less.
};
/// `group`: of the OutputNorm that the product writes, whose groups must be whole in a tile; 0: it writes none.
std::vector<CostedPlan> possible_plans(const Matrix& weights, int n, const PlanDevice& device, int group = 0);
/// The same for all that this call asks for.
std::vector<CostedPlan> possible_plans(const Gemm& call, const PlanDevice& device);

/// The plan that should be fastest, by a count of bytes moved and, for few rows, of what waits for what.
GemmPlan plan_gemm(const Matrix& weights, int n, const PlanDevice& device, int group = 0);

}  // namespace octet::cuda
