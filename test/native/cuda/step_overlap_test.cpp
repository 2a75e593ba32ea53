// Whole steps as the product runs them, by the tensor cores' kernels: each may start before the one in front of it has ended, and the plan of
// attention reads batches that the kernel before it wrote.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <optional>

#include "any_device.h"
#include "fusible_network.h"
#include "runtimes/cuda/runtime/cuda_runtime.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

constexpr int kRoom = 30, kVocabulary = 50;

// What lanes write without drafts, each its next tokens with a wrong one behind some of them: how many are right is known before, so that the
// step after can be given its own while this one is under way.
class GivenDrafts {
 public:
  explicit GivenDrafts(const std::vector<LaneStep>& plain) {
    for (const LaneStep& step : plain)
      for (const EmittedToken& token : step.tokens) texts_[step.lane].push_back(token.token);
  }
  std::vector<Token> next(LaneId lane, int length) {
    std::size_t& at = written_[lane];
    const int right = static_cast<int>((given_++ + lane) % (static_cast<std::size_t>(length) + 1));
    std::vector<Token> draft;
    for (int i = 0; i < length; ++i) draft.push_back((texts_.at(lane).at(at + static_cast<std::size_t>(i)) + (i < right ? 0 : 1)) % kVocabulary);
    at += static_cast<std::size_t>(right) + 1;
    return draft;
  }

 private:
  std::map<LaneId, std::vector<Token>> texts_;
  std::map<LaneId, std::size_t> written_;
  std::size_t given_ = 0;
};

// Three lanes of two prompts, two steps under way: launched one by one, then as graphs. Drafts are by the target's first layer, or given, or none.
std::vector<LaneStep> lanes_steps(bool has_draft, GivenDrafts* given = nullptr) {
  FusibleShape shape{"halves", {2, 1, 64}, {.dimensions = 64, .halves = true, .base = 1e4f}};
  const FusibleNetwork target(shape, 5);
  shape.layers = 1;
  const FusibleNetwork draft(shape, 5);
  const auto runtime = make_cuda_runtime(target.network(), has_draft ? std::optional(draft.network()) : std::nullopt,
                                         {.vocabulary = kVocabulary, .lanes = 3, .context_tokens = 64, .cache_tokens = 256, .most_draft_length = 3});
  const auto open = [&](const std::vector<Token>& prompt, std::initializer_list<LaneId> lanes, bool with_draft) {
    const PromptId id = runtime->open_prompt({prompt, static_cast<int>(lanes.size()) * (kRoom + runtime->draft_cells())}).id;
    while (runtime->prefill(id, 3, with_draft) > 0) {}
    for (const LaneId lane : lanes) runtime->open_lane({.id = lane, .prompt = id, .max_new_tokens = kRoom, .sampling = {.temperature = 0.7f, .seed = 3}});
  };
  open({3, 9, 27, 41, 20}, {1, 2}, true);
  open({8, 30}, {3}, false);
  std::vector<LaneStep> steps;
  const bool plain = !has_draft && !given;
  for (const int length : plain ? std::vector(kRoom / 2, 0) : std::vector{2, 2, 0, 2}) {
    for (int under_way = 0; under_way < runtime->depth(); ++under_way) {
      StepPlan plan{{{1, length, {}}, {2, length, {}}, {3, length / 2, {}}}};
      for (LanePlan& lane : plan.lanes)
        if (given) lane.draft = given->next(lane.lane, lane.draft_length);
      runtime->submit(plan);
    }
    for (int under_way = 0; under_way < runtime->depth(); ++under_way)
      for (LaneStep& step : runtime->collect().lanes) steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

TEST_CASE("cuda overlap: whole steps by tensor cores write the same tokens as late as a GPU may") {
  bool has_draft = true;
  SUBCASE("a draft network") {}
  SUBCASE("drafts given") { has_draft = false; }
  std::optional<GivenDrafts> given;
  if (!has_draft) given.emplace(lanes_steps(false));
  std::optional<GivenDrafts> again = given;
  const std::vector<LaneStep> want = lanes_steps(has_draft, given ? &*given : nullptr);
  const AsLateAsAGpuMay deferred;
  const std::vector<LaneStep> got = lanes_steps(has_draft, again ? &*again : nullptr);
  REQUIRE(got.size() == want.size());
  int drafted = 0, accepted = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    CAPTURE(i);
    CHECK(got[i].drafted == want[i].drafted);
    CHECK(got[i].accepted == want[i].accepted);
    REQUIRE(got[i].tokens.size() == want[i].tokens.size());
    for (std::size_t t = 0; t < want[i].tokens.size(); ++t) {
      CHECK(got[i].tokens[t].token == want[i].tokens[t].token);
      CHECK(std::abs(got[i].tokens[t].logprob - want[i].tokens[t].logprob) < 1e-4f);
    }
    drafted += want[i].drafted;
    accepted += want[i].accepted;
  }
  CHECK(drafted > 0);
  CHECK(accepted > 0);
  CHECK(accepted < drafted);
}
