// Kernel settle_slice, the second launch of a warp: grid (slices, rows), 256 threads, 4,096 logits a block read once (16 KiB). Every
// block sums the exact weights of its tokens above the search and lists those within; the row's last block finds the last place
// among them, adds up what is kept, and draws.
#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/place_search.cuh"
#include "runtimes/cuda/kernels/slice_draw.cuh"
#include "runtimes/cuda/kernels/warp_launches.h"
#include "runtimes/cuda/kernels/warped_row.cuh"

namespace octet::cuda {
namespace {

constexpr int kThreadTokens = kSliceTokens / kBlockThreads;

struct SettleShared {
  BlockExchange exchange;
  PlaceShared place;
  std::uint64_t kept[kMostSlices];
  int base;
};

OCTET_DEVICE bool sought(const WarpScratch::Search& search, float depth) {
  return depth >= search.start && depth < search.end && depth <= kDeepest;
}

OCTET_DEVICE void draw_to(const WarpRows& call, int row, int token) {
  call.drawn[row] = token;
  if (call.drawn_too) call.drawn_too[row * call.too_stride] = token;
}

// Weights of the slice above the search, and its tokens within to the row's list.
OCTET_DEVICE void sum_slice(SettleShared& shared, const WarpRows& call, const WarpScratch::View& scratch, int row,
                            const WarpScratch::Search& search, const WarpedRow& warped, float top_p) {
  const float* const logits = call.logits + row * call.stride;
  const bool searching = search.start < bits_to_float(0x7f800000u);
  const int first = block_x() * kSliceTokens + thread_x();
  float x[kThreadTokens];
  OCTET_UNROLL
  for (int i = 0; i < kThreadTokens; ++i) {
    const int token = first + i * kBlockThreads;
    x[i] = token < call.vocabulary ? logits[token] : bits_to_float(0xff800000u);
  }
  std::uint64_t all = 0, above = 0, kept = 0;
  int above_count = 0, candidates = 0;
  OCTET_UNROLL
  for (int i = 0; i < kThreadTokens; ++i) {
    const float depth = depth_of(warped.max, warped.scale, x[i]);
    const std::uint64_t units = weight_units(weight_at(depth));
    all += units;
    if (depth < search.start) {
      above += units;
      ++above_count;
      kept += x[i] >= search.cutoff ? units : 0;
    }
    candidates += sought(search, depth);
  }
  WarpScratch::Slice& slice = scratch.slice[static_cast<std::size_t>(row) * scratch.slices + block_x()];
  kept = block_sum(shared.exchange, kept);
  if (searching) {
    above = block_sum(shared.exchange, above);
    above_count = block_sum(shared.exchange, above_count);
    if (top_p < 1 && !search.limits_count) all = block_sum(shared.exchange, all);
    int listed;
    int at = sum_before(shared.exchange, candidates, listed);
    if (listed > 0) {
      if (thread_x() == 0) shared.base = atomic_add(scratch.listed + row, listed);
      block_sync();
      at += shared.base;
      std::uint64_t* const list = scratch.candidate + static_cast<std::size_t>(row) * scratch.candidates_a_row;
      OCTET_UNROLL
      for (int i = 0; i < kThreadTokens; ++i)
        if (sought(search, depth_of(warped.max, warped.scale, x[i]))) {
          if (at < scratch.candidates_a_row) list[at] = static_cast<std::uint64_t>(first + i * kBlockThreads) << 32 | float_to_bits(x[i]);
          ++at;
        }
    }
  }
  if (thread_x() == 0) {
    slice.all = all;
    slice.above = above;
    slice.kept = kept;
    slice.above_count = above_count;
  }
}

OCTET_DEVICE void settle_row(SettleShared& shared, const WarpRows& call, const WarpScratch::View& scratch, int row,
                             const WarpScratch::Search& search, WarpedRow warped, const Warping& warping) {
  const float* const logits = call.logits + row * call.stride;
  const WarpScratch::Slice* const slices = scratch.slice + static_cast<std::size_t>(row) * scratch.slices;
  const int mine = thread_x();
  const bool has_slice = mine < scratch.slices;
  shared.kept[mine] = has_slice ? load_fresh(&slices[mine].kept) : 0;
  warped.last_logit = kLowestFloat;
  warped.last_token = kLastToken;
  const bool searching = search.start < bits_to_float(0x7f800000u);
  const int listed = searching ? load_fresh(scratch.listed + row) : 0;
  const bool fits = listed <= scratch.candidates_a_row;
  const std::uint64_t* const list = scratch.candidate + static_cast<std::size_t>(row) * scratch.candidates_a_row;
  const auto visit_tokens = [&](auto use) {
    if (fits) {
      for (int i = mine; i < listed; i += kBlockThreads) {
        const std::uint64_t entry = load_fresh(list + i);
        use(bits_to_float(static_cast<std::uint32_t>(entry)), static_cast<int>(entry >> 32));
      }
    } else {
      for (int token = mine; token < call.vocabulary; token += kBlockThreads)
        if (sought(search, depth_of(warped.max, warped.scale, logits[token]))) use(logits[token], token);
    }
  };
  const auto units_of = [&](float logit) { return weight_units(weight_at(depth_of(warped.max, warped.scale, logit))); };
  // The place at which a sum over candidates up to `limit` reaches `wanted`.
  const auto place = [&](std::uint64_t wanted, std::uint64_t limit, auto amount_of) {
    if (listed > kBlockThreads)
      return find_place(shared.exchange, shared.place, wanted, limit, [&](auto use) {
        visit_tokens([&](float logit, int token) { use(place_key(logit, token), amount_of(logit)); });
      });
    std::uint64_t key = 0, amount = 0;
    visit_tokens([&](float logit, int token) {
      key = place_key(logit, token);
      amount = amount_of(logit);
    });
    return find_place_of_few(shared.place, listed, key, amount, wanted, limit);
  };
  if (listed > 0) {
    const std::uint64_t above = block_sum(shared.exchange, has_slice ? load_fresh(&slices[mine].above) : 0);
    std::uint64_t last = kNoPlace, total = 0;
    if (search.limits_count) {
      const int above_count = block_sum(shared.exchange, has_slice ? load_fresh(&slices[mine].above_count) : 0);
      const int wanted = warping.top_k - above_count;
      last = place(static_cast<std::uint64_t>(wanted > 1 ? wanted : 1), kNoPlace, [](float) { return std::uint64_t{1}; });
    }
    if (warping.top_p < 1) {
      if (search.limits_count) {
        std::uint64_t among = 0;
        visit_tokens([&](float logit, int token) { among += place_key(logit, token) <= last ? units_of(logit) : 0; });
        total = above + block_sum(shared.exchange, among);
      } else {
        total = block_sum(shared.exchange, has_slice ? load_fresh(&slices[mine].all) : 0);
      }
      const double exact = static_cast<double>(warping.top_p) * static_cast<double>(total);
      std::uint64_t wanted = static_cast<std::uint64_t>(exact);
      wanted += static_cast<double>(wanted) < exact;
      wanted = wanted > above ? wanted - above : 1;
      last = place(wanted, last, units_of);
    }
    warped.last_logit = logit_of_key(last);
    warped.last_token = token_of_key(last);
  }
  if (search.cutoff > warped.last_logit) {
    warped.last_logit = search.cutoff;
    warped.last_token = kLastToken;
  }
  block_sync();
  visit_tokens([&](float logit, int token) {
    if (keeps(warped.last_logit, warped.last_token, logit, token)) atomic_add(&shared.kept[token / kSliceTokens], units_of(logit));
  });
  block_sync();
  const std::uint64_t slice_kept = shared.kept[mine];
  const std::uint64_t kept = block_sum(shared.exchange, slice_kept);
  warped.inverse_mass = static_cast<float>(0x1p44 / static_cast<double>(kept));
  if (mine == 0) {
    call.warped[row] = warped;
    scratch.listed[row] = 0;
  }
  if (!call.uniform) return;
  const int token = draw_token(shared.exchange, slice_kept, part_of(kept, call.uniform[row]), call.vocabulary, [&](int at) {
    return keeps(warped.last_logit, warped.last_token, logits[at], at) ? units_of(logits[at]) : std::uint64_t{0};
  });
  if (mine == 0) draw_to(call, row, token);
}

OCTET_KERNEL_BOUNDS(kBlockThreads, 2) settle_slice(WarpRows call, WarpScratch::View scratch) {
  let_next_start();
  wait_for_previous();
  const int row = block_y(), which = call.which[row];
  if (which < 0) return;
  auto& shared = *reinterpret_cast<SettleShared*>(shared_memory());
  const WarpScratch::Search search = scratch.search[row];
  if (search.done) {
    if (call.uniform && block_x() == 0 && thread_x() == 0) draw_to(call, row, search.best_token);
    return;
  }
  const Warping warping = call.warping[which];
  const WarpedRow warped = call.warped[row];
  sum_slice(shared, call, scratch, row, search, warped, warping.top_p);
  if (is_last_block(shared.exchange, scratch.arrived + row, scratch.slices)) settle_row(shared, call, scratch, row, search, warped, warping);
}

}  // namespace

void settle_rows(Stream& stream, const WarpScratch& scratch, const WarpRows& call) {
  launch(stream,
         {.grid = {scratch.view().slices, call.rows}, .threads = kBlockThreads, .shared_bytes = sizeof(SettleShared), .overlaps_previous = true},
         settle_slice, call, scratch.view());
}

void warp_rows(Stream& stream, const WarpScratch& scratch, const WarpRows& call) {
  measure_rows(stream, scratch, call);
  settle_rows(stream, scratch, call);
}

}  // namespace octet::cuda
