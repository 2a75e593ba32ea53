// The CUDA runtime against the host's acceptance over whatever a client may do: prompts that share beginnings, chunked and reused,
// draft passes put off, drafts given without a draft network, logits behind a prompt's last tokens, lanes that start within a prompt, lanes that come and go while steps are under way, a cache so small that cells change hands all the time.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "any_device.h"
#include "runtime_setup.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

constexpr int kMostOpenPrompts = 3, kLanes = 8, kMostRows = 4;
const std::set<Token> kEnds = {7, 30};

// Both runtimes under the same calls. The host's step is made at once and its results wait for the device's.
class Both {
 public:
  Both(unsigned seed, const TinyPair& pair, const RuntimeOptions& options, bool has_draft)
      : random_(seed), most_draft_length_(options.most_draft_length), has_draft_(has_draft), device_(cuda_runtime(pair, options, has_draft)),
        host_(host_runtime(pair, has_draft)), likely_(pair.target) {}

  void finish() {
    while (!expected_.empty()) collect();
    MESSAGE(steps << " steps, " << tokens << " tokens, " << accepted << " of " << drafted << " drafts accepted, " << reused
                  << " prompt tokens reused, " << full << " times the cache was full, " << closed_in_flight << " lanes closed in flight, " << forks
                  << " forked");
  }

  void anything() {
    switch (below(12)) {
      case 0: case 1: return open();
      case 2: return close_lane();
      case 3: return below(8) == 0 ? device_->drop_cached_prompts() : close_prompts();
      default: return step();
    }
  }

  int steps = 0, tokens = 0, drafted = 0, accepted = 0, reused = 0, full = 0, closed_in_flight = 0, forks = 0;

 private:
  struct Prompt {
    PromptId device, host;
  };
  struct Lane {
    std::size_t prompt = 0;  // key of prompts_
    int room = 0, in_flight = 0;
    std::vector<Token> text;  // as the host has it
    bool ends_at_end = true;
    bool ended = false;  // on the device; the client knows once it has collected that step
    bool known_to_have_ended = false;
  };

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  // Prompts of three families, so that they share beginnings of any length.
  std::vector<Token> prompt_tokens() {
    const int family = below(3), length = 1 + below(20);
    std::vector<Token> all;
    for (int i = 0; i < length; ++i) all.push_back((family * 31 + i * 7) % kTinyVocabulary);
    if (below(3) == 0) all.back() = static_cast<Token>(below(kTinyVocabulary));
    return all;
  }

  void open() {
    const int lanes = 1 + below(3);
    if (prompts_.size() >= kMostOpenPrompts || static_cast<int>(lanes_.size()) + lanes > kLanes) return;
    const int room = 1 + below(24);
    const std::vector<Token> prompt = prompt_tokens();
    const int shared = static_cast<int>(prompt.size()) - 1, rows = below(2) == 0 ? below(std::min(shared, kMostRows) + 1) : 0;
    Prompt opened;
    try {
      const auto device = device_->open_prompt({prompt, lanes * (room + device_->draft_cells()), rows});
      opened.device = device.id;
      reused += device.reused;
    } catch (const CacheFull&) {
      ++full;
      return;
    }
    const bool with_draft = below(2) == 0;
    while (device_->prefill(opened.device, 1 + below(9), with_draft) > 0) {}
    opened.host = host_->open_prompt({prompt, lanes * (room + 40), rows}).id;
    while (host_->prefill(opened.host, 100, with_draft) > 0) {}
    if (rows > 0) check_logits(opened, rows);
    const Sampling sampling{.temperature = below(3) == 0 ? 0.0f : 0.9f, .top_k = below(2) * 20, .top_p = below(2) ? 0.9f : 1.0f,
                            .min_p = below(3) == 0 ? 0.05f : 0.0f, .seed = random_()};
    const bool ends_at_end = below(3) > 0;
    for (int i = 0; i < lanes; ++i) {
      const LaneId id = next_lane_++;
      LaneStart start{.id = id, .prompt = opened.device, .stream = static_cast<std::uint32_t>(i), .max_new_tokens = room,
                      .ends_at_end = ends_at_end, .sampling = sampling};
      if (rows > 0 && below(4) > 0) {
        start.fork = LaneFork{.shared = 1 + below(shared), .last = static_cast<Token>(below(kTinyVocabulary))};
        ++forks;
      }
      std::vector<Token> text = prompt;
      if (start.fork) {
        text.resize(static_cast<std::size_t>(start.fork->shared));
        text.push_back(start.fork->last);
      }
      device_->open_lane(start);
      start.prompt = opened.host;
      host_->open_lane(start);
      lanes_[id] = {.prompt = next_prompt_, .room = room, .text = text, .ends_at_end = ends_at_end};
    }
    prompts_[next_prompt_++] = opened;
  }

