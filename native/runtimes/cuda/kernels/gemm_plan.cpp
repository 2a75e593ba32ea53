#include "runtimes/cuda/kernels/gemm_plan.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "runtimes/cuda/kernels/gemm.h"

namespace octet::cuda {
namespace {

constexpr int kMostStages = 8;
constexpr double kClearly = 0.95;  ///< Of the usual plan's cost: what is counted is no more precise.
constexpr int kMostFewColumns = 1024;  ///< Of a step that four or eight warps divide.
constexpr int kLeastSharedUnits = 2;  ///< A warp of a sharer takes at least so many, or the block's start costs more than it brings.

int ceil_div(int a, int b) { return (a + b - 1) / b; }

/// How many blocks one multiprocessor holds, and the stages of each: three to hide latency or as many as a tile has steps, two where there is no
/// room. None where steps of several units leave fewer, or a block alone where registers allow more.
int fit_stages(GemmPlan& plan, WeightFormat format, std::size_t shared_bytes) {
  constexpr std::size_t kReserved = 1024;  // what the system keeps of every block's shared memory
  const auto stage = static_cast<std::size_t>(StageLayout(format, plan).bytes);
  const bool wide = plan.step_units > 1;
  const int least = wide ? std::min(resident_blocks(plan.tiles), 2) : 1, wanted = plan.k_warps > 2 ? std::min(3, plan.steps) : 3;
  for (int resident = resident_blocks(plan.tiles); resident >= least; --resident) {
    const std::size_t room = (shared_bytes + kReserved) / resident - kReserved, header = gemm_header(plan);
    plan.stages = static_cast<int>(std::min<std::size_t>(room > header ? (room - header) / stage : 0, kMostStages));
    if (plan.stages >= (resident == 1 && !wide ? std::min(2, wanted) : wanted)) return resident;
  }
  return 0;
}

int all_tiles(const GemmPlan& plan) { return plan.tiles_down * plan.tiles_across; }
double tile_weights(const GemmPlan& plan, const Matrix& weights) {
  return static_cast<double>(plan.block_rows()) / kUnitRows * units_across(weights.columns) * layout_of(weights.format).unit();
}

/// Blocks to a tile that is shared. A share saves its part of the time to read a tile's weights and costs one more partial tile for one block to
/// add up, which a block alone does about three times as fast as it gets its part of the memory's bandwidth: the best number is the root of
/// the ratio.
int fine_shares(const GemmPlan& plan, const Matrix& weights) {
  const double most = std::ceil(std::sqrt(3 * tile_weights(plan, weights) / (4.0 * plan.block_rows() * plan.block_n())));
  return std::max(1, std::min(static_cast<int>(most), plan.steps / std::max(1, kLeastSharedUnits / plan.step_units)));
}

/// Deals the tiles out: whole rounds, then shares of the rest.
void deal(GemmPlan& plan, int most_blocks, int shares) {
  plan.rounds = all_tiles(plan) / most_blocks;
  plan.blocks = most_blocks;
  plan.sharers = static_cast<int>(std::min<long long>(most_blocks, static_cast<long long>(plan.shared_tiles()) * shares));
  if (plan.rounds == 0) plan.blocks = plan.sharers;
  if (static_cast<long long>(plan.sharers + 1) * (plan.shared_steps() + 1) > 0xffffffffLL)  // share_begin, share_owner
    throw std::invalid_argument("gemm: the matrix has too many columns");
}

/// Steps of the block that has most.
int longest_walk(const GemmPlan& plan) {
  const int shared = plan.sharers > 0 ? ceil_div(plan.shared_steps(), plan.sharers) : 0;
  return plan.rounds * plan.steps + shared;
}

/// Of the multiprocessor that has most, if blocks go round them in turn.
double busiest_steps(const GemmPlan& plan, int multiprocessors) {
  double steps = 0;
  for (int block = 0; block < plan.blocks; block += multiprocessors)
    steps += plan.rounds * plan.steps + (block < plan.sharers ? ceil_div(plan.shared_steps(), plan.sharers) : 0);
  return steps;
}

/// Blocks that give a part of a tile that is shared; 1: none is.
int parts_of_tile(const GemmPlan& plan) {
  const int rest = plan.shared_tiles();
  if (rest == 0 || plan.sharers == rest) return 1;
  return ceil_div(plan.sharers, rest) + (plan.sharers % rest != 0);
}

// What costs time beside bytes, in bytes of the cache that a multiprocessor passes meanwhile (docs/cuda-roofline.md).
constexpr double kBytesOfClock = 20, kBytesOfStep = kGemmWarps * 150 / 4 * kBytesOfClock;  // a warp's instructions beside its units', four a clock

/// What a plan is expected to take, in bytes through the second-level cache.
struct Cost {
  double bytes;  ///< Those that move, with tensor cores and steps turned into such bytes.
  double chain;  ///< Few rows: with unevenness and what waits for what too; else the same.
};

Cost cost(const GemmPlan& plan, const Matrix& weights, int n, int multiprocessors) {
  const double operations_per_byte = plan.wgmma ? 177 : 110;  // tensor cores against the cache, H100; mma.sync gets 62 % of them
  const double columns = weights.columns, rows = static_cast<double>(plan.tiles_down) * plan.block_rows(), tiles = all_tiles(plan);
  const double bytes = tile_weights(plan, weights) * tiles + 2.0 * n * columns * plan.tiles_down;
  const double steps = tiles * plan.steps, operations = 2 * rows * columns * plan.tiles_across * plan.block_n();
  const double work = operations / operations_per_byte + steps * kBytesOfStep;
  const int rest = plan.shared_tiles();
  const double shares = rest > 0 && plan.sharers > rest ? static_cast<double>(plan.sharers) / rest + 1 : 0;
  const double adding = shares * 4 * plan.block_rows() * plan.block_n() * multiprocessors / 2;
  const double few_blocks = plan.rounds > 0 ? 1 : std::max(1.0, multiprocessors / (2.0 * plan.sharers));
  const double all_bytes = (bytes + work) * few_blocks + adding;
  if (n > kFewRows) return {all_bytes, all_bytes};
  // Few rows: the busiest multiprocessor does its work alone but may read twice its part of the bandwidth. A block alone there issues fewer than
  // four instructions a clock: its warps have some 160 a unit, one in two clocks or three. Sharing is trips to the cache: parts, counter, parts.
  constexpr double kStepClocks = 100, kUnitClocks = 300, kTripClocks = 527;  // 0.3 us
  const int walk = longest_walk(plan), parts = parts_of_tile(plan), at_once = std::max(1, 8 / (panels_of(plan.tiles) * plan.tiles));
  const double uneven = std::max(1.0, busiest_steps(plan, multiprocessors) * multiprocessors / steps), trips = parts > 1 ? 2 + ceil_div(parts, at_once) : 0;
  const double clock = kBytesOfClock * multiprocessors, alone = walk * (kStepClocks + plan.step_units * kUnitClocks) * clock;
  return {all_bytes, bytes * std::max(1.0, uneven / 2) + std::max(work * uneven, alone) + adding + trips * kTripClocks * clock};
}

/// The plans of one division of a block's warps.
void list(std::vector<CostedPlan>& plans, GemmPlan plan, const Matrix& weights, int n, const PlanDevice& device) {
  plan.tiles_down = ceil_div(weights.rows, plan.block_rows());
  plan.tiles_across = ceil_div(n, plan.block_n());
  plan.steps = ceil_div(units_across(weights.columns), plan.k_warps * plan.step_units);
  const int resident = fit_stages(plan, weights.format, device.shared_bytes());
  if (resident == 0) return;
  const int most_blocks = device.multiprocessors() * resident, fine = fine_shares(plan, weights), stages = plan.stages;
  std::set<int> sharers;
  const auto add = [&](int shares) {
    plan.stages = stages;
    deal(plan, most_blocks, shares);
    if (!sharers.insert(plan.sharers).second) return;
    if (plan.k_warps > 2) {
      const int walk = longest_walk(plan);
      if (stages < std::min(3, walk)) return;  // one stage cannot be filled anew
      plan.stages = std::min(stages, walk);    // what no step needs is room for the next kernel's blocks
    }
    const Cost expected = cost(plan, weights, n, device.multiprocessors());
    plans.push_back({plan, expected.chain, expected.bytes, shares == fine && plan.k_warps <= 2});
  };
  add(fine);
  if (n > kFewRows) return;
  add(1);
  add(std::clamp(device.multiprocessors() / all_tiles(plan), 1, fine));
}

}  // namespace

std::vector<CostedPlan> possible_plans(const Matrix& weights, int n, const PlanDevice& device, int group) {
  std::vector<CostedPlan> plans;
  for (const int tiles : kGemmTiles) {
    if (n <= kFewRows && tiles != (n <= 8 ? 1 : 2) && (n <= 8 || tiles != 4)) continue;  // 4: twice the rows of W, half as often x
    for (const int n_warps : {1, 2})
      for (const int k_warps : {1, 2, 4, 8})
        for (int step_units = 1; step_units <= most_step_units(weights.format); step_units *= 2) {
          const bool few = n <= kFewRows;
          if (n_warps * k_warps > (few && panels_of(tiles) == 1 ? 8 : 2) || (n_warps == 2 && (few || panels_of(tiles) == 1))) continue;
          GemmPlan plan{.tiles = tiles, .row_warps = kGemmWarps / (n_warps * k_warps), .n_warps = n_warps, .k_warps = k_warps, .step_units = step_units,
                        .wgmma = device.wgmma() && tiles >= kLeastWgmmaTiles};
          if (plan.wgmma && plan.step_columns() > kMostWgmmaColumns) continue;
          // Steps of x as large as those of W or larger are no use.
          if (k_warps > 2 && plan.step_columns() > kMostFewColumns) continue;
          if (k_warps > 2 && step_units > 1 && plan.step_columns() / 2 >= weights.columns) continue;
          if (group == 0 || plan.writes_groups_of(group)) list(plans, plan, weights, n, device);
        }
  }
  return plans;
}

std::vector<CostedPlan> possible_plans(const Gemm& call, const PlanDevice& device) {
  return possible_plans(call.weights, call.n, device, call.next.weight ? call.next.group : 0);
}

GemmPlan plan_gemm(const Matrix& weights, int n, const PlanDevice& device, int group) {
  const std::vector<CostedPlan> plans = possible_plans(weights, n, device, group);
  if (plans.empty()) throw std::runtime_error("The device has too little shared memory for matrix products");
  const auto best = std::min_element(plans.begin(), plans.end(), [](const CostedPlan& a, const CostedPlan& b) { return a.cost < b.cost; });
  const auto usual = std::min_element(plans.begin(), plans.end(), [](const CostedPlan& a, const CostedPlan& b) {
    return a.usual != b.usual ? a.usual : a.bytes < b.bytes;
  });
  return usual->usual && best->cost > kClearly * usual->cost ? usual->plan : best->plan;
}

}  // namespace octet::cuda
