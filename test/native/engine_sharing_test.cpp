// Several requests in one batch: order, cancellation, failure, and the end of the engine.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <utility>

#include "heard.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::test;

namespace {

struct Setup {
  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::unique_ptr<Engine> engine;

  explicit Setup(int depth) { script->depth = depth; }
  Engine& start_engine() {
    auto runtime = std::make_unique<ScriptedRuntime>(script);
    engine = std::make_unique<Engine>(std::move(runtime), std::make_shared<ScriptedVocabulary>());
    return *engine;
  }
  void check_empty() {
    const auto counts = engine->counts();
    CHECK(counts.running == 0);
    CHECK(counts.queued == 0);
    CHECK(counts.lanes_in_use == 0);
    engine.reset();
    CHECK(script->open_lanes == 0);
    CHECK(script->open_prompts == 0);
  }
};

void check_prefix_of_own_tokens(const Heard& heard, int tag) {
  for (const SequenceResult& sequence : heard.result.sequences)
    for (std::size_t i = 0; i < sequence.tokens.size(); ++i)
      REQUIRE(sequence.tokens[i].token == token_of(tag, sequence.lane, static_cast<int>(i)));
}

std::string alone(const Heard& heard) {
  const Totals& totals = heard.result.totals;
  return std::string(totals.prompt_alone ? "prompt " : "") + (totals.steps_alone ? "steps" : "");
}

bool all(const Heard& heard, FinishReason reason) {
  return std::all_of(heard.result.sequences.begin(), heard.result.sequences.end(),
                     [&](const SequenceResult& sequence) { return sequence.finish == reason; });
}

}  // namespace

TEST_CASE("requests share the batch, each lane with its own tokens, steps in flight or not") {
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    Setup setup(depth);
    Engine& engine = setup.start_engine();
    std::vector<std::future<Heard>> futures;
    const char* const policies[] = {"fixed:5", "none", "bass", "auto"};
    for (int tag = 0; tag < 24; ++tag)
      futures.push_back(start(engine, request(tag, 1 + tag % 7, 10 + 9 * (tag % 5), policies[tag % 4])));
    for (int tag = 0; tag < 24; ++tag) {
      const Heard heard = futures[tag].get();
      check_whole(heard, 1 + tag % 7);
      check_prefix_of_own_tokens(heard, tag);
      for (const auto& sequence : heard.result.sequences)
        CHECK(sequence.tokens.size() == static_cast<std::size_t>(10 + 9 * (tag % 5)));
    }
    CHECK(setup.script->most_lanes > 8);
    setup.check_empty();
  }
}

TEST_CASE("a step in flight when its lanes were closed is nobody's") {
  Setup setup(2);
  std::atomic<int> steps = 0;
  std::atomic<bool> told = false;
  setup.script->before_collect = [&](int) {
    while (steps >= 2 && !told) std::this_thread::yield();
  };
  Engine& engine = setup.start_engine();
  for (int round = 0; round < 10; ++round) {
    Engine::RequestId id = 0;
    steps = 0, told = false;
    auto cancelled = start(engine, request(1, 16, 200), &id, [&](const StepEvent&) { ++steps; });
    while (steps < 2) std::this_thread::yield();
    engine.cancel(id);
    told = true;
    const Heard next = run(engine, request(2, 16, 9));
    check_whole(next, 16);
    check_prefix_of_own_tokens(next, 2);
    CHECK(all(next, FinishReason::kLength));
    const Heard first = cancelled.get();
    check_whole(first, 16);
    check_prefix_of_own_tokens(first, 1);
    CHECK(all(first, FinishReason::kCancelled));
  }
  setup.check_empty();
}

