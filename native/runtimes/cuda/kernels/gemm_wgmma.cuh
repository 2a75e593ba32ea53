// A step's products by warpgroups (device/wgmma.h), for many rows of x: mma.sync gets some 62 % of Hopper's tensor cores, and copies each of
// its fragments of x into registers, which wgmma reads from shared memory itself. A unit's fragments (fragments.cuh) are the rows that a warp
// has of wgmma's left operand, and its sums are those of mma.sync, so that all around it stays.
//
// A warp's panels are a product each, and the tiles of a unit a group. A tile's fragments are made in the registers of the tile before
// the last while the last one's products run: wait_products<1>() says that those are free.
//
// Why a product sees x as it was copied, and no copy hits what one still reads:
//  - cp.async writes as its thread does ("generic proxy"), and is performed once that thread's wait_async has returned. Products read by the
//    asynchronous proxy. show_to_products() (fence.proxy.async) of the thread that copied orders the two; block_sync puts that before
//    every product of the step, in all warps. One fence of another thread would not do: it would have to come behind the barrier.
//  - A product has read x and its registers when it is waited for. All are waited for before their step ends, then comes the
//    next step's block_sync, and only behind it the stage is filled anew: a write by the generic proxy behind reads that have completed,
//    which needs no fence. The same holds for what epilogues write into a stage.
//  - W's units and factors are read by threads, as ever.
#pragma once

#include "runtimes/cuda/device/wgmma.h"
#include "runtimes/cuda/kernels/fragments.cuh"
#include "runtimes/cuda/kernels/gemm_stage.cuh"
#include "runtimes/cuda/kernels/gemm_sums.cuh"

namespace octet::cuda {

/// One step's products onto the warp's sums. The warps of a warpgroup have the same place in x and in the step's columns.
template <WeightFormat kFormat, int kTiles>
OCTET_DEVICE void multiply_step_by_wgmma(const GemmPlan& plan, const StageLayout& layout, const WarpPlace& place, const std::byte* stage,
                                         Sums<kTiles>& sums) {
  constexpr int kPanels = Sums<kTiles>::kPanels, kUnitTiles = kUnitColumns / 16;
  constexpr UnitLayout kUnit = layout_of(kFormat);
  const int lane = warp_lane(), of_step = step_units<kFormat>(plan);
  const int supers = plan.step_supers(), super = place.k * (supers - 1);  // two where the k warps take one each
  // By a shuffle, so that the compiler knows it to be the warp's, and adds to it in the registers that warps share.
  std::uint32_t x = shuffle(
      descriptor_word(shared_address(stage + layout.x + place.k * of_step * layout.x_unit + place.n * kTiles * 8 * kSwizzledRow)), 0);
  const std::byte* w = stage + layout.units + (place.row * kPanels * plan.k_warps + place.k) * of_step * kUnit.unit();  // of the first panel
  LaneUnit<kFormat> units[kPanels];
  OCTET_UNROLL
  for (int i = 0; i < kPanels; ++i)
    units[i].read_factors(stage + layout.supers + ((place.row * kPanels + i) * supers + super) * kUnit.super, lane);
  std::uint32_t a[2][kPanels][4];
  OCTET_UNROLL
  for (int i = 0; i < kPanels; ++i) pin(sums.at[i]);  // or the compiler carries their bits round the loop, with copies that products would wait for
  OCTET_ROLLED
  for (int u = 0; u < of_step; ++u, x += static_cast<unsigned>(layout.x_unit) / 16, w += kUnit.unit()) {
    OCTET_UNROLL
    for (int i = 0; i < kPanels; ++i) units[i].read(w + i * plan.k_warps * of_step * kUnit.unit(), lane);
    OCTET_UNROLL
    for (int tile = 0; tile < kUnitTiles; ++tile) {
      wait_products<1>();
      OCTET_UNROLL
      for (int i = 0; i < kPanels; ++i) {
        units[i].fragment(tile, a[tile % 2][i]);
        pin(a[tile % 2][i]);
      }
      begin_products();
      OCTET_UNROLL
      for (int i = 0; i < kPanels; ++i) multiply_async(sums.at[i], a[tile % 2][i], descriptor_of(x + tile * kNextColumns));
      commit_products();
    }
  }
  wait_products<0>();
  OCTET_UNROLL
  for (int i = 0; i < kPanels; ++i) pin(sums.at[i]);
}

}  // namespace octet::cuda
