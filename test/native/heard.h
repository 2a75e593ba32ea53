// What every request's listener must have heard, whatever happened to the request.
#pragma once

#include <doctest/doctest.h>

#include <map>

#include "collect.h"

namespace octet::test {

/// One final event for each lane that began, the last of that lane; events, joined, are the result.
inline void check_whole(const Heard& heard, int lanes) {
  REQUIRE_FALSE(heard.error);
  REQUIRE(heard.result.sequences.size() == static_cast<std::size_t>(lanes));
  std::map<int, int> finals;
  std::map<int, std::string> texts;
  std::map<int, std::vector<Token>> tokens;
  std::map<int, SequenceResult> sums;
  Totals steps;
  double at = 0;
  for (const StepEvent& step : heard.steps) {
    CHECK(step.at_ms >= at);
    at = step.at_ms;
    REQUIRE_FALSE(step.lanes.empty());
    int longest = 0;
    steps.steps += !step.lanes[0].tokens.empty();  // else lanes were ended between steps
    steps.draft_ms += step.draft_ms;
    steps.verify_ms += step.verify_ms;
    steps.host_ms += step.host_ms;
    for (const LaneEvent& event : step.lanes) {
      REQUIRE(finals[event.lane] == 0);
      finals[event.lane] += event.finish.has_value();
      for (std::size_t i = 0; i < event.text.size(); ++i) {
        CHECK_FALSE(event.text[i].text.empty());
        if (i > 0) CHECK(event.text[i].accepted != event.text[i - 1].accepted);
        texts[event.lane] += event.text[i].text;
      }
      for (const EmittedToken& token : event.tokens) tokens[event.lane].push_back(token.token);
      CHECK(event.accepted <= event.drafted);
      longest = std::max(longest, event.drafted);
      SequenceResult& sum = sums[event.lane];
      sum.drafted += event.drafted;
      sum.accepted += event.accepted;
      if (!event.tokens.empty()) {
        if (sum.steps++ == 0) sum.first_token_at_ms = step.at_ms;
        sum.end_at_ms = step.at_ms;
      }
      if (event.finish) CHECK(*event.finish == heard.result.sequences[static_cast<std::size_t>(event.lane)].finish);
    }
    CHECK(step.draft_length == longest);
  }
  int total = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    const SequenceResult& sequence = heard.result.sequences[static_cast<std::size_t>(lane)];
    CHECK(sequence.lane == lane);
    CHECK(finals[lane] == (heard.steps.empty() ? 0 : 1));
    CHECK(texts[lane] == sequence.text);
    REQUIRE(tokens[lane].size() == sequence.tokens.size());
    for (std::size_t i = 0; i < sequence.tokens.size(); ++i) CHECK(tokens[lane][i] == sequence.tokens[i].token);
    total += static_cast<int>(sequence.tokens.size());
    const SequenceResult& sum = sums[lane];
    CHECK(sequence.steps == sum.steps);
    CHECK(sequence.drafted == sum.drafted);
    CHECK(sequence.accepted == sum.accepted);
    CHECK(sequence.first_token_at_ms == sum.first_token_at_ms);
    CHECK(sequence.end_at_ms == sum.end_at_ms);
  }
  const Totals& totals = heard.result.totals;
  CHECK(totals.tokens == total);
  CHECK(totals.steps == steps.steps);
  CHECK(totals.draft_ms == steps.draft_ms);
  CHECK(totals.verify_ms == steps.verify_ms);
  CHECK(totals.host_ms == steps.host_ms);
  CHECK(totals.prefill_ms <= totals.wall_ms);
  CHECK(at <= totals.wall_ms);
  CHECK(totals.wall_ms < 600'000);
}

}  // namespace octet::test
