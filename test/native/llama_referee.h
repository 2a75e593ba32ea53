// Holds what an engine's lanes have written against plain decoding, and what several requests do together.
#pragma once

#include <doctest/doctest.h>

#include <set>

#include "heard.h"
#include "llama_walk.h"

namespace octet::llama {

// Where a lane's cells lie changes the order of sums. In float32 that moves a log-probability by up to 4e-6 on the
// starter pair; tokens closer to each other than this tie, and either is right.
inline constexpr double kTie = 1e-4;

/// Holds finished lanes against plain decoding with models and caches of their own.
class Referee {
 public:
  explicit Referee(double tie = kTie)
      : tie_(tie), pair_(load_pair(exact_options(float_copy(kTargetFile), float_copy(kDraftFile)))) {}
  ~Referee() {
    MESSAGE(tokens_ << " tokens, " << ties_ << " ties within rounding, " << drafts_
                    << " drafts checked, log-probabilities within " << apart_);
  }

  /// Temperature 0: each token is the target's best, each draft ended where the draft's best was not the target's.
  void check_greedy(const Request& request, const Heard& heard) {
    octet::test::check_whole(heard, request.lanes);
    for (const SequenceResult& sequence : heard.result.sequences) {
      const auto& target = walked(*pair_.target, target_, request.prompt, sequence.tokens);
      const auto& draft = walked(*pair_.draft, draft_, request.prompt, sequence.tokens);
      for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
        const Token token = sequence.tokens[i].token;
        note_logprob(sequence.tokens[i].logprob, target[i].logprob);
        ++tokens_;
        if (token == target[i].best) continue;
        ++ties_;
        INFO("lane ", sequence.lane, ", token ", i, ": ", token, " is ", target[i].gap, " below ", target[i].best);
        CHECK(target[i].gap < tie_);
      }
      check_drafts(heard, sequence, target, draft);
    }
    CHECK(ties_ <= 3);
  }

  /// Any temperature: each log-probability is the target's after exactly the tokens before it.
  void check_logprobs(const Request& request, const Heard& heard) {
    octet::test::check_whole(heard, request.lanes);
    for (const SequenceResult& sequence : heard.result.sequences) {
      const auto& target = walked(*pair_.target, target_, request.prompt, sequence.tokens);
      for (std::size_t i = 0; i < sequence.tokens.size(); ++i)
        note_logprob(sequence.tokens[i].logprob, target[i].logprob);
      tokens_ += static_cast<int>(sequence.tokens.size());
    }
  }

 private:
  using Known = std::map<std::pair<std::vector<Token>, std::vector<Token>>, std::vector<Walked>>;

  const std::vector<Walked>& walked(LogitsModel& model, Known& known, const std::vector<Token>& prompt,
                                    const std::vector<EmittedToken>& tokens) {
    std::vector<Token> ids;
    for (const EmittedToken& token : tokens) ids.push_back(token.token);
    auto [it, fresh] = known.try_emplace({prompt, ids});
    if (fresh) it->second = walk(model, pair_.shared_vocabulary, prompt, tokens);
    return it->second;
  }

  void note_logprob(double heard, double walked) {
    apart_ = std::max(apart_, std::abs(heard - walked));
    CHECK(std::abs(heard - walked) < tie_);
  }

  void check_drafts(const Heard& heard, const SequenceResult& sequence, const std::vector<Walked>& target,
                    const std::vector<Walked>& draft) {
    std::size_t at = 0;
    for (const StepEvent& step : heard.steps)
      for (const LaneEvent& event : step.lanes) {
        if (event.lane != sequence.lane) continue;
        int agreed = 0;
        bool clear = true;
        for (std::size_t i = at; agreed < event.drafted && i < draft.size(); ++i, ++agreed) {
          clear = clear && draft[i].margin > tie_ && target[i].margin > tie_;
          if (draft[i].best != sequence.tokens[i].token) break;
        }
        if (clear) {
          INFO("lane ", sequence.lane, ", step from token ", at, " with ", event.drafted, " drafted");
          CHECK(event.accepted == agreed);
          drafts_ += event.drafted > 0;
        }
        at += event.tokens.size();
      }
  }

  const double tie_;  ///< Logits closer to each other than this tie, and either token is right.
  LoadedPair pair_;
  Known target_, draft_;
  double apart_ = 0;
  int tokens_ = 0, ties_ = 0, drafts_ = 0;
};

/// How many tokens each step gave each lane, as text.
inline std::set<std::string> accept_patterns(const std::vector<Heard>& all) {
  std::set<std::string> patterns;
  for (const Heard& heard : all) {
    std::map<int, std::string> lanes;
    for (const StepEvent& step : heard.steps)
      for (const LaneEvent& lane : step.lanes) lanes[lane.lane] += std::to_string(lane.accepted) + " ";
    for (const auto& [lane, pattern] : lanes) patterns.insert(pattern);
  }
  return patterns;
}

inline std::vector<Heard> run_together(Engine& engine, const std::vector<Request>& requests) {
  std::vector<std::future<Heard>> futures;
  for (const Request& request : requests) futures.push_back(start(engine, request));
  std::vector<Heard> heard;
  for (auto& future : futures) heard.push_back(future.get());
  return heard;
}

}  // namespace octet::llama