TEST_CASE("first come, first served when lanes do not fit") {
  Setup setup(1);
  setup.script->max_lanes = 8;
  Engine& engine = setup.start_engine();
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::future<Heard>> futures;
  const auto note = [&](int tag) {
    return [&, tag, begun = false](const StepEvent&) mutable {
      if (std::exchange(begun, true)) return;
      const std::lock_guard lock(mutex);
      order.push_back(tag);
    };
  };
  // The third would fit beside the first, but the second was before it.
  const int lanes[] = {5, 8, 2, 3};
  std::atomic<bool> ready = false;
  setup.script->before_collect = [&](int call) {
    while (!ready) std::this_thread::yield();
    if (call != 2) return;  // the engine has heard of all four
    const auto counts = engine.counts();
    CHECK(counts.running == 1);
    CHECK(counts.queued == 3);
    CHECK(counts.lanes_in_use == 5);
  };
  for (int tag = 0; tag < 4; ++tag) futures.push_back(start(engine, request(tag, lanes[tag], 12), nullptr, note(tag)));
  CHECK(engine.counts().queued + engine.counts().running == 4);
  ready = true;
  for (int tag = 0; tag < 4; ++tag) check_whole(futures[tag].get(), lanes[tag]);
  CHECK(order == std::vector<int>{0, 1, 2, 3});
  CHECK(setup.script->most_lanes == 8);
  setup.check_empty();
}

TEST_CASE("a request waits while the cache is full; if it does not fit an empty one it fails alone") {
  for (const int cache_tokens : {5 + 4 * (40 + kMaxDraftLength + 2), 2 * (5 + 4 * 40)}) {  // the second holds both, but not their drafts
    Setup setup(1);
    setup.script->cache_tokens = cache_tokens;
    Engine& engine = setup.start_engine();
    auto first = start(engine, request(1)), second = start(engine, request(2));
    check_whole(first.get(), 4);
    check_whole(second.get(), 4);
    CHECK(setup.script->most_lanes == 4);
    setup.check_empty();
  }

  Setup full(1);
  full.start_engine();
  full.script->cache_tokens = 3;  // the runtime finds less room than it told
  Heard failed = run(*full.engine, request(1));
  REQUIRE(failed.error);
  CHECK(failed.error->code == ErrorCode::kInternal);
  full.script->cache_tokens = 1 << 20;
  check_whole(run(*full.engine, request(2)), 4);
  full.check_empty();
}

TEST_CASE("cancelling ends all lanes within a step, a queued request at once, a prefill with its chunk") {
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    Setup setup(depth);
    setup.script->max_lanes = 4;
    Engine::RequestId running = 0, queued = 0;
    Engine* engine = nullptr;
    std::atomic<bool> ready = false;
    setup.script->before_collect = [&](int call) {
      while (!ready) std::this_thread::yield();
      if (call == 3) engine->cancel(queued);
      if (call == 5) engine->cancel(running);
    };
    engine = &setup.start_engine();
    auto first = start(*engine, request(1, 4, 200, "none"), &running);
    auto second = start(*engine, request(2, 4, 200), &queued);
    ready = true;
    const Heard waited = second.get(), ran = first.get();
    check_whole(waited, 4);
    CHECK(all(waited, FinishReason::kCancelled));
    CHECK(waited.steps.empty());
    CHECK(waited.result.totals.wall_ms < 60000);
    check_whole(ran, 4);
    CHECK(all(ran, FinishReason::kCancelled));
    CHECK(ran.result.sequences[0].tokens.size() == 5);
    check_prefix_of_own_tokens(ran, 1);

    setup.script->prefill_chunk = 1;
    std::atomic<Engine::RequestId> filling = 0;
    setup.script->before_prefill = [&](int) {
      while (filling == 0) std::this_thread::yield();
      engine->cancel(filling);
    };
    auto collector = std::make_unique<Collector>();
    auto future = collector->future();
    filling = engine->submit(request(3), std::move(collector));
    const Heard filled = future.get();
    check_whole(filled, 4);
    CHECK(filled.prefill.size() == 1);
    CHECK(filled.steps.empty());
    setup.check_empty();
  }
}

