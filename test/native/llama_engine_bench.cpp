// Where a step's time goes on the starter pair: ms per step, host share, tokens per second against plain decoding.
// Usage: llama_engine_bench [threads] [new tokens] [temperature]
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "bench_prompt.h"
#include "collect.h"
#include "engine/host_runtime.h"
#include "llama_fixture.h"

int main(int count, char** arguments) {
  using namespace octet;
  llama::LoadOptions options;
  options.target = llama::kTargetFile;
  options.draft = llama::kDraftFile;
  options.device = "cpu";
  options.threads = count > 1 ? std::atoi(arguments[1]) : 0;
  options.lanes = kMaxLanes;
  llama::LoadedPair pair = llama::load_pair(options);
  const RuntimeInfo info{.name = "llama", .device = "CPU", .max_lanes = pair.lanes, .context_tokens = pair.context_tokens,
                         .cache_tokens = pair.cache_tokens, .vocabulary = pair.shared_vocabulary, .has_draft = true};
  Engine engine(std::make_unique<HostRuntime>(info, std::move(pair.target), std::move(pair.draft)), pair.vocabulary);
  Request base;
  base.prompt = pair.vocabulary->tokenize(kBenchPrompt, true, false);
  base.max_new_tokens = count > 2 ? std::atoi(arguments[2]) : 128;
  base.sampling.temperature = count > 3 ? static_cast<float>(std::atof(arguments[3])) : 0.8f;
  base.ignore_end = true;
  std::printf("%d threads, prompt %zu tokens, %d new tokens\n", pair.threads, base.prompt.size(), base.max_new_tokens);
  std::printf("%-6s %-8s %9s %9s %7s %7s %9s %7s %8s %7s\n", "lanes", "draft", "ms/step", "tok/step", "host %", "accept", "tok/s",
              "ratio", "prefill", "min-max");
  const std::vector<std::string> policies = {"none", "fixed:1", "fixed:3", "bass", "auto"};
  for (const int lanes : {1, 2, 4, 8, 16}) {
    std::vector<std::vector<Result>> results(policies.size());
    for (int repeat = 0; repeat < 6; ++repeat)
      for (std::size_t i = 0; i < policies.size(); ++i) {
        Request request = base;
        request.lanes = lanes;
        request.sampling.seed = repeat;
        request.draft_length = DraftLengthSpec::parse(policies[i]);
        results[i].push_back(run(engine, request).result);
      }
    double plain = 0;
    for (std::size_t i = 0; i < policies.size(); ++i) {
      auto& runs = results[i];
      runs.erase(runs.begin());
      std::sort(runs.begin(), runs.end(), [](const Result& a, const Result& b) { return a.totals.tokens_per_second < b.totals.tokens_per_second; });
      const Totals& t = runs[runs.size() / 2].totals;
      if (i == 0) plain = *t.tokens_per_second;
      std::printf("%-6d %-8s %9.3f %9.2f %7.1f %7.2f %9.0f %7.2f %8.2f %5.0f-%.0f\n", lanes, policies[i].c_str(), t.decode_ms / t.steps,
                  *t.tokens_per_step, 100 * (t.decode_ms - t.draft_ms - t.verify_ms) / t.decode_ms, t.acceptance_rate.value_or(0),
                  *t.tokens_per_second, *t.tokens_per_second / plain, t.prefill_ms, *runs.front().totals.tokens_per_second,
                  *runs.back().totals.tokens_per_second);
    }
  }
}
