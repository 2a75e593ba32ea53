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
  double at = 0;
  for (const StepEvent& step : heard.steps) {
    CHECK(step.at_ms >= at);
    at = step.at_ms;
    REQUIRE_FALSE(step.lanes.empty());
    for (const LaneEvent& event : step.lanes) {
      REQUIRE(finals[event.lane] == 0);
      finals[event.lane] += event.finish.has_value();
      for (const TextSpan& span : event.text) texts[event.lane] += span.text;
      for (const EmittedToken& token : event.tokens) tokens[event.lane].push_back(token.token);
      CHECK(event.accepted <= event.drafted);
      if (event.finish) CHECK(*event.finish == heard.result.sequences[static_cast<std::size_t>(event.lane)].finish);
    }
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
  }
  CHECK(heard.result.totals.tokens == total);
}

}  // namespace octet::test
