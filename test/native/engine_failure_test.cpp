// A device that fails, an engine that goes, and many requests at once: every listener hears exactly one end.
#include <doctest/doctest.h>

#include <atomic>
#include <random>

#include "heard.h"
#include "long_pass.h"

using namespace octet;
using namespace octet::test;

namespace {

std::unique_ptr<Engine> engine_on(const std::shared_ptr<Script>& script) {
  return std::make_unique<Engine>(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
}

void check_empty(const Script& script, std::unique_ptr<Engine> engine) {
  const auto counts = engine->counts();
  CHECK(counts.running == 0);
  CHECK(counts.queued == 0);
  CHECK(counts.lanes_in_use == 0);
  engine.reset();
  CHECK(script.open_lanes == 0);
  CHECK(script.open_prompts == 0);
}

/// Counts the ends it hears; being told twice, which Collector could not bear, is what it looks for.
struct Ends final : Listener {
  explicit Ends(std::atomic<int>& ends, std::atomic<int>& extra) : ends(ends), extra(extra) {}
  void on_prefill(const PrefillEvent&) override { extra += ended; }
  void on_step(StepEvent&&) override { extra += ended; }
  void on_finish(Result&&) override { end(); }
  void on_error(const Error&) override { end(); }
  void end() {
    extra += ended;
    ended = 1;
    ++ends;
  }
  std::atomic<int>&ends, &extra;
  int ended = 0;
};

}  // namespace

TEST_CASE("a device that fails in a step ends what runs with one error each; the next request works") {
  for (const int depth : {1, 2})
    for (const bool in_submit : {true, false}) {
      CAPTURE(depth);
      CAPTURE(in_submit);
      auto script = std::make_shared<Script>();
      script->depth = depth;
      script->max_lanes = 8;
      script->tokens[{1, 2, 1}] = kEndToken;  // a lane has ended by then
      std::atomic<bool> ready = false;
      const auto fail = [&](int call) {
        while (!ready) std::this_thread::yield();
        if (call == 5) throw std::runtime_error("the device is gone");
      };
      (in_submit ? script->before_submit : script->before_collect) = fail;
      auto engine = engine_on(script);
      auto first = start(*engine, request(1, 4, 100, "none")), second = start(*engine, request(2, 4, 100, "none"));
      auto waiting = start(*engine, request(3, 8, 20));
      ready = true;
      for (auto* future : {&first, &second}) {
        const Heard heard = future->get();
        REQUIRE(heard.error);
        CHECK(heard.error->code == ErrorCode::kInternal);
        CHECK(std::string(heard.error->what()) == "the device is gone");
      }
      const Heard next = waiting.get();
      check_whole(next, 8);
      for (const auto& sequence : next.result.sequences)
        for (int i = 0; i < 20; ++i) REQUIRE(sequence.tokens[i].token == token_of(3, sequence.lane, i));
      check_empty(*script, std::move(engine));
    }
}

TEST_CASE("a device that brings nothing of a lane that goes on has failed") {
  auto script = std::make_shared<Script>();
  script->accepted = [](int stream, int step, int) { return stream == 1 && step == 2 ? -1 : 0; };
  auto engine = engine_on(script);
  const Heard heard = run(*engine, request(1, 2, 10));
  REQUIRE(heard.error);
  CHECK(std::string(heard.error->what()) == "the device ended a lane that has room left");
  script->accepted = [](int, int, int) { return 0; };
  check_whole(run(*engine, request(2, 2, 10)), 2);
  check_empty(*script, std::move(engine));
}

TEST_CASE("when a request's end is told, it no longer counts") {
  struct Waiting final : Listener {
    explicit Waiting(std::atomic<bool>& told, std::atomic<bool>& read) : told(told), read(read) {}
    void on_prefill(const PrefillEvent&) override {}
    void on_step(StepEvent&&) override {}
    void on_finish(Result&&) override { end(); }
    void on_error(const Error&) override { end(); }
    void end() {
      told = true;
      comes(read);
    }
    std::atomic<bool>&told, &read;
  };
  for (const bool fails : {true, false}) {
    CAPTURE(fails);
    auto script = std::make_shared<Script>();
    script->before_prefill = [&](int) {
      if (fails) throw std::runtime_error("no room");
    };
    auto engine = engine_on(script);
    std::atomic<bool> told = false, read = false;
    engine->submit(request(1, 4, 5), std::make_unique<Waiting>(told, read));
    REQUIRE(comes(told));
    CHECK(engine->counts().running == 0);
    CHECK(engine->counts().lanes_in_use == 0);
    read = true;
    engine.reset();
  }
}

TEST_CASE("a prompt that fails fails alone") {
  for (const int depth : {1, 2}) {
    auto script = std::make_shared<Script>();
    script->depth = depth;
    std::atomic<bool> ready = false;
    script->before_prefill = [&](int call) {
      while (!ready) std::this_thread::yield();
      if (call == 2) throw std::runtime_error("no room");
    };
    auto engine = engine_on(script);
    auto first = start(*engine, request(1)), second = start(*engine, request(2)), third = start(*engine, request(3));
    ready = true;
    check_whole(first.get(), 4);
    const Heard failed = second.get();
    REQUIRE(failed.error);
    CHECK(std::string(failed.error->what()) == "no room");
    check_whole(third.get(), 4);
    check_empty(*script, std::move(engine));
  }
}

TEST_CASE("a prompt that the device refuses for another reason than its room fails at once, beside what runs") {
  auto script = std::make_shared<Script>();
  std::atomic<bool> failed = false;
  int opened = 0;
  script->before_open = [&] {
    if (++opened == 2) throw std::runtime_error("not this one");
  };
  script->before_collect = [&](int call) {
    if (call == 2) CHECK(comes(failed));
  };
  auto engine = engine_on(script);
  auto first = start(*engine, request(1)), second = start(*engine, request(2));
  const Heard heard = second.get();
  failed = true;
  REQUIRE(heard.error);
  CHECK(std::string(heard.error->what()) == "not this one");
  check_whole(first.get(), 4);
  check_empty(*script, std::move(engine));
}

TEST_CASE("an engine that goes tells every listener once, whatever its request was doing") {
  for (const int depth : {1, 2}) {
    auto script = std::make_shared<Script>();
    script->depth = depth;
    script->max_lanes = 8;
    script->before_collect = [](int) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
    auto engine = engine_on(script);
    std::vector<std::future<Heard>> futures;
    for (int tag = 0; tag < 6; ++tag) futures.push_back(start(*engine, request(tag, 4, 4000)));
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    engine.reset();
    for (auto& future : futures) {
      REQUIRE(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
      const Heard heard = future.get();
      check_whole(heard, 4);
      for (const auto& sequence : heard.result.sequences) CHECK(sequence.finish == FinishReason::kCancelled);
      CHECK(heard.result.totals.wall_ms < 60000);
    }
    CHECK(script->open_lanes == 0);
    CHECK(script->open_prompts == 0);
  }
}

TEST_CASE("200 requests cancelled at once leave nothing behind") {
  for (const int depth : {1, 2}) {
    auto script = std::make_shared<Script>();
    script->depth = depth;
    auto engine = engine_on(script);
    std::vector<std::future<Heard>> futures;
    std::vector<Engine::RequestId> ids(200);
    for (int i = 0; i < 200; ++i) futures.push_back(start(*engine, request(i % kTags, 1 + i % 16, 3000), &ids[i]));
    for (const auto id : ids) engine->cancel(id);
    for (int i = 0; i < 200; ++i) check_whole(futures[i].get(), 1 + i % 16);
    check_empty(*script, std::move(engine));
  }
}

TEST_CASE("submitting and cancelling from several threads: each request ends once") {
  for (const int depth : {1, 2}) {
    auto script = std::make_shared<Script>();
    script->depth = depth;
    script->before_submit = [random = std::mt19937(1)](int) mutable {
      if (random() % 200 == 0) throw std::runtime_error("a hiccup");
    };
    auto engine = engine_on(script);
    std::atomic<int> ends = 0, extra = 0, submitted = 0;
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed)
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        std::vector<Engine::RequestId> ids;
        for (int i = 0; i < 100; ++i) {
          Request asked = request(static_cast<int>(random() % kTags), 1 + static_cast<int>(random() % 8), 30);
          ids.push_back(engine->submit(std::move(asked), std::make_unique<Ends>(ends, extra)));
          ++submitted;
          if (random() % 2 == 0) engine->cancel(ids[random() % ids.size()]);
          engine->cancel_lane(ids[random() % ids.size()], static_cast<int>(random() % 8));
          if (engine->counts().lanes_in_use > kMaxLanes) ++extra;
          if (random() % 8 == 0) std::this_thread::yield();
        }
      });
    for (auto& thread : threads) thread.join();
    if (depth == 1) {
      while (ends < submitted) std::this_thread::yield();
      check_empty(*script, std::move(engine));
    }
    engine.reset();
    CHECK(ends == submitted);
    CHECK(extra == 0);
  }
}
