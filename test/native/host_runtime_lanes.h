// The host runtime over fake models that can be enumerated: lanes run until they have their tokens, and every step's report checked
// on the way.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/host_runtime.h"
#include "fake_model.h"

namespace octet::test {

constexpr int kVocabulary = 6;
constexpr FakeFunction kTarget{.seed = 11};
constexpr FakeFunction kDraft{.seed = 11, .other_seed = 77, .mix = 0.45f};
constexpr FakeFunction kUnrelated{.seed = 500, .other_seed = 501};

struct Fixture {
  FakeModel *target, *draft;
  std::unique_ptr<HostRuntime> runtime;

  explicit Fixture(FakeFunction draft_function = kDraft, FakeModel::Limits limits = {}, bool with_draft = true) {
    auto t = std::make_unique<FakeModel>(kTarget, kVocabulary, 3, limits);
    auto d = with_draft ? std::make_unique<FakeModel>(draft_function, kVocabulary, 1, limits) : nullptr;
    target = t.get();
    draft = d.get();
    RuntimeInfo info;
    info.name = "fake";
    info.max_lanes = kMaxLanes;
    info.context_tokens = info.cache_tokens = limits.cache_tokens;
    info.vocabulary = kVocabulary;
    runtime = std::make_unique<HostRuntime>(info, std::move(t), std::move(d));
  }

  PromptId open_prompt(const std::vector<Token>& tokens, int tail, bool with_draft = true) {
    const PromptId id = runtime->open_prompt({tokens, tail}).id;
    while (runtime->prefill(id, 2, with_draft) > 0) {
    }
    return id;
  }

  StepResult step(const StepPlan& plan) {
    runtime->submit(plan);
    return runtime->collect();
  }
};

// A token's probabilities under `sampling`, by a full sort in float64.
inline std::vector<double> probabilities(const std::vector<float>& logits, const Sampling& sampling) {
  const int n = static_cast<int>(logits.size());
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return logits[a] > logits[b]; });
  std::vector<double> p(n);
  if (sampling.temperature == 0) {
    p[order[0]] = 1;
    return p;
  }
  const int most = sampling.top_k > 0 ? std::min(n, sampling.top_k) : n;
  const auto weight = [&](int rank) {
    return std::exp((logits[order[rank]] - logits[order[0]]) / static_cast<double>(sampling.temperature));
  };
  double total = 0, kept = 0;
  for (int i = 0; i < most; ++i) total += weight(i);
  for (int i = 0; i < most && kept < sampling.top_p * total && weight(i) >= sampling.min_p; ++i)
    kept += p[order[i]] = weight(i);
  for (double& x : p) x /= kept;
  return p;
}

/// What `function` holds likeliest to follow the text.
inline std::vector<Token> guesses(const FakeFunction& function, std::vector<Token> text, int length) {
  std::vector<Token> guesses;
  for (int i = 0; i < length; ++i) {
    const auto row = function.logits(Context(text), kVocabulary);
    guesses.push_back(static_cast<Token>(std::max_element(row.begin(), row.end()) - row.begin()));
    text.push_back(guesses.back());
  }
  return guesses;
}

inline std::vector<Token> plain_greedy(const std::vector<Token>& prompt, int length) { return guesses(kTarget, prompt, length); }

// The draft length of a lane in a step: ragged over lanes and steps, some plain.
inline int ragged_length(int lane, int step) { return (3 * lane + 2 * step + lane * step) % 6; }

struct Totals {
  int drafted = 0, accepted = 0, ragged_steps = 0;
};

/// What a lane drafts in a step, given its text.
struct Drafts {
  int length = 0;
  std::vector<Token> given;  ///< `length` of them, or none: the draft model's.
};
using DraftsOf = std::function<Drafts(int lane, int step, const std::vector<Token>& text)>;

// Runs lanes, lane i on prompts[i % prompts.size()], until each has `wanted` tokens, and returns their tokens. Checks
// what a step reports on the way.
inline std::vector<std::vector<Token>> run_lanes(Fixture& fixture, const std::vector<PromptId>& prompts,
                                                 const std::vector<std::vector<Token>>& prompt_tokens, int lanes,
                                                 const Sampling& sampling, int wanted,
                                                 const DraftsOf& drafts_of, Totals* totals = nullptr) {
  static LaneId next_lane = 1;
  const LaneId first = next_lane;
  next_lane += lanes;
  for (int i = 0; i < lanes; ++i)
    fixture.runtime->open_lane({.id = first + i, .prompt = prompts[i % prompts.size()],
                                .stream = static_cast<std::uint32_t>(i), .max_new_tokens = wanted,
                                .sampling = sampling});
  std::vector<std::vector<Token>> emitted(lanes);
  std::vector<int> live(lanes);
  std::iota(live.begin(), live.end(), 0);
  for (int step = 0; !live.empty(); ++step) {
    StepPlan plan;
    for (const int i : live) {
      std::vector<Token> text = prompt_tokens[i % prompt_tokens.size()];
      text.insert(text.end(), emitted[i].begin(), emitted[i].end());
      Drafts drafts = drafts_of(i, step, text);
      plan.lanes.push_back({first + i, drafts.length, std::move(drafts.given)});
    }
    const StepResult result = fixture.step(plan);
    REQUIRE(result.lanes.size() == live.size());
    int least = kMaxDraftLength, most = 0;
    for (std::size_t j = 0; j < live.size(); ++j) {
      const LaneStep& lane = result.lanes[j];
      const int i = live[j];
      REQUIRE(lane.lane == first + i);
      REQUIRE(lane.drafted == plan.lanes[j].draft_length);
      REQUIRE(lane.tokens.size() == static_cast<std::size_t>(lane.accepted) + 1);
      for (const EmittedToken& token : lane.tokens) {
        std::vector<Token> context = prompt_tokens[i % prompt_tokens.size()];
        context.insert(context.end(), emitted[i].begin(), emitted[i].end());
        const auto p = probabilities(kTarget.logits(Context(context), kVocabulary), {1, 0, 1, 0});
        REQUIRE(std::abs(token.logprob - std::log(p.at(token.token))) < 1e-5);
        emitted[i].push_back(token.token);
      }
      least = std::min(least, lane.accepted);
      most = std::max(most, lane.accepted);
      if (totals) totals->drafted += lane.drafted, totals->accepted += lane.accepted;
    }
    if (totals) totals->ragged_steps += least != most;
    std::erase_if(live, [&](int i) {
      if (static_cast<int>(emitted[i].size()) < wanted) return false;
      fixture.runtime->close_lane(first + i);
      emitted[i].resize(wanted);
      return true;
    });
  }
  return emitted;
}

inline std::vector<std::vector<Token>> run_lanes(Fixture& fixture, const std::vector<PromptId>& prompts,
                                                 const std::vector<std::vector<Token>>& prompt_tokens, int lanes,
                                                 const Sampling& sampling, int wanted,
                                                 const std::function<int(int, int)>& length_of, Totals* totals = nullptr) {
  const DraftsOf drafts_of = [&](int lane, int step, const std::vector<Token>&) { return Drafts{length_of(lane, step), {}}; };
  return run_lanes(fixture, prompts, prompt_tokens, lanes, sampling, wanted, drafts_of, totals);
}

inline const Sampling kTruncated{0.9f, 5, 0.9f, 0.05f};

}  // namespace octet::test
