// Ranking and totals of a finished request against figures worked out by hand.
#include <doctest/doctest.h>

#include "engine/metrics.h"

using namespace octet;
using doctest::Approx;

namespace {

struct Times {
  double first_token = 0, end = 0;
};

SequenceResult sequence(int lane, const std::vector<float>& logprobs, Times times, FinishReason finish) {
  SequenceResult result;
  result.lane = lane;
  for (const float logprob : logprobs) result.tokens.push_back({1, logprob});
  result.first_token_at_ms = times.first_token;
  result.end_at_ms = times.end;
  result.finish = finish;
  if (!logprobs.empty()) result.text = "x";
  return result;
}

std::vector<int> ranks(const Result& result) {
  std::vector<int> ranks;
  for (const SequenceResult& sequence : result.sequences) ranks.push_back(sequence.rank);
  return ranks;
}

}  // namespace

TEST_CASE("milliseconds per token of the first lane to end, of the last, and the mean over all") {
  Result result;
  result.totals.prefill_ms = 100;
  result.sequences = {sequence(0, {-1, -1, -1, -1}, {120, 300}, FinishReason::kLength),
                      sequence(1, {-1, -3}, {120, 160}, FinishReason::kEnd),
                      sequence(2, {-2, -2, -2, -2, -2}, {130, 200}, FinishReason::kStop)};
  for (SequenceResult& s : result.sequences) {
    s.drafted = 10;
    s.accepted = s.lane;
    s.steps = 2;
  }
  summarise(result);

  CHECK(result.sequences[0].ms_per_token == Approx(50));
  CHECK(result.sequences[1].ms_per_token == Approx(30));
  CHECK(result.sequences[2].ms_per_token == Approx(20));
  CHECK(result.sequences[2].first_token_ms == Approx(130));
  const Totals& totals = result.totals;
  CHECK(totals.ms_per_token_first == Approx(30));
  CHECK(totals.ms_per_token_last == Approx(50));
  CHECK(totals.ms_per_token_all == Approx(100.0 / 3));
  CHECK(totals.tokens == 11);
  CHECK(totals.decode_ms == Approx(200));
  CHECK(totals.tokens_per_second == Approx(55));
  CHECK(totals.drafted == 30);
  CHECK(totals.accepted == 3);
  CHECK(totals.acceptance_rate == Approx(0.1));
  CHECK(totals.tokens_per_step == Approx(11.0 / 6));
}

TEST_CASE("finished lanes rank before those cut off, then by mean log-probability") {
  Result result;
  result.sequences = {sequence(0, {-0.1f}, {1, 2}, FinishReason::kBudget),
                      sequence(1, {-3, -1}, {1, 2}, FinishReason::kStop),
                      sequence(2, {-1.5f}, {1, 2}, FinishReason::kLength),
                      sequence(3, {-0.2f, -0.2f}, {1, 2}, FinishReason::kCancelled),
                      sequence(4, {-9}, {1, 2}, FinishReason::kEnd)};
  summarise(result);
  CHECK(ranks(result) == std::vector<int>{4, 2, 1, 5, 3});
  CHECK(*result.sequences[1].mean_logprob == Approx(-2));
}

TEST_CASE("lanes that wrote nothing to see rank last, however likely that was") {
  Result result;
  result.sequences = {sequence(0, {-0.01f}, {1, 2}, FinishReason::kEnd), sequence(1, {-7}, {1, 2}, FinishReason::kCancelled),
                      sequence(2, {-0.1f}, {1, 2}, FinishReason::kStop), sequence(3, {-9}, {1, 2}, FinishReason::kEnd),
                      sequence(4, {-0.02f}, {1, 2}, FinishReason::kBudget)};
  result.sequences[0].text = "";
  result.sequences[2].text = " \n\t\r\n";
  result.sequences[4].text = "\n";
  summarise(result);
  CHECK(ranks(result) == std::vector<int>{3, 2, 4, 1, 5});
}