  void check_logits(const Prompt& prompt, int rows) {
    const std::vector<float> got = device_->logits(prompt.device), want = host_->logits(prompt.host);
    REQUIRE(want.size() == static_cast<std::size_t>(rows) * kTinyVocabulary);
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < want.size(); ++i) REQUIRE(std::abs(got[i] - want[i]) < 1e-3f);
  }

  void close_lane() {
    if (lanes_.empty()) return;
    auto lane = lanes_.begin();
    std::advance(lane, below(static_cast<int>(lanes_.size())));
    closed_in_flight += lane->second.in_flight > 0;
    device_->close_lane(lane->first);
    host_->close_lane(lane->first);
    lanes_.erase(lane);
  }

  void close_prompts() {
    std::erase_if(prompts_, [&](const auto& prompt) {
      for (const auto& [id, lane] : lanes_)
        if (lane.prompt == prompt.first) return false;
      device_->close_prompt(prompt.second.device);
      host_->close_prompt(prompt.second.host);
      return true;
    });
  }

  // What the target would most likely write, with a wrong token here and there.
  std::vector<Token> likely_draft(const Lane& lane, int length) {
    std::vector<Token> draft, text = lane.text;
    while (static_cast<int>(draft.size()) < length) {
      std::vector<Row> rows;
      for (std::size_t i = 0; i < text.size(); ++i) rows.push_back({0, text[i], static_cast<int>(i), true});
      likely_.truncate(0, 0);
      likely_.decode(rows);
      const auto logits = likely_.logits(static_cast<int>(rows.size()) - 1).first(kTinyVocabulary);
      const auto best = static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
      draft.push_back(below(6) == 0 ? static_cast<Token>(below(kTinyVocabulary)) : best);
      text.push_back(draft.back());
    }
    return draft;
  }

  void step() {
    while (static_cast<int>(expected_.size()) >= device_->depth() - (below(4) == 0)) collect();
    StepPlan plan, host_plan;
    const int most = below(3) == 0 ? 0 : 1 + below(6);
    for (auto& [id, lane] : lanes_) {
      if (lane.known_to_have_ended || below(10) == 0) continue;
      LanePlan asked{id, std::min(most, below(8)), {}};
      if (!has_draft_) asked.draft = likely_draft(lane, asked.draft_length);
      plan.lanes.push_back(asked);
      ++lane.in_flight;
      if (lane.ended) continue;
      asked.draft_length = std::min({asked.draft_length, lane.room - 1, most_draft_length_});
      if (!has_draft_) asked.draft.resize(static_cast<std::size_t>(asked.draft_length));
      host_plan.lanes.push_back(asked);
    }
    if (plan.lanes.empty()) return;
    std::shuffle(plan.lanes.begin(), plan.lanes.end(), random_);
    device_->submit(plan);
    expected_.emplace_back();
    for (const LanePlan& lane : plan.lanes) expected_.back().order.push_back(lane.lane);
    if (host_plan.lanes.empty()) return;
    host_->submit(host_plan);
    for (LaneStep& step : host_->collect().lanes) {
      Lane& lane = lanes_.at(step.lane);
      for (std::size_t i = 0; i < step.tokens.size(); ++i)
        if (lane.ends_at_end && kEnds.count(step.tokens[i].token)) {
          lane.ended = true;
          step.tokens.resize(i + 1);
        }
      for (const EmittedToken& token : step.tokens) lane.text.push_back(token.token);
      lane.room -= static_cast<int>(step.tokens.size());
      lane.ended = lane.ended || lane.room == 0;
      expected_.back().lanes[step.lane] = step;
    }
  }

  void collect() {
    const Expected expected = std::move(expected_.front());
    expected_.pop_front();
    const StepResult got = device_->collect();
    ++steps;
    REQUIRE(got.lanes.size() == expected.order.size());
    for (std::size_t i = 0; i < got.lanes.size(); ++i) {
      const LaneStep& lane = got.lanes[i];
      CAPTURE(steps);
      REQUIRE(lane.lane == expected.order[i]);
      if (const auto open = lanes_.find(lane.lane); open != lanes_.end()) {
        --open->second.in_flight;
        open->second.known_to_have_ended = open->second.ended && open->second.in_flight == 0;
      }
      const auto want = expected.lanes.find(lane.lane);
      if (want == expected.lanes.end()) {
        REQUIRE(lane.tokens.empty());
        continue;
      }
      REQUIRE(lane.drafted == want->second.drafted);
      REQUIRE(lane.tokens.size() == want->second.tokens.size());
      for (std::size_t t = 0; t < lane.tokens.size(); ++t) {
        REQUIRE(lane.tokens[t].token == want->second.tokens[t].token);
        REQUIRE(std::abs(lane.tokens[t].logprob - want->second.tokens[t].logprob) < 1e-3f);
      }
      if (static_cast<int>(lane.tokens.size()) == want->second.accepted + 1) REQUIRE(lane.accepted == want->second.accepted);
      tokens += static_cast<int>(lane.tokens.size());
      drafted += lane.drafted;
      accepted += lane.accepted;
    }
  }

  struct Expected {
    std::vector<LaneId> order;
    std::map<LaneId, LaneStep> lanes;
  };

  std::mt19937 random_;
  int most_draft_length_;
  bool has_draft_;
  std::unique_ptr<Runtime> device_, host_;
  PlainModel likely_;
  std::map<std::size_t, Prompt> prompts_;
  std::map<LaneId, Lane> lanes_;
  std::deque<Expected> expected_;
  std::size_t next_prompt_ = 1;
  LaneId next_lane_ = 1;
};

