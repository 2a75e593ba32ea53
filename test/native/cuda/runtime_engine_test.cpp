// The whole engine over the CUDA runtime: the same tokens as over the host's acceptance, for every policy, ragged, with steps in
// flight; on tiny networks, whose acceptance is anything from none to all.
#include <doctest/doctest.h>

#include "any_device.h"
#include "heard.h"
#include "runtime_setup.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;
using octet::test::check_whole;

namespace {

const std::set<Token> kEnds = {5, 40};

std::unique_ptr<Engine> engine_over(std::unique_ptr<Runtime> runtime) {
  auto vocabulary = std::make_shared<TinyVocabulary>();
  vocabulary->ends = kEnds;
  return std::make_unique<Engine>(std::move(runtime), vocabulary);
}

std::unique_ptr<Engine> cuda_engine(const TinyPair& pair, int cache_tokens = 1024, bool with_draft = true) {
  RuntimeOptions options = tiny_options();
  options.end_tokens = {kEnds.begin(), kEnds.end()};
  options.cache_tokens = cache_tokens;
  return engine_over(cuda_runtime(pair, options, with_draft));
}

Request request(std::vector<Token> prompt, const std::string& policy, float temperature, int lanes, int tokens) {
  Request request;
  request.prompt = std::move(prompt);
  request.lanes = lanes;
  request.max_new_tokens = tokens;
  request.sampling = {.temperature = temperature, .top_k = 40, .top_p = 0.95f, .min_p = 0.01f, .seed = 11};
  request.draft_length = DraftLengthSpec::parse(policy);
  return request;
}

// Eight lanes of three prompts, one of them a single token, with lengths of their own.
std::vector<Request> ragged(const std::string& policy, float temperature) {
  std::vector<Request> requests = {request({3, 9, 27, 41, 50, 20, 60}, policy, temperature, 4, 9), request({8}, policy, temperature, 2, 5),
                                   request({3, 9, 27, 41, 11, 12}, policy, temperature, 2, 12)};
  requests[1].ignore_end = true;
  return requests;
}

std::vector<Heard> run_together(Engine& engine, const std::vector<Request>& requests) {
  std::vector<std::future<Heard>> futures;
  for (const Request& request : requests) futures.push_back(start(engine, request));
  std::vector<Heard> heard;
  for (std::size_t i = 0; i < futures.size(); ++i) {
    heard.push_back(futures[i].get());
    check_whole(heard.back(), requests[i].lanes);
  }
  return heard;
}

void check_same(const Heard& got, const Heard& want) {
  for (std::size_t lane = 0; lane < want.result.sequences.size(); ++lane) {
    CAPTURE(lane);
    const SequenceResult &a = got.result.sequences[lane], &b = want.result.sequences[lane];
    CHECK(a.finish == b.finish);
    REQUIRE(a.tokens.size() == b.tokens.size());
    for (std::size_t i = 0; i < a.tokens.size(); ++i) {
      REQUIRE(a.tokens[i].token == b.tokens[i].token);
      CHECK(std::abs(a.tokens[i].logprob - b.tokens[i].logprob) < 1e-3f);
    }
  }
}

void check_same(const std::vector<Heard>& got, const std::vector<Heard>& want) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    check_same(got[i], want[i]);
  }
}

}  // namespace

TEST_CASE("cuda engine: temperature 0, every policy on ragged batches, as over the host's acceptance") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  const auto want = run_together(*engine_over(host_runtime(pair)), ragged("none", 0));
  const auto engine = cuda_engine(pair);
  int drafted = 0, accepted = 0;
  for (const char* policy : {"none", "fixed:1", "fixed:2", "fixed:3", "fixed:4", "fixed:5", "fixed:6", "fixed:7", "fixed:8", "bass", "auto"}) {
    CAPTURE(std::string(policy));
    const auto got = run_together(*engine, ragged(policy, 0));
    check_same(got, want);
    for (const Heard& heard : got) {
      drafted += heard.result.totals.drafted;
      accepted += heard.result.totals.accepted;
    }
  }
  MESSAGE(accepted << " of " << drafted << " drafted tokens accepted");
  CHECK(accepted > drafted / 8);
  CHECK(accepted < drafted);
}

