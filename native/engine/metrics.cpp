#include "engine/metrics.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace octet {

const char* name(FinishReason reason) {
  constexpr const char* names[] = {"end", "stop", "length", "budget", "cancelled"};
  return names[static_cast<int>(reason)];
}

bool is_finished(FinishReason reason) {
  return reason == FinishReason::kEnd || reason == FinishReason::kStop || reason == FinishReason::kLength;
}

namespace {

void summarise(SequenceResult& sequence, double prefill_ms) {
  if (sequence.tokens.empty()) return;
  const double sum = std::accumulate(sequence.tokens.begin(), sequence.tokens.end(), 0.0,
                                     [](double total, const EmittedToken& token) { return total + token.logprob; });
  const auto count = static_cast<double>(sequence.tokens.size());
  sequence.mean_logprob = sum / count;
  sequence.first_token_ms = sequence.first_token_at_ms;
  sequence.ms_per_token = (sequence.end_at_ms - prefill_ms) / count;
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos; }

void rank(std::vector<SequenceResult>& sequences) {
  std::vector<SequenceResult*> order;
  for (SequenceResult& sequence : sequences) order.push_back(&sequence);
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  std::stable_sort(order.begin(), order.end(), [&](const SequenceResult* a, const SequenceResult* b) {
    if (is_blank(a->text) != is_blank(b->text)) return is_blank(b->text);
    if (is_finished(a->finish) != is_finished(b->finish)) return is_finished(a->finish);
    return a->mean_logprob.value_or(kNone) > b->mean_logprob.value_or(kNone);
  });
  int next = 1;
  for (SequenceResult* sequence : order) sequence->rank = next++;
}

}  // namespace

void summarise(Result& result) {
  Totals& totals = result.totals;
  int lane_steps = 0, written = 0;
  double sum = 0;
  const SequenceResult *first = nullptr, *last = nullptr;
  for (SequenceResult& sequence : result.sequences) {
    summarise(sequence, totals.prefill_ms);
    totals.tokens += static_cast<int>(sequence.tokens.size());
    totals.drafted += sequence.drafted;
    totals.accepted += sequence.accepted;
    lane_steps += sequence.steps;
    totals.decode_ms = std::max(totals.decode_ms, sequence.end_at_ms - totals.prefill_ms);
    if (!sequence.ms_per_token) continue;
    ++written;
    sum += *sequence.ms_per_token;
    if (!first || sequence.end_at_ms < first->end_at_ms) first = &sequence;
    if (!last || sequence.end_at_ms > last->end_at_ms) last = &sequence;
  }
  rank(result.sequences);
  if (totals.drafted > 0) totals.acceptance_rate = static_cast<double>(totals.accepted) / totals.drafted;
  if (lane_steps > 0) totals.tokens_per_step = static_cast<double>(totals.tokens) / lane_steps;
  if (totals.decode_ms > 0 && totals.tokens > 0) totals.tokens_per_second = 1000.0 * totals.tokens / totals.decode_ms;
  if (written > 0) {
    totals.ms_per_token_first = first->ms_per_token;
    totals.ms_per_token_last = last->ms_per_token;
    totals.ms_per_token_all = sum / written;
  }
}

}  // namespace octet