void run(unsigned seed, float disturbance, int cells, int operations, bool has_draft = true) {
  const AsLateAsAGpuMay deferred;
  CAPTURE(seed);
  const TinyPair pair(disturbance);
  RuntimeOptions options = tiny_options();
  options.cache_tokens = cells;
  options.end_tokens = {kEnds.begin(), kEnds.end()};
  if (!has_draft) options.most_draft_length = 5;
  Both both(seed, pair, options, has_draft);
  for (int i = 0; i < operations; ++i) both.anything();
  both.finish();
  CHECK(both.steps > operations / 8);
  if (!has_draft) {
    CHECK(both.accepted > both.drafted / 10);
    CHECK(both.accepted < both.drafted);
  }
  CHECK(both.reused > 0);
  CHECK(both.closed_in_flight > 0);
  CHECK(both.forks > 0);
}

}  // namespace

TEST_CASE("cuda runtime: whatever a client does, every lane writes what it writes by the host's acceptance") {
  run(1, 0.2f, 128, 220);
  run(5, 0.0f, 192, 110);
  run(3, 1.0f, 512, 90);
}

TEST_CASE("cuda runtime: whatever a client does, drafts that plans give are taken as by the host's acceptance") {
  run(2, 0, 128, 220, false);
  run(4, 0, 512, 110, false);
}