TEST_CASE("cuda engine: temperature 0.8 with top-k, top-p and min-p, the same seeds give the same tokens and the same drafts") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  const auto host = engine_over(host_runtime(pair)), engine = cuda_engine(pair);
  for (const char* policy : {"none", "fixed:5"}) {
    CAPTURE(std::string(policy));
    const auto want = run_together(*host, ragged(policy, 0.8f)), got = run_together(*engine, ragged(policy, 0.8f));
    check_same(got, want);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i].result.totals.drafted == want[i].result.totals.drafted);
      CHECK(got[i].result.totals.accepted == want[i].result.totals.accepted);
    }
  }
}

TEST_CASE("cuda engine: a draft that is the target itself is accepted throughout, step after step") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0);
  const auto engine = cuda_engine(pair);
  Request asked = request({3, 9, 27, 41}, "fixed:4", 0, 2, 25);
  asked.ignore_end = true;
  const Heard heard = run(*engine, asked);
  check_whole(heard, 2);
  CHECK(heard.result.totals.accepted == heard.result.totals.drafted);
  CHECK(heard.result.totals.steps == 5);  // 25 tokens by fives
}

TEST_CASE("cuda engine: bass grows while all is accepted, and sees it one step late") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0);
  const auto engine = cuda_engine(pair);
  Request asked = request({3, 9, 27, 41}, "bass", 0, 1, 40);
  asked.ignore_end = true;
  const Heard heard = run(*engine, asked);
  std::vector<int> lengths;
  for (const StepEvent& step : heard.steps) lengths.push_back(step.draft_length);
  REQUIRE(lengths.size() >= 4);
  lengths.resize(4);
  CHECK(lengths == std::vector<int>{7, 7, 9, 9});
}

TEST_CASE("cuda engine: a request waits for room in the cache, another's prompt is reused, cancelled ones leave nothing") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  const auto host = engine_over(host_runtime(pair)), engine = cuda_engine(pair, 96);
  std::vector<Request> requests;
  for (int i = 0; i < 5; ++i) requests.push_back(request({3, 9, 27, 41, 50, static_cast<Token>(20 + i % 2)}, "fixed:3", 0.8f, 3, 8));
  Engine::RequestId id = 0;
  auto cancelled = start(*engine, request({1, 2, 3}, "fixed:8", 0.8f, 4, 12), &id);
  engine->cancel(id);
  check_same(run_together(*engine, requests), run_together(*host, requests));
  check_whole(cancelled.get(), 4);
  CHECK(run(*engine, requests[0]).result.totals.reused_tokens == 5);
}

TEST_CASE("cuda engine: lanes cancelled within a step make room for others at once, whose tokens are their own") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  const auto host = engine_over(host_runtime(pair)), engine = cuda_engine(pair);
  const Request first = request({3, 9, 27, 41, 50}, "fixed:3", 0.8f, 8, 30);
  for (int round = 0; round < 2; ++round) {
    Engine::RequestId id = 0;
    std::atomic<Engine::RequestId> known = 0;
    Engine& it = *engine;
    auto cancelled = start(it, first, &id, [&](const StepEvent&) {
      if (known != 0) it.cancel(known);
    });
    const Request second = request({8, 16, static_cast<Token>(round)}, "fixed:2", 0.8f, 8, 5);
    auto waiting = start(it, second);
    known = id;
    check_whole(cancelled.get(), 8);
    check_same(waiting.get(), run(*host, second));
  }
}

TEST_CASE("cuda engine: healed lanes, which leave the lead at different places, as over the host's acceptance") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  const auto host = engine_over(host_runtime(pair)), engine = cuda_engine(pair);
  std::set<std::size_t> first_tokens;
  for (const char* policy : {"none", "fixed:4"}) {
    CAPTURE(std::string(policy));
    std::vector<Request> requests = ragged(policy, 0.8f);
    for (Request& asked : requests) asked.sampling = {.temperature = 0.8f, .top_k = 0, .top_p = 1, .seed = 11};
    requests[0].lead = {0, 1, 2};  // "a" "b" "c"; TinyVocabulary has "bc" and "abc" too
    requests[2].lead = {1};
    const auto want = run_together(*host, requests), got = run_together(*engine, requests);
    check_same(got, want);
    for (const Heard& heard : got) CHECK(heard.steps[0].lanes.size() == heard.result.sequences.size());
    for (const LaneEvent& lane : got[0].steps[0].lanes) first_tokens.insert(lane.tokens.size());
  }
  CHECK(first_tokens.size() > 1);
}

