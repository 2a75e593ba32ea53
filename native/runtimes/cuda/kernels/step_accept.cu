// Kernel accept_slice: grid (slices, lanes), 256 threads. One warp of every block repeats the lane's accept tests (engine/acceptance.h),
// the block sums its slice's residual and plain mass of the row where they end; the lane's last block draws there, writes the
// lane's tokens and moves it on; the step's last lane counts the step.
// Kernel accept_given, without a draft network: grid (lanes), 64 threads. Every row has its token drawn as plain decoding would; a draft is kept
// where it is that very token.
#include "engine/random.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/kernels/slice_draw.cuh"
#include "runtimes/cuda/kernels/step_tables.h"
#include "runtimes/cuda/kernels/warped_row.cuh"

namespace octet::cuda {
namespace {

constexpr int kThreadTokens = kSliceTokens / kBlockThreads;
constexpr int kGivenThreads = 64;  // one for each token that a lane may gain

struct TokensShared {
  int accepted;
  int ends[kMaxDraftLength + 1];
};
struct AcceptShared {
  BlockExchange exchange;
  TokensShared tokens;
};

// The lane's row where acceptance ends.
struct Ending {
  int accepted;
  WarpedRow p, q;  // q where a draft was rejected
  const float* target_logits;
  const float* draft_logits;
};

OCTET_DEVICE const float* target_row(const StepTables& t, const StepShape& shape, int lane, int j) {
  return t.target_logits + static_cast<std::ptrdiff_t>(lane * (shape.draft_length + 1) + j) * t.target_stride;
}
OCTET_DEVICE const float* draft_row(const StepTables& t, const StepShape& shape, int lane, int j) {
  return t.draft_logits + static_cast<std::ptrdiff_t>(j * shape.lanes + lane) * t.draft_stride;
}

// How many drafts are kept, in every thread: `keeps(j)` is asked by lane j of the first warp.
template <class Keeps>
OCTET_DEVICE int count_accepted(TokensShared& shared, const StepLane& step, const Keeps& keeps) {
  if (warp_index() == 0) {
    const int j = warp_lane();
    const std::uint32_t kept = ballot(j < step.drafts && keeps(j));
    if (j == 0) {
      int accepted = 0;
      while (accepted < step.drafts && (kept >> accepted & 1u)) ++accepted;
      shared.accepted = accepted;
    }
  }
  block_sync();
  return shared.accepted;
}

// What may be drawn at the end: probability of p, and of max(p - q, 0) after a rejection, both in units.
OCTET_DEVICE SliceMass mass_at(const Ending& end, bool rejected, int token) {
  const float p = probability_of(end.p, end.target_logits[token], token);
  float residual = 0;
  if (rejected) {
    const float difference = p - probability_of(end.q, end.draft_logits[token], token);
    residual = difference > 0 ? difference : 0;
  }
  return {probability_units(residual), probability_units(p)};
}

OCTET_DEVICE void count_lane(const StepTables& t, const StepShape& shape, StepOutput& output) {
  fence();
  if (atomic_add(&t.counters->lanes_done, 1) != shape.lanes - 1) return;
  output.bad_logits = t.counters->bad_logits;
  t.counters->bad_logits = 0;
  t.counters->lanes_done = 0;
  ++t.counters->number;
}

OCTET_DEVICE bool is_end(const StepTables& t, Token token) {
  int low = 0, high = t.end_tokens;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (t.end_token[middle] < token) low = middle + 1;
    else high = middle;
  }
  return low < t.end_tokens && t.end_token[low] == token;
}

// Writes the step's tokens, `token` being this thread's, to the output and to the lane's history, and moves the lane on.
OCTET_DEVICE void advance(TokensShared& shared, const StepTables& t, const StepShape& shape, int i, const StepLane& step, int accepted, Token token,
                          StepOutput& output) {
  const int j = thread_x();
  LaneState& lane = t.lane[step.slot];
  StepOutput::Lane& out = output.lane[i];
  if (j <= accepted) shared.ends[j] = lane.ends_at_end && is_end(t, token);
  block_sync();
  int tokens = accepted + 1;
  bool ended = false;
  for (int at = accepted; at >= 0; --at)
    if (shared.ends[at]) {
      tokens = at + 1;
      ended = true;
    }
  if (j < tokens) {
    out.token[j] = token;
    out.logprob[j] = target_row(t, shape, i, j)[token] - t.p[i * (shape.draft_length + 1) + j].log_sum_exp;
    const int at = step.length - lane.prompt_length + j;
    if (at < t.tail_tokens) t.tail[static_cast<std::ptrdiff_t>(step.slot) * t.tail_tokens + at] = token;
  }
  if (j != 0) return;  // what the first thread moves on now none of the others has read here
  out.drafted = step.drafts;
  out.accepted = accepted;
  out.tokens = tokens;
  if (step.drafts > 0 && !t.drafts_given) {
    // The passes cached the lane's tokens and all drafts but the last; what was rejected of them does not count.
    const int fed = step.drafts - 1;
    lane.draft_cached = step.length + (accepted < fed ? accepted : fed);
  }
  lane.length = step.length + tokens;
  lane.room -= tokens;
  lane.ended = ended || lane.room <= 0;
  count_lane(t, shape, output);
}

// Whoever reads the step's number fences before its lane is counted: the last lane's block moves it on.
OCTET_DEVICE StepOutput& output_of_step(const StepTables& t) { return t.output[t.counters->number % kStepRing]; }

OCTET_DEVICE void pass_over(const StepTables& t, const StepShape& shape, int i) {
  StepOutput& output = output_of_step(t);
  output.lane[i].drafted = output.lane[i].accepted = output.lane[i].tokens = 0;
  count_lane(t, shape, output);
}

OCTET_KERNEL_BOUNDS(kBlockThreads, 3) accept_slice(StepTables t, StepShape shape) {
  let_next_start();
  wait_for_previous();
  auto& shared = *reinterpret_cast<AcceptShared*>(shared_memory());
  const int i = block_y(), slices = blocks_x();
  const StepLane step = t.step[i];
  if (step.slot < 0) {
    if (block_x() == 0 && thread_x() == 0) pass_over(t, shape, i);
    return;
  }
  StepOutput& output = output_of_step(t);
  Ending end{.accepted = count_accepted(shared.tokens, step, [&](int j) {
    const LaneState& lane = t.lane[step.slot];
    const int x = t.drafted[j * kMaxLanes + i];
    const float p = probability_of(t.p[i * (shape.draft_length + 1) + j], target_row(t, shape, i, j)[x], x);
    const float q = probability_of(t.q[j * kMaxLanes + i], draft_row(t, shape, i, j)[x], x);
    return product_of(uniform(lane.sampling.seed, lane.stream, static_cast<std::uint32_t>(step.length + j), Use::kAccept), q) < p;
  })};
  const bool rejected = end.accepted < step.drafts;
  end.p = t.p[i * (shape.draft_length + 1) + end.accepted];
  end.target_logits = target_row(t, shape, i, end.accepted);
  if (rejected) {
    end.q = t.q[end.accepted * kMaxLanes + i];
    end.draft_logits = draft_row(t, shape, i, end.accepted);
  }
  SliceMass own{};
  OCTET_UNROLL
  for (int n = 0; n < kThreadTokens; ++n) {
    const int token = block_x() * kSliceTokens + n * kBlockThreads + thread_x();
    if (token >= t.vocabulary) break;
    const SliceMass mass = mass_at(end, rejected, token);
    own.residual += mass.residual;
    own.plain += mass.plain;
  }
  own.plain = block_sum(shared.exchange, own.plain);
  if (rejected) own.residual = block_sum(shared.exchange, own.residual);
  SliceMass* const masses = t.slice_mass + static_cast<std::ptrdiff_t>(i) * slices;
  if (thread_x() == 0) masses[block_x()] = own;
  if (!is_last_block(shared.exchange, t.slices_done + i, slices)) return;

  const bool has_slice = thread_x() < slices;
  const std::uint64_t plain = has_slice ? load_fresh(&masses[thread_x()].plain) : 0;
  const std::uint64_t residual = has_slice && rejected ? load_fresh(&masses[thread_x()].residual) : 0;
  const std::uint64_t residual_total = block_sum(shared.exchange, residual);
  const bool draws_residual = residual_total > 0;
  const std::uint64_t total = draws_residual ? residual_total : block_sum(shared.exchange, plain);
  const LaneState& lane = t.lane[step.slot];
  const float u = uniform(lane.sampling.seed, lane.stream, static_cast<std::uint32_t>(step.length + end.accepted),
                          rejected ? Use::kResidual : Use::kTarget);
  const int drawn = draw_token(shared.exchange, draws_residual ? residual : plain, part_of(total, u), t.vocabulary, [&](int token) {
    const SliceMass mass = mass_at(end, rejected, token);
    return draws_residual ? mass.residual : mass.plain;
  });
  const Token token = thread_x() < end.accepted ? t.drafted[thread_x() * kMaxLanes + i] : drawn;
  advance(shared.tokens, t, shape, i, step, end.accepted, token, output);
}

OCTET_KERNEL accept_given(StepTables t, StepShape shape) {
  let_next_start();
  wait_for_previous();
  auto& shared = *reinterpret_cast<TokensShared*>(shared_memory());
  const int i = block_x();
  const StepLane step = t.step[i];
  if (step.slot < 0) {
    if (thread_x() == 0) pass_over(t, shape, i);
    return;
  }
  StepOutput& output = output_of_step(t);
  const Token* const drawn = t.verify_drawn + i * (shape.draft_length + 1);
  const int accepted = count_accepted(shared, step, [&](int j) { return drawn[j] == t.drafted[j * kMaxLanes + i]; });
  advance(shared, t, shape, i, step, accepted, thread_x() <= accepted ? drawn[thread_x()] : 0, output);
}

}  // namespace

void accept_and_advance(Stream& stream, const StepMemory& memory, const StepShape& shape) {
  const StepTables& t = memory.body().tables;
  const Batch rows = memory.verify_batch(shape);
  warp_rows(stream, memory.body().scratch,
            {.rows = rows.rows(), .vocabulary = t.vocabulary, .logits = t.target_logits, .stride = t.target_stride, .which = t.verify_which,
             .warping = t.warping, .warped = t.p, .log_sum_exp = true, .bad_logits = &t.counters->bad_logits, .uniform = t.verify_uniform,
             .drawn = t.verify_drawn});
  if (t.drafts_given) {
    launch(stream, {.grid = {shape.lanes}, .threads = kGivenThreads, .shared_bytes = sizeof(TokensShared), .overlaps_previous = true}, accept_given, t, shape);
    return;
  }
  launch(stream, {.grid = {(t.vocabulary + kSliceTokens - 1) / kSliceTokens, shape.lanes}, .threads = kBlockThreads,
                  .shared_bytes = sizeof(AcceptShared), .overlaps_previous = true},
         accept_slice, t, shape);
}

}  // namespace octet::cuda