TEST_CASE("one lane can be cancelled: while it decodes, before it began, and all of them one by one") {
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    Setup setup(depth);
    Engine* engine = nullptr;
    std::atomic<Engine::RequestId> id = 0;
    std::atomic<std::uint32_t> before = 0, during = 0;
    const auto cancel = [&](std::uint32_t lanes) {
      while (id == 0) std::this_thread::yield();
      for (int lane = 0; lane < 32; ++lane)
        if (lanes >> lane & 1) engine->cancel_lane(id, lane);
    };
    setup.script->before_prefill = [&](int) { cancel(before.exchange(0)); };
    setup.script->before_collect = [&](int) { cancel(during.exchange(0)); };
    engine = &setup.start_engine();
    const auto generate = [&](std::uint32_t at_prefill, std::uint32_t at_step) {
      before = at_prefill, during = at_step, id = 0;
      Engine::RequestId given = 0;
      auto future = start(*engine, request(1, 4, 20, "none"), &given);
      id = given;
      for (const int none : {-32, 32}) engine->cancel_lane(id, none);
      Heard heard = future.get();
      check_whole(heard, 4);
      check_prefix_of_own_tokens(heard, 1);
      std::string ends;
      for (const auto& sequence : heard.result.sequences) ends += name(sequence.finish)[0];
      return std::pair(ends, heard);
    };
    const auto [decoding, heard] = generate(0, 0b0100 | 1u << 17);
    CHECK(decoding == "llcl");
    CHECK(heard.result.sequences[2].tokens.size() == 1);
    CHECK(generate(0b0001, 0b1000).first == "cllc");
    CHECK(generate(0b0001, 0).second.result.sequences[0].tokens.empty());
    const auto [all_lanes, none] = generate(0b1111, 0);
    CHECK(all_lanes == "cccc");
    CHECK(none.result.totals.tokens == 0);
    CHECK(generate(0, 0b1111).first == "cccc");
    engine->cancel_lane(id, 0);
    engine->cancel_lane(999, -1);
    engine->cancel(999);
    setup.check_empty();
  }
}

TEST_CASE("a result says whether what was done for others is within the time of its prompt, and of its steps") {
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    Setup setup(depth);
    Engine* engine = nullptr;
    std::future<Heard> second;
    std::atomic<Engine::RequestId> first = 0;
    bool cancels = false;
    int begins = 0;  // the call that the second request comes in, within the first one's
    const auto begin = [&](int call) {
      if (call != begins) return;
      second = start(*engine, request(2, 4, 12, "none"));
      while (first == 0) std::this_thread::yield();
      if (cancels) engine->cancel(first);
    };
    setup.script->before_collect = begin;
    engine = &setup.start_engine();
    const auto both = [&](int steps) {
      Engine::RequestId id = 0;
      first = 0;
      auto future = start(*engine, request(1, 4, steps, "none"), &id);
      first = id;
      const std::string found = alone(future.get());
      return found + ", " + alone(second.get());
    };
    CHECK(alone(run(*engine, request(1, 4, 12, "none"))) == "prompt steps");
    begins = setup.script->collects + 3;
    // A device that runs ahead is within a step of the first while it is given the prompt of the second.
    CHECK(both(40) == (depth == 1 ? "prompt , prompt " : "prompt , "));
    CHECK(alone(run(*engine, request(3, 4, 12, "none"))) == "prompt steps");

    begins = setup.script->collects + 3;
    setup.script->prefill_chunk = 1;  // the first one's steps are between the pieces
    CHECK(both(40) == "prompt , ");
    CHECK(alone(run(*engine, request(3, 4, 12, "none"))) == "prompt steps");

    begins = setup.script->collects + 3;
    setup.script->prefill_chunk = 1 << 20;
    cancels = true;
    CHECK(both(200) == (depth == 1 ? "prompt steps, prompt steps" : "prompt steps, "));
    cancels = false;

    begins = setup.script->prefills + 2;
    setup.script->prefill_chunk = 1;
    setup.script->before_collect = nullptr;
    setup.script->before_prefill = begin;
    CHECK(both(40) == "prompt , ");  // the second waits for the first one's prompt
    CHECK(alone(run(*engine, request(3, 4, 12, "none"))) == "prompt steps");
    setup.check_empty();
  }
}
