// What the engine tells the draft-length policies and makes of their choices.
#include <doctest/doctest.h>

#include "heard.h"
#include "long_pass.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::test;

namespace {

/// The draft lengths planned since `first`, the longest of each step.
std::vector<int> lengths(const Script& script, std::size_t first = 0) {
  std::vector<int> lengths;
  for (std::size_t i = first; i < script.plans.size(); ++i) {
    lengths.push_back(0);
    for (const LanePlan& lane : script.plans[i].lanes) lengths.back() = std::max(lengths.back(), lane.draft_length);
  }
  return lengths;
}

}  // namespace

TEST_CASE("what the draft is worth at one temperature says nothing of another") {
  const auto script = std::make_shared<Script>();
  script->accepted = [](int, int, int) { return 0; };
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  const auto drafts = [&](float temperature, int tokens) {
    const std::size_t before = script->plans.size();
    Request asked = request(1, 4, tokens, "auto");
    asked.sampling.temperature = temperature;
    check_whole(run(engine, asked), 4);
    const auto drafted = lengths(*script, before);
    return std::any_of(drafted.begin(), drafted.end(), [](int length) { return length > 0; });
  };
  const float temperatures[] = {0, 0.2f, 0.6f, 0.9f};
  for (const float temperature : temperatures) {
    CAPTURE(temperature);
    CHECK(drafts(temperature, 12));  // it may be good here
    drafts(temperature, 100);
    CHECK_FALSE(drafts(temperature, 12));
  }
}

TEST_CASE("auto reckons with the lanes of all requests: drafts that pay beside none do not beside others") {
  const auto script = std::make_shared<Script>();
  script->accepted = [](int, int, int drafted) { return drafted; };
  script->verify_ms = [](int rows) { return rows <= 8 ? 1.0 : rows / 8.0; };  // four lanes may draft one token each for nothing
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  const auto drafting = [&](std::size_t first) {
    const auto drafted = lengths(*script, first);
    return static_cast<double>(std::count_if(drafted.begin(), drafted.end(), [](int length) { return length > 0; })) / static_cast<double>(drafted.size());
  };
  for (const int lanes : {8, 4}) check_whole(run(engine, request(1, lanes, 400, "auto")), lanes);  // costs become known
  const std::size_t alone = script->plans.size();
  check_whole(run(engine, request(1, 4, 400, "auto")), 4);
  CHECK(drafting(alone) > 0.7);
  CHECK(script->with_draft.back());
  const std::size_t beside = script->plans.size();
  std::atomic<bool> both = false;
  script->before_collect = [&](int) { comes(both); };
  auto first = start(engine, request(1, 4, 200, "auto")), second = start(engine, request(2, 4, 200, "auto"));
  both = true;
  check_whole(first.get(), 4);
  check_whole(second.get(), 4);
  CHECK(drafting(beside) < 0.3);
  CHECK_FALSE(script->with_draft.back());
  const std::size_t beside_prompt = script->plans.size();
  script->prefill_chunk = 1;
  both = false;
  Request long_prompt = request(2, 4, 5, "none");
  long_prompt.prompt.resize(300, 50);
  first = start(engine, request(1, 4, 300, "auto")), second = start(engine, long_prompt);
  both = true;
  check_whole(first.get(), 4);
  check_whole(second.get(), 4);
  CHECK(drafting(beside_prompt) > 0.7);  // lanes that do not decode yet are in no step
}

TEST_CASE("where auto tries with one lane the others decode plainly") {
  const auto script = std::make_shared<Script>();
  script->accepted = [](int, int, int) { return 0; };
  script->verify_ms = [](int rows) { return 0.5 * rows; };
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  for (int i = 0; i < 4; ++i) check_whole(run(engine, request(1, 8, 250, "auto")), 8);
  int one = 0;
  for (const StepPlan& plan : script->plans) {
    const auto drafting = std::count_if(plan.lanes.begin(), plan.lanes.end(), [](const LanePlan& lane) { return lane.draft_length > 0; });
    if (plan.lanes.size() == 8 && drafting == 1 && plan.lanes[0].draft_length > 0) ++one;
  }
  CHECK(one > 3);
}

TEST_CASE("without a draft none is planned") {
  const auto script = std::make_shared<Script>();
  script->has_draft = false;
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  for (const char* policy : {"auto", "bass", "fixed:4"}) check_whole(run(engine, request(1, 3, 20, policy)), 3);
  for (const int length : lengths(*script)) CHECK(length == 0);
}
