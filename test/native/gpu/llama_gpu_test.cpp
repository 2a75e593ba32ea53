// The starter pair on a GPU through llama.cpp: what it computes is what the processor computes. Any device does, a driver that computes
// on processors too (scripts/lib/suites.mjs).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "llama_referee.h"

using namespace octet;
using namespace octet::llama;

namespace {

#define GPU_CASE(name) TEST_CASE("gpu: " name * doctest::skip(gpu_libraries().empty()))

// GPUs may multiply in half precision: logits of about 10 are then wrong by some hundredths. What a wrong position, a stale or a
// foreign cell does is larger by far.
constexpr double kTolerance = 0.1;

LoadOptions gpu_options(const std::string& target, const std::string& draft = {}) {
  LoadOptions options = exact_options(target, draft);
  options.device = "gpu";
  options.kv_type = LoadOptions::KvType::kF16;
  return options;
}

const LoadedPair& on_gpu(const LoadedPair& pair) {
  REQUIRE(pair.device.kind != "cpu");
  return pair;
}

std::vector<Token> tokens(int count, int first) {
  std::vector<Token> all;
  for (int i = 0; i < count; ++i) all.push_back(300 + (first + i * 37) % 7000);
  return all;
}

/// Feeds `tokens` to `sequence` from position `start` on; returns the logits after each of the last `wanted`.
std::vector<std::vector<float>> feed(LogitsModel& model, Sequence sequence, int start, const std::vector<Token>& tokens, int wanted = 1) {
  std::vector<Row> rows;
  const int count = static_cast<int>(tokens.size());
  for (int i = 0; i < count; ++i) rows.push_back({sequence, tokens[static_cast<std::size_t>(i)], start + i, i >= count - wanted});
  model.decode(rows);
  std::vector<std::vector<float>> all;
  for (int i = count - wanted; i < count; ++i) {
    const auto logits = model.logits(i);
    all.emplace_back(logits.begin(), logits.end());
  }
  return all;
}

double difference(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t row = 0; row < a.size(); ++row)
    for (std::size_t i = 0; i < a[row].size(); ++i) {
      const double apart = std::abs(double{a[row][i]} - double{b[row][i]});
      if (!(apart <= most)) most = apart;
    }
  return most;
}

}  // namespace

GPU_CASE("passes of any number of rows, shared prompts, ragged lanes and roll-backs give the processor's logits") {
  const auto cpu = load_pair(exact_options(float_copy(kTargetFile)));
  const auto gpu = load_pair(gpu_options(float_copy(kTargetFile)));
  on_gpu(gpu);
  const std::vector<Token> prompt = tokens(100, 0);
  const auto walk = [&](LogitsModel& model) {
    std::vector<std::vector<float>> all;
    const auto keep = [&](std::vector<std::vector<float>> rows) { std::move(rows.begin(), rows.end(), std::back_inserter(all)); };
    keep(feed(model, 20, 0, prompt, 30));
    for (Sequence lane = 0; lane < 8; ++lane) model.share(20, lane, 100);
    // Garbage in every lane and the next, rolled back again: later rows are at its positions.
    for (Sequence lane = 0; lane < 8; ++lane) feed(model, lane, 100, tokens(6, 1000 * lane));
    for (Sequence lane = 0; lane < 8; ++lane) model.truncate(lane, 100);
    for (int rows = 1; rows <= 5; ++rows) keep(feed(model, rows, 100, tokens(rows, 100 * rows), rows));
    // One row of each lane, at positions of their own.
    std::vector<Row> step;
    for (Sequence lane = 0; lane < 8; ++lane) step.push_back({lane, 500 + lane, lane >= 1 && lane <= 5 ? 100 + lane : 100, true});
    model.decode(step);
    for (int i = 0; i < 8; ++i) keep({{model.logits(i).begin(), model.logits(i).end()}});
    return all;
  };
  const double apart = difference(walk(*gpu.target), walk(*cpu.target));
  MESSAGE("logits within " << apart);
  CHECK(apart < kTolerance);
}

GPU_CASE("temperature 0: ragged batches of every policy are plain decoding's on the processor") {
  LoadedPair pair = load_pair(gpu_options(float_copy(kTargetFile), float_copy(kDraftFile)));
  on_gpu(pair);
  LlamaEngine octet(std::move(pair));
  Referee referee(kTolerance);
  std::vector<Request> requests;
  const char* const policies[] = {"fixed:2", "bass", "fixed:5", "auto"};
  for (int i = 0; i < 4; ++i) requests.push_back(octet.request(kPrompts[i], policies[i], 0, 2, 20 + 3 * i));
  const auto all = run_together(*octet.engine, requests);
  for (int i = 0; i < 4; ++i) referee.check_greedy(requests[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(i)]);
  CHECK(accept_patterns(all).size() >= 3);
}

GPU_CASE("temperature 0.8: log-probabilities are the processor's, and a cancelled request leaves the others alone") {
  LoadedPair pair = load_pair(gpu_options(float_copy(kTargetFile), float_copy(kDraftFile)));
  on_gpu(pair);
  LlamaEngine octet(std::move(pair));
  Referee referee(kTolerance);
  const Request kept = octet.request(kPrompts[0], "fixed:3", 0.8f, 4, 24);
  const Request dropped = octet.request(kPrompts[1], "none", 0.8f, 4, 400);
  std::atomic<Engine::RequestId> id = 0;
  Engine::RequestId given = 0;
  auto other = start(*octet.engine, dropped, &given, [&](const StepEvent& step) {
    while (id == 0) std::this_thread::yield();
    if (step.at_ms > 0) octet.engine->cancel(id);
  });
  id = given;
  referee.check_logprobs(kept, run(*octet.engine, kept));
  const Heard heard = other.get();
  for (const SequenceResult& sequence : heard.result.sequences) CHECK(sequence.finish == FinishReason::kCancelled);
}

GPU_CASE("loading a quantized pair says where it is, and can be cancelled while kernels are compiled") {
  const LoadedPair pair = load_pair(gpu_options(kTargetFile, kDraftFile));
  CHECK(on_gpu(pair).notices.empty());
  CHECK_FALSE(pair.keeps_prefill_chunk);
  int reports = 0;
  try {
    load(gpu_options(kTargetFile, kDraftFile), [&](LoadPhase phase, float done) { return phase != LoadPhase::kWarmup || done == 0 || ++reports < 2; });
    FAIL("loaded");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kCancelled);
  }
  CHECK(reports == 2);
}
