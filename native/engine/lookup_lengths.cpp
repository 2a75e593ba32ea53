// Rows for the likeliest of what was looked up.
#include "engine/lookup_lengths.h"

#include <algorithm>

namespace octet {
namespace {

constexpr int kTrialLength = 3;
constexpr double kMargin = 1.02;  // drafts must promise this much more than plain decoding

// Before anything was seen: what source files in Python, TypeScript and C++ are continued by, looked up in themselves.
constexpr std::array<double, kLongestMatch> kHoped = {0.35, 0.5,  0.5,  0.6,  0.6,  0.65, 0.7,  0.7,
                                                      0.75, 0.75, 0.75, 0.8,  0.8,  0.8,  0.85, 0.9};

std::size_t index_of(int match) { return static_cast<std::size_t>(std::clamp(match, 1, kLongestMatch) - 1); }

// A token that a lane may draft, if all before it are.
struct Candidate {
  double chance;  // that it is accepted
  std::size_t lane;
  int at;  // in the lane's draft
};

std::vector<Candidate> candidates_of(std::span<const Found> found, const MatchChances& chances) {
  std::vector<Candidate> candidates;
  for (std::size_t lane = 0; lane < found.size(); ++lane) {
    double chance = 1;
    for (std::size_t i = 0; i < found[lane].tokens.size(); ++i)
      candidates.push_back({chance *= chances.chance(found[lane].match + static_cast<int>(i)), lane, static_cast<int>(i)});
  }
  return candidates;
}

// The best of several choices, the first being to decode plainly.
class Best {
 public:
  Best(int lanes, const CostModel& costs) : costs_(costs), rate_(kMargin * lanes / costs.verify_ms(lanes)) {}
  bool improves(double tokens, int rows) {
    const double rate = tokens / costs_.verify_ms(rows);
    if (rate <= rate_) return false;
    rate_ = rate;
    return true;
  }

 private:
  const CostModel& costs_;
  double rate_;  // tokens per millisecond
};

}  // namespace

void MatchChances::observe(const Found& found, std::span<const EmittedToken> written) {
  constexpr double kKeep = 1 - 1.0 / 256;
  const std::size_t both = std::min(found.tokens.size(), written.size());
  for (std::size_t i = 0; i < both; ++i) {
    const bool is_next = written[i].token == found.tokens[i];
    Seen& seen = seen_[index_of(found.match + static_cast<int>(i))];
    seen.tries = seen.tries * kKeep + 1;
    seen.successes = seen.successes * kKeep + (is_next ? 1 : 0);
    if (!is_next) return;
  }
}

double MatchChances::chance(int match) const {
  constexpr double kPrior = 8;  // tries' worth of hope
  const std::size_t at = index_of(match);
  return (seen_[at].successes + kPrior * kHoped[at]) / (seen_[at].tries + kPrior);
}

std::vector<int> lookup_lengths(std::span<const Found> found, int lanes, bool pads_rows, const CostModel& costs, const MatchChances& chances) {
  std::vector<int> lengths(found.size());
  if (!costs.knows_verify()) return lengths;
  if (!costs.knows_rows()) {  // what a row more costs is not known until there was one
    for (std::size_t lane = 0; lane < found.size(); ++lane) lengths[lane] = std::min(kTrialLength, static_cast<int>(found[lane].tokens.size()));
    return lengths;
  }
  // Padded, what is behind the longest draft costs nothing more: those nearest come first; else the likeliest.
  std::vector<Candidate> candidates = candidates_of(found, chances);
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) { return pads_rows ? a.at < b.at : a.chance > b.chance; });
  Best best(lanes, costs);
  double tokens = lanes;
  std::size_t chosen = 0;
  for (std::size_t taken = 1; taken <= candidates.size(); ++taken) {
    tokens += candidates[taken - 1].chance;
    const int rows = pads_rows ? lanes * (candidates[taken - 1].at + 2) : lanes + static_cast<int>(taken);
    if (best.improves(tokens, rows)) chosen = taken;
  }
  for (std::size_t i = 0; i < chosen; ++i) ++lengths[candidates[i].lane];
  return lengths;
}

}  // namespace octet
