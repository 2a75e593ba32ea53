#include "runtimes/cuda/kernels/gemm_plan.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "runtimes/cuda/kernels/gemm.h"

namespace octet::cuda {
namespace {

constexpr int kMostStages = 8;
constexpr int kLeastSharedUnits = 2;  ///< A warp of a sharer takes at least so many, or the block's start costs more than it brings.

int ceil_div(int a, int b) { return (a + b - 1) / b; }

/// How many blocks one multiprocessor holds, and the stages of each: three to hide latency, two where there is no room. None where steps of
/// several units leave fewer than three, or a block alone where registers allow more.
int fit_stages(GemmPlan& plan, WeightFormat format, std::size_t shared_bytes) {
  constexpr std::size_t kReserved = 1024;  // what the system keeps of every block's shared memory
  const auto stage = static_cast<std::size_t>(StageLayout(format, plan).bytes);
  const bool wide = plan.step_units > 1;
  const int least = wide ? std::min(resident_blocks(plan.tiles), 2) : 1;
  for (int resident = resident_blocks(plan.tiles); resident >= least; --resident) {
    const std::size_t each = (shared_bytes + kReserved) / resident - kReserved - gemm_header(plan);
    plan.stages = static_cast<int>(std::min<std::size_t>(each / stage, kMostStages));
    if (plan.stages >= (resident == 1 && !wide ? 2 : 3)) return resident;
  }
  return 0;
}

/// Deals the tiles out: whole rounds, then shares of the rest. A share saves its part of the time to read a tile's weights
/// and costs one more partial tile for one block to add up, which a block alone does about three times as fast as it gets
/// its part of the memory's bandwidth: the best number of shares is the root of the ratio.
void deal(GemmPlan& plan, const Matrix& weights, int most_blocks) {
  const int all = plan.tiles_down * plan.tiles_across;
  plan.rounds = all / most_blocks;
  plan.blocks = most_blocks;
  const int rest = plan.shared_tiles();
  const double tile_weights = static_cast<double>(plan.block_rows()) / kUnitRows * units_across(weights.columns) * layout_of(weights.format).unit();
  const int most_shares = static_cast<int>(std::ceil(std::sqrt(3 * tile_weights / (4.0 * plan.block_rows() * plan.block_n()))));
  const int shares = std::max(1, std::min(most_shares, plan.steps / std::max(1, kLeastSharedUnits / plan.step_units)));
  plan.sharers = static_cast<int>(std::min<long long>(most_blocks, static_cast<long long>(rest) * shares));
  if (plan.rounds == 0) plan.blocks = plan.sharers;
  if (static_cast<long long>(plan.sharers + 1) * (plan.shared_steps() + 1) > 0xffffffffLL)  // share_begin, share_owner
    throw std::invalid_argument("gemm: the matrix has too many columns");
}

/// Bytes through the second-level cache, with what else takes time turned into such bytes.
double cost(const GemmPlan& plan, const Matrix& weights, int n, int multiprocessors) {
  const double operations_per_byte = plan.wgmma ? 177 : 110;  // tensor cores against the cache, H100; mma.sync gets 62 % of them
  constexpr double kBytesOfStep = kGemmWarps * 150 * 5.0;  // a warp's instructions beside its units'; 20 bytes pass while four are issued
  const double columns = weights.columns, rows = static_cast<double>(plan.tiles_down) * plan.block_rows();
  const double w = rows / kUnitRows * units_across(weights.columns) * layout_of(weights.format).unit();
  const double x = 2.0 * n * columns;
  const double operations = 2 * rows * columns * plan.tiles_across * plan.block_n();
  const double alone = plan.rounds > 0 ? 1 : std::max(1.0, multiprocessors / (2.0 * plan.sharers));
  const int rest = plan.shared_tiles();
  const double shares = rest > 0 && plan.sharers > rest ? static_cast<double>(plan.sharers) / rest + 1 : 0;
  const double adding = shares * 4 * plan.block_rows() * plan.block_n() * multiprocessors / 2;
  const double steps = static_cast<double>(plan.tiles_down) * plan.tiles_across * plan.steps;
  return (w * plan.tiles_across + x * plan.tiles_down + operations / operations_per_byte + steps * kBytesOfStep) * alone + adding;
}

}  // namespace

std::vector<CostedPlan> possible_plans(const Matrix& weights, int n, const PlanDevice& workspace) {
  std::vector<CostedPlan> plans;
  for (const int tiles : kGemmTiles)
    for (const int n_warps : {1, 2})
      for (const int k_warps : {1, 2})
        for (int step_units = 1; step_units <= most_step_units(weights.format); step_units *= 2) {
          if (n_warps * k_warps > 2 || (n_warps == 2 && panels_of(tiles) == 1)) continue;
          GemmPlan plan{.tiles = tiles, .row_warps = kGemmWarps / (n_warps * k_warps), .n_warps = n_warps, .k_warps = k_warps, .step_units = step_units,
                        .wgmma = workspace.wgmma() && tiles >= kLeastWgmmaTiles};
          if (plan.wgmma && plan.step_columns() > kMostWgmmaColumns) continue;
          const int resident = fit_stages(plan, weights.format, workspace.shared_bytes());
          if (resident == 0) continue;
          plan.tiles_down = ceil_div(weights.rows, plan.block_rows());
          plan.tiles_across = ceil_div(n, plan.block_n());
          plan.steps = ceil_div(units_across(weights.columns), k_warps * step_units);
          deal(plan, weights, workspace.multiprocessors() * resident);
          plans.push_back({plan, cost(plan, weights, n, workspace.multiprocessors())});
        }
  return plans;
}

GemmPlan plan_gemm(const Matrix& weights, int n, const PlanDevice& workspace) {
  const std::vector<CostedPlan> plans = possible_plans(weights, n, workspace);
  if (plans.empty()) throw std::runtime_error("The device has too little shared memory for matrix products");
  return std::min_element(plans.begin(), plans.end(), [](const CostedPlan& a, const CostedPlan& b) { return a.cost < b.cost; })->plan;
}

}  // namespace octet::cuda
