// How much of a prompt is computed at once.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "engine/prefill_chunk.h"
#include "engine/host_runtime.h"
#include "fake_model.h"
#include "heard.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::test;

TEST_CASE("chunks of a prompt stay as they are unless they are far too slow or too fast") {
  for (const double ms : {13.0, 25.0, 50.0, 100.0, 199.0}) CHECK(next_prefill_chunk(64, ms) == 64);
  CHECK(next_prefill_chunk(64, 210) == 16);
  CHECK(next_prefill_chunk(512, 210) == 64);
  CHECK(next_prefill_chunk(256, 30'000) == kSmallestPrefillChunk);
  CHECK(next_prefill_chunk(16, 5'000) == kSmallestPrefillChunk);
  CHECK(next_prefill_chunk(64, 12) == 256);
  CHECK(next_prefill_chunk(1024, 1) == kLargestPrefillChunk);
  CHECK(next_prefill_chunk(kLargestPrefillChunk, 1) == kLargestPrefillChunk);
}

TEST_CASE("a device that keeps to its chunks is asked for no others, however long they take") {
  for (const bool keeps : {true, false}) {
    CAPTURE(keeps);
    auto script = std::make_shared<Script>();
    script->keeps_prefill_chunk = keeps;
    script->before_prefill = [](int call) {
      if (call == 1) std::this_thread::sleep_for(std::chrono::milliseconds(250));
    };
    Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
    Request asked = request(1, 2, 5);
    asked.prompt.resize(1000, 50);
    check_whole(run(engine, asked), 2);
    CHECK(script->chunks.front() == 32);
    const bool same = std::all_of(script->chunks.begin(), script->chunks.end(), [](int chunk) { return chunk == 32; });
    CHECK(same == keeps);
  }
}

TEST_CASE("how fast a prompt's last piece was says nothing of whole ones") {
  auto script = std::make_shared<Script>();
  Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  for (int i = 0; i < 5; ++i) check_whole(run(engine, request(1, 2, 5)), 2);
  CHECK(script->chunks == std::vector<int>(5, 32));
}

TEST_CASE("where passes take long, one ends behind the tokens that are likely to be asked for again, and nowhere else") {
  for (const bool keeps : {true, false}) {
    std::vector<int> without;  // ends of passes, with no telling
    for (const int stable : {0, 20, 32, 70, 100}) {
      CAPTURE(keeps);
      CAPTURE(stable);
      auto script = std::make_shared<Script>();
      script->keeps_prefill_chunk = keeps;
      Engine engine(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
      Request asked = request(1, 2, 5);
      asked.prompt.resize(98, 50);
      asked.lead = {54, 55};
      asked.stable_tokens = stable;
      check_whole(run(engine, asked), 2);
      std::vector<int> ends = {0};
      for (const int chunk : script->chunks) ends.push_back(std::min(97, ends.back() + chunk));
      CHECK(ends.back() == 97);
      if (stable == 0) without = ends;
      if (keeps && stable == 20) CHECK(ends == std::vector<int>{0, 20, 52, 84, 97});
      else if (keeps && stable == 70) CHECK(ends == std::vector<int>{0, 32, 64, 70, 97});
      else CHECK(ends == without);
    }
    CHECK(without[1] == 32);
  }
}

TEST_CASE("what was found of a prompt counts towards the tokens that are likely to be asked for again") {
  RuntimeInfo info{.name = "fake", .max_lanes = 4, .context_tokens = 512, .cache_tokens = 4096, .vocabulary = 6, .prefill_chunk = 8, .keeps_prefill_chunk = true};
  Engine engine(std::make_unique<HostRuntime>(info, std::make_unique<FakeModel>(FakeFunction(), 6, 0), nullptr), std::make_shared<ScriptedVocabulary>());
  Request asked = request(1, 2, 3, "none");
  asked.ignore_end = true;
  asked.prompt.assign(20, 2);
  check_whole(run(engine, asked), 2);
  asked.prompt.resize(60, 3);
  asked.stable_tokens = 25;
  const Heard heard = run(engine, asked);
  check_whole(heard, 2);
  CHECK(heard.result.totals.reused_tokens == 19);
  std::vector<int> computed;
  for (const PrefillEvent& event : heard.prefill) computed.push_back(event.done - 1);
  CHECK(computed == std::vector<int>{25, 33, 41, 49, 57, 59});
}

TEST_CASE("progress begins with what was found of the prompt, though the draft may have to catch up with it") {
  const auto model = [] { return std::make_unique<FakeModel>(FakeFunction(), 6, 0); };
  RuntimeInfo info{.name = "fake", .max_lanes = 4, .context_tokens = 512, .cache_tokens = 4096, .vocabulary = 6, .has_draft = true,
                   .prefill_chunk = 8, .keeps_prefill_chunk = true};
  Engine engine(std::make_unique<HostRuntime>(info, model(), model()), std::make_shared<ScriptedVocabulary>());
  Request asked = request(1, 2, 3, "none");
  asked.ignore_end = true;
  asked.prompt.resize(60);
  for (int i = 0; i < 60; ++i) asked.prompt[static_cast<std::size_t>(i)] = i * i % 5;
  check_whole(run(engine, asked), 2);
  asked.draft_length = DraftLengthSpec::parse("fixed:2");
  const Heard heard = run(engine, asked);
  check_whole(heard, 2);
  CHECK(heard.result.totals.reused_tokens == 59);
  REQUIRE(heard.prefill.size() == 8);  // of the draft
  for (const PrefillEvent& event : heard.prefill) CHECK(event.done >= event.reused);
}
