// How many of the tokens that were looked up each lane drafts, with `auto`.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "engine/cost_model.h"
#include "engine/lookup.h"

namespace octet {

/// Chance that the token behind a match of so many tokens is the next one; recent ones weigh more. A match that came true is one longer for
/// what follows, so that the j-th token behind a match of m has chance(m) * chance(m + 1) * ... * chance(m + j - 1).
class MatchChances {
 public:
  /// `written`: what the lane's step gave where `found` was looked up before it, drafted or not: any place where both have a token teaches,
  /// up to the first that differs: a token that was not drafted would have been accepted if the lane wrote the very one.
  void observe(const Found& found, std::span<const EmittedToken> written);

  double chance(int match) const;  ///< `match`: at least 1.

 private:
  struct Seen {
    double tries = 0, successes = 0;
  };
  std::array<Seen, kLongestMatch> seen_;  // by the match's length, from 1 on
};

constexpr int kMostLookedUp = 16;  ///< Tokens of a lane in a step.

/// Tokens that each of `found` drafts, so that expected tokens per millisecond are the most over `lanes` live lanes, which decode plainly
/// where nothing was found: rows go to the likeliest tokens, whosever they are. Where the device pads rows (RuntimeInfo::pads_rows), all lanes
/// have as many, those that it pays to give the longest draft. Zeros where that promises too little over plain decoding.
std::vector<int> lookup_lengths(std::span<const Found> found, int lanes, bool pads_rows, const CostModel& costs, const MatchChances& chances);

}  // namespace octet