TEST_CASE("cuda engine: a prepared prompt opens no lane, leaves nothing but its cells, and is there for what begins with it") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  const auto host = engine_over(host_runtime(pair)), engine = cuda_engine(pair, 96);
  Request ahead = request({3, 9, 27, 41, 50, 20}, "fixed:3", 0.8f, 3, 8);
  ahead.prepare = true;
  for (int round = 0; round < 20; ++round) {  // the cache would be full soon
    const Heard prepared = run(*engine, ahead);
    check_whole(prepared, 3);
    CHECK(prepared.steps.empty());
    CHECK(prepared.result.sequences[0].finish == FinishReason::kEnd);
  }
  const Request asked = request({3, 9, 27, 41, 50, 20, 60}, "fixed:3", 0.8f, 3, 8);
  const Heard heard = run(*engine, asked);
  CHECK(heard.result.totals.reused_tokens == 5);
  check_same(heard, run(*host, asked));
}

TEST_CASE("cuda engine: scores are the host's, of target and draft") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair(0.1f);
  const auto host = engine_over(host_runtime(pair)), engine = cuda_engine(pair);
  run(*engine, request({3, 9, 27}, "fixed:3", 0, 2, 10));
  Request asked = request({}, "none", 0, 1, 1);
  for (int i = 0; i < 70; ++i) asked.prompt.push_back(i * 13 % kTinyVocabulary);
  for (const auto by : {Request::Score::kTarget, Request::Score::kDraft}) {
    asked.score = by;
    const std::vector<float> got = run(*engine, asked).result.prompt_logprobs, want = run(*host, asked).result.prompt_logprobs;
    REQUIRE(got.size() == 69);
    REQUIRE(want.size() == 69);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - want[i]) < 1e-3f);
  }
  check_same(run(*engine, request({3, 9, 27}, "fixed:3", 0, 2, 10)), run(*host, request({3, 9, 27}, "fixed:3", 0, 2, 10)));
}

namespace {

// Lanes whose text stood before, in their prompts and in their own.
std::vector<Request> repetitive(const std::string& policy, float temperature) {
  std::vector<Token> prompt;
  for (int i = 0; i < 30; ++i) prompt.push_back(Token{(i % 6) * 7 + 3});
  std::vector<Request> requests = {request(prompt, policy, temperature, 3, 32), request({8, 9, 8, 9, 8}, policy, temperature, 2, 25),
                                   request({prompt.begin(), prompt.begin() + 20}, policy, temperature, 2, 12)};
  requests[1].ignore_end = true;
  return requests;
}

int accepted_by(const std::vector<Heard>& all) {
  int accepted = 0;
  for (const Heard& heard : all) accepted += heard.result.totals.accepted;
  return accepted;
}

}  // namespace

TEST_CASE("cuda engine: without a draft, temperature 0, drafts looked up by every policy, as over the host's acceptance") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair;
  const auto host = engine_over(host_runtime(pair, false)), engine = cuda_engine(pair, 1024, false);
  const auto want = run_together(*host, repetitive("none", 0));
  CHECK(accepted_by(want) == 0);
  for (const char* policy : {"none", "fixed:1", "fixed:16", "bass", "auto", "auto"}) {
    CAPTURE(std::string(policy));
    const auto got = run_together(*engine, repetitive(policy, 0));
    check_same(got, want);
    const int accepted = accepted_by(got);
    MESSAGE(accepted << " tokens accepted");
    if (std::string(policy) != "auto") CHECK((accepted > 0) == (std::string(policy) != "none"));  // here a row costs what a token brings
  }
}

TEST_CASE("cuda engine: without a draft, temperature 0.8 with top-k, top-p and min-p, a seed's tokens are those of plain decoding, whatever is looked up") {
  const AsLateAsAGpuMay deferred;
  const TinyPair pair;
  const auto host = engine_over(host_runtime(pair, false)), engine = cuda_engine(pair, 1024, false);
  const auto want = run_together(*host, repetitive("none", 0.8f));
  for (const char* policy : {"none", "fixed:5", "bass", "auto", "fixed:5"}) {
    CAPTURE(std::string(policy));
    const auto got = run_together(*engine, repetitive(policy, 0.8f));
    check_same(got, want);
    const int accepted = accepted_by(got);
    MESSAGE(accepted << " tokens accepted");
    if (std::string(policy) == "fixed:5" || std::string(policy) == "bass") CHECK(accepted > 0);
  }
}
