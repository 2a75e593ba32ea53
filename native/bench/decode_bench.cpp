#include "bench/decode_bench.h"

#include <algorithm>
#include <chrono>
#include <future>

#include "bench/interrupt.h"
#include "runtimes/cuda/device/calls.h"

namespace octet::bench {
namespace {

// What happened in a request's steps: summed on the engine's thread, read once it has finished.
struct Heard {
  std::promise<Result> result;
  double bytes = 0, operations = 0, draft_lengths = 0;
  int steps = 0;
  std::vector<cuda::DeviceCalls> calls;  // so far, at the end of each step
};

class Counter final : public Listener {
 public:
  Counter(std::shared_ptr<Heard> heard, const DecodeCase& decode, const PairCost& cost)
      : heard_(std::move(heard)), cost_(cost), lanes_(decode.batch), prompt_(static_cast<double>(decode.prompt.size())) {}

  void on_prefill(const PrefillEvent&) override {}
  void on_step(StepEvent&& event) override {
    const auto lanes = static_cast<double>(event.lanes.size());
    ++heard_->steps;
    heard_->calls.push_back(cuda::device_calls());
    heard_->draft_lengths += event.draft_length;
    const double tail = written_ / lanes_;  // of all lanes, on average
    heard_->bytes += cost_.target.bytes(prompt_, tail, lanes) + event.draft_length * cost_.draft.bytes(prompt_, tail, lanes);
    for (const LaneEvent& lane : event.lanes) {
      heard_->operations += (lane.drafted + 1) * cost_.target.operations_per_row + lane.drafted * cost_.draft.operations_per_row;
      written_ += static_cast<double>(lane.tokens.size());
    }
  }
  void on_finish(Result&& result) override { heard_->result.set_value(std::move(result)); }
  void on_error(const Error& error) override { heard_->result.set_exception(std::make_exception_ptr(std::runtime_error(error.what()))); }

 private:
  std::shared_ptr<Heard> heard_;
  PairCost cost_;
  double lanes_, prompt_, written_ = 0;
};

// A call's count per step over the middle half of the steps.
std::optional<double> per_step(const std::vector<cuda::DeviceCalls>& calls, std::uint64_t cuda::DeviceCalls::*kind) {
  if (calls.size() < 4) return std::nullopt;
  const std::size_t first = calls.size() / 4, last = calls.size() - 1 - first;
  return static_cast<double>(calls[last].*kind - calls[first].*kind) / static_cast<double>(last - first);
}

}  // namespace

DecodeFigures decode_once(Engine& engine, const DecodeCase& decode, const PairCost& cost) {
  const auto heard = std::make_shared<Heard>();
  std::future<Result> finished = heard->result.get_future();
  Request request;
  request.prompt.assign(decode.prompt.begin(), decode.prompt.end());
  request.lanes = decode.batch;
  request.max_new_tokens = decode.tokens;
  request.sampling = decode.sampling;
  request.ignore_end = true;
  request.draft_length = decode.draft_length;
  const Engine::RequestId id = engine.submit(std::move(request), std::make_unique<Counter>(heard, decode, cost));
  while (finished.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready)
    if (interrupted()) engine.cancel(id);
  const Result result = finished.get();
  check_interrupt();
  const Totals& totals = result.totals;
  if (!totals.ms_per_token_first || totals.decode_ms <= 0) throw std::runtime_error("the engine wrote nothing");
  const double seconds = totals.decode_ms / 1e3;
  return {.ms_per_step = totals.decode_ms / totals.steps,
          .ms_per_token_first = totals.ms_per_token_first.value(),
          .ms_per_token_last = totals.ms_per_token_last.value(),
          .ms_per_token_all = totals.ms_per_token_all.value(),
          .tokens_per_second = totals.tokens_per_second.value(),
          .tokens_per_step = totals.tokens_per_step.value(),
          .acceptance = totals.acceptance_rate,
          .draft_length = heard->draft_lengths / heard->steps,
          .gb_per_s = heard->bytes / seconds / 1e9,
          .flops = heard->operations / seconds,
          .flops_of_written = totals.tokens * cost.target.operations_per_row / seconds,
          .launches_per_step = per_step(heard->calls, &cuda::DeviceCalls::launches),
          .graphs_per_step = per_step(heard->calls, &cuda::DeviceCalls::graphs),
          .waits_per_step = per_step(heard->calls, &cuda::DeviceCalls::waits)};
}

DecodeFigures middle_of(std::vector<DecodeFigures> runs) {
  const auto middle = runs.begin() + static_cast<std::ptrdiff_t>(runs.size() / 2);
  std::nth_element(runs.begin(), middle, runs.end(), [](const auto& a, const auto& b) { return a.ms_per_token_all < b.ms_per_token_all; });
  return *middle;
}

double over_regular(const DecodeFigures& run, const DecodeFigures& regular) { return regular.ms_per_token_all / run.ms_per_token_all; }

std::vector<DecodeFigures> in_turn(std::size_t policies, int repeats, const std::function<DecodeFigures(std::size_t, int)>& decode) {
  std::vector<std::vector<DecodeFigures>> runs(policies);
  for (int round = 0; round <= repeats; ++round) {
    for (std::size_t i = 0; i < policies; ++i) {
      const DecodeFigures figures = decode(i, round);
      if (round > 0) runs[i].push_back(figures);
    }
  }
  std::vector<DecodeFigures> rows;
  for (std::vector<DecodeFigures>& of_one : runs) rows.push_back(middle_of(std::move(of_one)));
  return rows;
}

}  // namespace octet::bench
