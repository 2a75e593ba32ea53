// Kernel measure_slice: grid (slices, rows), 256 threads, 4,096 logits a block read once (16 KiB), up to 4 KiB of bins written.
#include "runtimes/cuda/kernels/warp_measure.cuh"

#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/warp_launches.h"

namespace octet::cuda {
namespace {

OCTET_DEVICE void finish_row(MeasureShared& shared, const WarpRows& call, const WarpScratch::View& scratch, int row,
                             const Warping& warping) {
  const WarpScratch::Slice* const slices = scratch.slice + static_cast<std::size_t>(row) * scratch.slices;
  const int mine = thread_x();
  const std::uint64_t own_best = mine < scratch.slices ? load_fresh(&slices[mine].best) : 0;
  const std::uint64_t best =
      across_block(shared.exchange, own_best, [](std::uint64_t a, std::uint64_t b) { return a > b ? a : b; });
  const float max = largest_of(best);
  const bool bad = best == kBadSlice || !(max >= kLowestFloat);
  WarpScratch::Search search{.start = 0, .end = 0, .cutoff = kLowestFloat, .best_token = bad ? 0 : token_of(best),
                             .done = bad || warping.greedy, .limits_count = false};
  WarpedRow warped{.max = 0, .scale = 1, .inverse_mass = 0, .last_logit = bits_to_float(0x7f800000u), .last_token = -1};
  if (bad) {
    if (mine == 0) *call.bad_logits = 1;
  } else {
    warped = {.max = max, .scale = warping.scale, .inverse_mass = 1, .last_logit = max, .last_token = search.best_token};
    const float own_max = largest_of(own_best);
    const bool finite = mine < scratch.slices && own_max >= kLowestFloat;
    if (call.log_sum_exp) {
      const double term = finite ? static_cast<double>(load_fresh(&slices[mine].unwarped)) * exp2_of((own_max - max) * kLog2E) : 0.0;
      const double sum = block_sum(shared.exchange, term);
      if (mine == 0) warped.log_sum_exp = static_cast<float>(static_cast<double>(max) + log(sum));
    }
    if (!warping.greedy) {
      const float drop = finite ? depth_of(max, warping.scale, own_max) : bits_to_float(0x7f800000u);
      shared.drop[mine] = drop;
      shared.factor[mine] = weight_at(drop);
      block_sync();
      search.cutoff = rounded_up(static_cast<double>(max) + warping.min_p_offset);
      bracket(shared, warping, scratch, row, search);
      if (depth_of(max, warping.scale, search.cutoff) + kDepthSlack < search.start) search.start = search.end = bits_to_float(0x7f800000u);
    }
  }
  if (mine == 0) {
    scratch.search[row] = search;
    call.warped[row] = warped;
  }
}

OCTET_KERNEL_BOUNDS(kBlockThreads, 4) measure_slice(WarpRows call, WarpScratch::View scratch) {
  let_next_start();
  wait_for_previous();
  const int row = block_y(), slice = block_x(), which = call.which[row];
  if (which < 0) return;
  auto& shared = *reinterpret_cast<MeasureShared*>(shared_memory());
  const Warping warping = call.warping[which];
  float x[kThreadTokens];
  const std::uint64_t best = load_slice(shared.exchange, call.logits + row * call.stride, slice * kSliceTokens, call.vocabulary, x);
  const float max = largest_of(best);
  const bool finite = best != kBadSlice && max >= kLowestFloat;
  const std::size_t at = static_cast<std::size_t>(row) * scratch.slices + slice;
  const bool bins_mass = !warping.greedy && warping.top_p < 1, bins_count = !warping.greedy && warping.top_k > 0;
  if (finite && (bins_mass || bins_count)) {
    for (int bin = thread_x(); bin < kDepthBins; bin += kBlockThreads) shared.mass[bin] = shared.count[bin] = 0;
    block_sync();
    OCTET_UNROLL
    for (int i = 0; i < kThreadTokens; ++i) {
      const float depth = depth_of(max, warping.scale, x[i]);
      if (!(depth <= kDeepest)) continue;
      const int bin = static_cast<int>(depth * kBinsAnOctave), octave = bin / kBinsAnOctave;
      // In units of 2^-18 of twice the octave's least weight: at most 2^19 a token.
      const float units = exp2_of(static_cast<float>(octave + 1) - depth) * 0x1p18f;
      if (bins_mass) atomic_add(&shared.mass[bin], static_cast<std::uint32_t>(units + 0.5f));
      if (bins_count) atomic_add(&shared.count[bin], 1u);
    }
    block_sync();
  }
  if (bins_mass || bins_count)
    for (int bin = thread_x(); bin < kDepthBins; bin += kBlockThreads) {
      if (bins_mass) scratch.mass[at * kDepthBins + bin] = finite ? shared.mass[bin] : 0;
      if (bins_count) scratch.count[at * kDepthBins + bin] = finite ? shared.count[bin] : 0;
    }
  float unwarped = 0;
  if (call.log_sum_exp && finite) {
    OCTET_UNROLL
    for (int i = 0; i < kThreadTokens; ++i) unwarped += exp2_of((x[i] - max) * kLog2E);
    unwarped = block_sum(shared.exchange, unwarped);
  }
  if (thread_x() == 0) {
    scratch.slice[at].best = best;
    scratch.slice[at].unwarped = unwarped;
  }
  if (is_last_block(shared.exchange, scratch.arrived + row, scratch.slices)) finish_row(shared, call, scratch, row, warping);
}

}  // namespace

void measure_rows(Stream& stream, const WarpScratch& scratch, const WarpRows& call) {
  launch(stream,
         {.grid = {scratch.view().slices, call.rows}, .threads = kBlockThreads, .shared_bytes = sizeof(MeasureShared), .overlaps_previous = true},
         measure_slice, call, scratch.view());
}

}  // namespace octet::cuda
