// The starter pair on a GPU through llama.cpp: what it computes is what the processor computes. Any device does, a driver that computes
// on processors too (scripts/lib/suites.mjs).
#include <doctest/doctest.h>

#include <thread>

#include "llama_gpu.h"
#include "llama_referee.h"

using namespace octet;
using namespace octet::llama;

GPU_CASE("passes of any number of rows, shared prompts, ragged lanes and roll-backs give the processor's logits") {
  const auto cpu = load_pair(exact_options(float_copy(kTargetFile)));
  const auto gpu = load_pair(gpu_options(float_copy(kTargetFile)));
  on_gpu(gpu);
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
