// How much of a prompt is computed at once.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "engine/prefill_chunk.h"
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