TEST_CASE("ties rank by lane") {
  Result result;
  for (int lane = 0; lane < 8; ++lane) result.sequences.push_back(sequence(lane, {-1, -2}, {1, 5}, FinishReason::kEnd));
  summarise(result);
  CHECK(ranks(result) == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(result.totals.ms_per_token_first == result.totals.ms_per_token_last);
}

TEST_CASE("a lane without tokens has no figures and ranks last among its like") {
  Result result;
  result.totals.prefill_ms = 10;
  result.sequences = {sequence(0, {}, {}, FinishReason::kCancelled),
                      sequence(1, {-5}, {12, 14}, FinishReason::kCancelled)};
  summarise(result);
  CHECK_FALSE(result.sequences[0].mean_logprob);
  CHECK_FALSE(result.sequences[0].first_token_ms);
  CHECK_FALSE(result.sequences[0].ms_per_token);
  CHECK(ranks(result) == std::vector<int>{2, 1});
}

TEST_CASE("cancelled lanes are neither first nor last to end, and not in the mean") {
  Result result;
  result.totals.prefill_ms = 100;
  result.sequences = {sequence(0, {-1}, {101, 101}, FinishReason::kCancelled), sequence(1, {-1, -1}, {120, 160}, FinishReason::kStop),
                      sequence(2, {-1, -1}, {120, 200}, FinishReason::kBudget), sequence(3, {-1}, {120, 900}, FinishReason::kCancelled),
                      sequence(4, {}, {}, FinishReason::kBudget)};
  summarise(result);
  CHECK(result.totals.ms_per_token_first == Approx(30));
  CHECK(result.totals.ms_per_token_last == Approx(50));
  CHECK(result.totals.ms_per_token_all == Approx(40));
  CHECK(result.totals.tokens == 6);
  CHECK(result.totals.decode_ms == Approx(800));
}

TEST_CASE("where every lane was cancelled none is first to end, and the mean is over those that wrote") {
  Result result;
  result.totals.prefill_ms = 10;
  result.sequences = {sequence(0, {-1}, {12, 14}, FinishReason::kCancelled), sequence(1, {}, {}, FinishReason::kCancelled),
                      sequence(2, {-1, -1}, {12, 22}, FinishReason::kCancelled)};
  summarise(result);
  CHECK_FALSE(result.totals.ms_per_token_first);
  CHECK_FALSE(result.totals.ms_per_token_last);
  CHECK(result.totals.ms_per_token_all == Approx(5));
}

TEST_CASE("no tokens at all: nothing is divided by nothing") {
  Result result;
  result.totals.prefill_ms = 10;
  for (int lane = 0; lane < 3; ++lane) result.sequences.push_back(sequence(lane, {}, {}, FinishReason::kBudget));
  summarise(result);
  CHECK(ranks(result) == std::vector<int>{1, 2, 3});
  const Totals& totals = result.totals;
  CHECK(totals.decode_ms == 0);
  for (const auto& figure : {totals.acceptance_rate, totals.tokens_per_step, totals.tokens_per_second,
                             totals.ms_per_token_first, totals.ms_per_token_last, totals.ms_per_token_all})
    CHECK_FALSE(figure);

  Result none;
  summarise(none);
  CHECK_FALSE(none.totals.tokens_per_second);
}

TEST_CASE("names of the ends") {
  CHECK(std::string(name(FinishReason::kEnd)) == "end");
  CHECK(std::string(name(FinishReason::kStop)) == "stop");
  CHECK(std::string(name(FinishReason::kLength)) == "length");
  CHECK(std::string(name(FinishReason::kBudget)) == "budget");
  CHECK(std::string(name(FinishReason::kCancelled)) == "cancelled");
  for (const auto reason : {FinishReason::kEnd, FinishReason::kStop, FinishReason::kLength}) CHECK(is_finished(reason));
  for (const auto reason : {FinishReason::kBudget, FinishReason::kCancelled}) CHECK_FALSE(is_finished(reason));
}
