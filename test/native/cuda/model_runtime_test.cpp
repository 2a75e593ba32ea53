// The starter pair decoded by the whole engine over the CUDA runtime in float32: llama.cpp's tokens.
#include <doctest/doctest.h>

#include "heard.h"
#include "llama_walk.h"
#include "runtimes/cuda/model/describe.h"
#include "runtimes/cuda/runtime/cuda_runtime.h"

using namespace octet;
using namespace octet::cuda;
using octet::test::check_whole;

namespace {

Network load(const std::string& path) {
  const ModelSource source = describe_network(llama::open_parts(path));
  return *load_network(source.source, {});
}

std::vector<Heard> run_together(Engine& engine, const std::vector<Request>& requests) {
  std::vector<std::future<Heard>> futures;
  for (const Request& request : requests) futures.push_back(start(engine, request));
  std::vector<Heard> heard;
  for (auto& future : futures) heard.push_back(future.get());
  return heard;
}

}  // namespace

TEST_CASE("cuda model: the engine's tokens and drafts on the starter pair are those over llama.cpp, greedy and drawn") {
  const llama::LlamaEngine llama;
  const RuntimeOptions options{.vocabulary = llama.shared_vocabulary, .lanes = 2, .context_tokens = 32, .cache_tokens = 64,
                               .most_draft_length = 2, .precision = Precision::kFloat32};
  auto runtime = make_cuda_runtime(load(llama::kTargetFile), load(llama::kDraftFile), options);
  const auto engine = std::make_unique<Engine>(std::move(runtime), llama.vocabulary);
  int drafted = 0;
  for (const auto& [policy, temperature] : {std::pair{"fixed:2", 0.0f}, {"fixed:2", 0.8f}}) {
    CAPTURE(std::string(policy));
    std::vector<Request> requests = {llama.request("import os", policy, temperature, 1, 5),
                                     llama.request("def f", policy, temperature, 1, 3)};
    for (Request& request : requests) request.sampling.top_k = 50, request.sampling.top_p = 0.95f, request.sampling.min_p = 0.01f;
    const auto want = run_together(*llama.engine, requests), got = run_together(*engine, requests);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      check_whole(got[i], requests[i].lanes);
      CHECK(got[i].result.totals.drafted == want[i].result.totals.drafted);
      CHECK(got[i].result.totals.accepted == want[i].result.totals.accepted);
      drafted += got[i].result.totals.drafted;
      const auto &a = got[i].result.sequences[0].tokens, &b = want[i].result.sequences[0].tokens;
      REQUIRE(a.size() == b.size());
      for (std::size_t t = 0; t < a.size(); ++t) {
        CHECK(a[t].token == b[t].token);
        CHECK(std::abs(a[t].logprob - b[t].logprob) < 1e-3f);
      }
    }
  }
  CHECK(drafted > 0);
}
