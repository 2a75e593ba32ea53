// Octet's engine beside the same llama.cpp driven the plain way, on the same model file, threads and sampling, in one run.
//
// The plain way is that of llama.cpp's own batched example: one context, the prompt decoded once and shared by all
// sequences, one llama_decode a step, a sampler chain a sequence. Methods alternate within each repeat, so that drift of
// the machine hits both; what is printed is medians over the repeats, of decoding alone (the prompt is excluded).
// Usage: llama_peer_bench [threads] [new tokens] [repeats]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bench_prompt.h"
#include "collect.h"
#include "engine/host_runtime.h"
#include "llama.h"
#include "llama_fixture.h"

namespace {

using Clock = std::chrono::steady_clock;

// llama.cpp alone: a context of its own, driven by its public functions.
class Plain {
 public:
  Plain(const std::string& file, int threads) {
    model_ = llama_model_load_from_file(file.c_str(), llama_model_default_params());
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 8192;
    params.n_batch = 512;
    params.n_seq_max = octet::kMaxLanes;
    params.kv_unified = true;
    params.n_threads = params.n_threads_batch = threads;
    context_ = llama_init_from_model(model_, params);
    batch_ = llama_batch_init(512, 0, 1);
  }
  ~Plain() {
    llama_batch_free(batch_);
    llama_free(context_);
    llama_model_free(model_);
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  /// Tokens per second of `lanes` sequences of `count` tokens each.
  double run(const std::vector<llama_token>& prompt, int lanes, int count, const octet::Sampling& sampling) {
    llama_memory_t memory = llama_get_memory(context_);
    llama_memory_clear(memory, true);
    std::vector<llama_sampler*> samplers;
    for (int lane = 0; lane < lanes; ++lane) {
      llama_sampler* chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
      if (sampling.temperature <= 0) {
        llama_sampler_chain_add(chain, llama_sampler_init_greedy());
      } else {
        if (sampling.top_k > 0) llama_sampler_chain_add(chain, llama_sampler_init_top_k(sampling.top_k));
        if (sampling.top_p < 1) llama_sampler_chain_add(chain, llama_sampler_init_top_p(sampling.top_p, 1));
        llama_sampler_chain_add(chain, llama_sampler_init_temp(sampling.temperature));
        llama_sampler_chain_add(chain, llama_sampler_init_dist(static_cast<std::uint32_t>(sampling.seed + lane)));
      }
      samplers.push_back(chain);
    }
    batch_.n_tokens = 0;
    for (std::size_t i = 0; i < prompt.size(); ++i) add(prompt[i], static_cast<int>(i), 0, i + 1 == prompt.size());
    llama_decode(context_, batch_);
    for (int lane = 1; lane < lanes; ++lane) llama_memory_seq_cp(memory, 0, lane, -1, -1);
    std::vector<llama_token> next(lanes);
    const auto start = Clock::now();
    for (int lane = 0; lane < lanes; ++lane) next[lane] = llama_sampler_sample(samplers[lane], context_, -1);
    for (int step = 1; step < count; ++step) {
      batch_.n_tokens = 0;
      for (int lane = 0; lane < lanes; ++lane) add(next[lane], static_cast<int>(prompt.size()) + step - 1, lane, true);
      if (llama_decode(context_, batch_) != 0) std::abort();
      for (int lane = 0; lane < lanes; ++lane) next[lane] = llama_sampler_sample(samplers[lane], context_, lane);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    for (llama_sampler* sampler : samplers) llama_sampler_free(sampler);
    return lanes * count / seconds;
  }

 private:
  void add(llama_token token, int position, int sequence, bool logits) {
    const int i = batch_.n_tokens++;
    batch_.token[i] = token;
    batch_.pos[i] = position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = logits;
  }

  llama_model* model_;
  llama_context* context_;
  llama_batch batch_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int count, char** arguments) {
  using namespace octet;
  llama::LoadOptions options;
  options.target = llama::kTargetFile;
  options.draft = llama::kDraftFile;
  options.device = "cpu";
  options.threads = count > 1 ? std::atoi(arguments[1]) : 0;
  options.lanes = kMaxLanes;
  const int new_tokens = count > 2 ? std::max(2, std::atoi(arguments[2])) : 128;
  const int repeats = count > 3 ? std::max(1, std::atoi(arguments[3])) : 9;
  llama::LoadedPair pair = llama::load_pair(options);
  const RuntimeInfo info{.name = "llama", .device = "CPU", .max_lanes = pair.lanes, .context_tokens = pair.context_tokens,
                         .cache_tokens = pair.cache_tokens, .vocabulary = pair.shared_vocabulary, .has_draft = true};
  Engine engine(std::make_unique<HostRuntime>(info, std::move(pair.target), std::move(pair.draft)), pair.vocabulary);
  Plain plain(options.target, pair.threads);
  const std::vector<Token> prompt = pair.vocabulary->tokenize(kBenchPrompt, true, false);

  struct Case {
    const char* name;
    Sampling sampling;
  };
  const Case cases[] = {{"temperature 0.8, top-p 0.95", {.temperature = 0.8f, .top_k = 0, .top_p = 0.95f}},
                        {"temperature 0.8, top-k 40, top-p 0.95", {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f}},
                        {"temperature 0", {.temperature = 0}}};
  std::printf("%d threads, prompt %zu tokens, %d new tokens a lane, %d repeats; tokens per second, all lanes\n\n", pair.threads,
              prompt.size(), new_tokens, repeats);
  std::printf("| sampling | lanes | llama.cpp, plain | Octet, plain | ratio | Octet, auto | ratio | ratio, min to max |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  for (const Case& c : cases)
    for (const int lanes : {1, 8, 16}) {
      std::vector<double> theirs, none, automatic, none_ratio, auto_ratio;
      for (int repeat = -1; repeat < repeats; ++repeat) {
        Sampling sampling = c.sampling;
        sampling.seed = static_cast<std::uint64_t>(repeat + 1);
        const auto ours = [&](const char* policy) {
          Request request;
          request.prompt = prompt;
          request.lanes = lanes;
          request.max_new_tokens = new_tokens;
          request.sampling = sampling;
          request.ignore_end = true;
          request.draft_length = DraftLengthSpec::parse(policy);
          return run(engine, std::move(request)).result.totals.tokens_per_second.value();
        };
        const double a = plain.run(prompt, lanes, new_tokens, sampling), b = ours("none"), d = ours("auto");
        if (repeat < 0) continue;
        theirs.push_back(a);
        none.push_back(b);
        automatic.push_back(d);
        none_ratio.push_back(b / a);
        auto_ratio.push_back(d / a);
      }
      const auto [low, high] = std::minmax_element(auto_ratio.begin(), auto_ratio.end());
      std::printf("| %s | %d | %.0f | %.0f | %.2f | %.0f | %.2f | %.2f to %.2f |\n", c.name, lanes, median(theirs), median(none),
                  median(none_ratio), median(automatic), median(auto_ratio), *low, *high);
    }
}
