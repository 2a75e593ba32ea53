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

void add_speeds(Totals& totals, const std::vector<SequenceResult>& sequences) {
  std::vector<const SequenceResult*> wrote, ended;
  for (const SequenceResult& sequence : sequences) {
    if (!sequence.ms_per_token) continue;
    wrote.push_back(&sequence);
    if (sequence.finish != FinishReason::kCancelled) ended.push_back(&sequence);
  }
  if (wrote.empty()) return;
  const auto& measured = ended.empty() ? wrote : ended;
  const double sum = std::accumulate(measured.begin(), measured.end(), 0.0,
                                     [](double total, const SequenceResult* sequence) { return total + *sequence->ms_per_token; });
  totals.ms_per_token_all = sum / static_cast<double>(measured.size());
  if (ended.empty()) return;
  const auto earlier = [](const SequenceResult* a, const SequenceResult* b) { return a->end_at_ms < b->end_at_ms; };
  totals.ms_per_token_first = (*std::min_element(ended.begin(), ended.end(), earlier))->ms_per_token;
  totals.ms_per_token_last = (*std::max_element(ended.begin(), ended.end(), earlier))->ms_per_token;
}

}  // namespace

void summarise(Result& result) {
  Totals& totals = result.totals;
  int lane_steps = 0;
  for (SequenceResult& sequence : result.sequences) {
    summarise(sequence, totals.prefill_ms);
    totals.tokens += static_cast<int>(sequence.tokens.size());
    totals.drafted += sequence.drafted;
    totals.accepted += sequence.accepted;
    lane_steps += sequence.steps;
    totals.decode_ms = std::max(totals.decode_ms, sequence.end_at_ms - totals.prefill_ms);
  }
  add_speeds(totals, result.sequences);
  rank(result.sequences);
  if (totals.drafted > 0) totals.acceptance_rate = static_cast<double>(totals.accepted) / totals.drafted;
  if (lane_steps > 0) totals.tokens_per_step = static_cast<double>(totals.tokens) / lane_steps;
  if (totals.decode_ms > 0 && totals.tokens > 0) totals.tokens_per_second = 1000.0 * totals.tokens / totals.decode_ms;
}

}  // namespace octet
