// What the engine tells the draft-length policies and makes of their choices.
#include <doctest/doctest.h>

#include "heard.h"
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

TEST_CASE("without a draft none is planned") {
  const auto script = std::make_shared<Script>();
  script->has_draft = false;
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  for (const char* policy : {"auto", "bass", "fixed:4"}) check_whole(run(engine, request(1, 3, 20, policy)), 3);
  for (const int length : lengths(*script)) CHECK(length == 0);
}
