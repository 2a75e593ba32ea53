// load(): checks the files, fits the pair to memory, loads it and warms it up.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "runtimes/llama/backends.h"
#include "runtimes/llama/candidate.h"
#include "runtimes/llama/log.h"
#include "runtimes/llama/memory.h"
#include "runtimes/llama/model.h"
#include "runtimes/llama/model_file.h"
#include "runtimes/llama/placement.h"
#include "runtimes/llama/vocabulary.h"
#include "runtimes/llama/vocabulary_pair.h"
#include "runtimes/llama/warm_up.h"

namespace octet::llama {
namespace {

class Progress {
 public:
  explicit Progress(const std::function<bool(LoadPhase, float)>& call) : call_(call) {}

  bool goes_on(LoadPhase phase, float fraction) const { return !call_ || call_(phase, fraction); }
  void operator()(LoadPhase phase, float fraction) const {
    if (!goes_on(phase, fraction)) throw Error(ErrorCode::kCancelled, "Loading was cancelled");
  }

 private:
  const std::function<bool(LoadPhase, float)>& call_;
};

std::pair<ChosenDevice, Fit> place_here(const LoadOptions& options, const Footprint& target, const Footprint* draft) {
  std::vector<ChosenDevice> matching = matching_devices(options.device);
  std::vector<Device> devices;
  for (const ChosenDevice& chosen : matching) devices.push_back(chosen.device);
  Placement found = place(options, target, draft, devices);
  return {std::move(matching[found.device]), std::move(found.fit)};
}

// More threads than cores wait for each other by spinning, a time slice at a barrier: with hundreds no step seems to end.
int threads_for(const LoadOptions& options, std::vector<std::string>& notices) {
  if (options.threads == 0) return default_threads();
  const int cores = machine().logical_cores;
  if (options.threads <= cores) return options.threads;
  notices.push_back(std::to_string(cores) + (cores == 1 ? " compute thread" : " compute threads") + " instead of " +
                    std::to_string(options.threads) + ": as many as there are cores.");
  return cores;
}

// Two operations a weight and token, at what a core does with quantised weights (the extension's guess too, promptSpeed.ts). Not measured: the same prompt is then computed in the same
// pieces whenever and whatever else the machine does, and rounds the same.
int prefill_chunk(double parameters, int threads, bool on_gpu) {
  constexpr double kMs = 50, kOperationsPerMs = 20e6;
  if (on_gpu) return kPassRows;
  const double tokens = kMs * kOperationsPerMs * threads / (2 * std::max(1.0, parameters));
  return static_cast<int>(std::exp2(std::clamp(std::round(std::log2(tokens)), 4.0, std::log2(kPassRows))));
}

}  // namespace

LoadedPair load(const LoadOptions& options, const std::function<bool(LoadPhase, float)>& progress) {
  check(options);
  const Progress report(progress);
  report(LoadPhase::kChecking, 0);
  std::future<Candidate> coming_draft = examine_draft(options);
  Candidate target = examine(options.target);
  std::optional<Candidate> draft;
  LoadedPair pair;
  pair.shared_vocabulary = target.footprint.shape.vocabulary;
  if (!options.draft.empty()) {
    report(LoadPhase::kChecking, 0.5f);
    draft = coming_draft.get();
    pair.shared_vocabulary = shared_vocabulary(target.vocabulary.get(), draft->vocabulary.get());
    pair.draft_info = draft->info;
    draft->vocabulary.reset();
  }
  target.vocabulary.reset();
  pair.target_info = target.info;
  const Footprint* const draft_footprint = draft ? &draft->footprint : nullptr;
  auto [chosen, fit] = place_here(options, target.footprint, draft_footprint);
  pair.device = chosen.device;
  pair.threads = threads_for(options, pair.notices);
  report(LoadPhase::kChecking, 1);

  const auto weights = [&, handle = chosen.handle](const std::string& path, LoadPhase phase) {
    report(phase, 0);
    ModelHandle model = open_weights(path, handle, [&](float done) { return report.goes_on(phase, done); });
    report(phase, 1);
    return model;
  };
  const ModelHandle target_model = weights(options.target, LoadPhase::kTarget);
  const ModelHandle draft_model = draft ? weights(options.draft, LoadPhase::kDraft) : nullptr;

  const ThreadPool pool = make_thread_pool(pair.threads);
  for (int attempt = 0;; ++attempt) {
    ContextOptions context{fit.cache_tokens, fit.lanes, pair.threads, fit.kv_type, chosen.handle != nullptr, false};
    try {
      context.keep_scores = keeps_scores(target.footprint.shape, fit.cache_tokens);
      pair.target = make_model(target_model, pool, context);
      if (!draft) break;
      context.keep_scores = keeps_scores(draft->footprint.shape, fit.cache_tokens);
      pair.draft = make_model(draft_model, pool, context);
      break;
    } catch (const Error& error) {
      // The device held less than it said: ask for less of what the estimate counts.
      pair.target.reset();
      constexpr int kAttempts = 4;
      if (error.code != ErrorCode::kOutOfMemory || attempt == kAttempts) throw;
      write_log(LogLevel::kWarning, error.what());
      fit = fit_to_memory(options, target.footprint, draft_footprint, fit.memory.total / 4 * 3);
    }
  }

  report(LoadPhase::kWarmup, 0);
  check_numbers(*pair.target, options.target);
  if (pair.draft) check_numbers(*pair.draft, options.draft);
  if (chosen.handle) {
    constexpr std::chrono::seconds kTarget{6}, kDraft{3};
    compile_kernels(*pair.target, fit.lanes, kTarget, [&](float done) { report(LoadPhase::kWarmup, done / 2); });
    if (pair.draft) compile_kernels(*pair.draft, fit.lanes, kDraft, [&](float done) { report(LoadPhase::kWarmup, 0.5f + done / 2); });
  }
  pair.vocabulary = make_vocabulary(target_model);
  pair.lanes = fit.lanes;
  pair.context_tokens = fit.context_tokens;
  pair.cache_tokens = pair.target->cache_tokens();
  const auto parameters = static_cast<double>(pair.target_info.parameters + pair.draft_info.parameters);
  pair.keeps_prefill_chunk = chosen.handle == nullptr;
  pair.prefill_chunk = prefill_chunk(parameters, pair.threads, chosen.handle != nullptr);
  pair.memory = fit.memory;
  pair.notices.insert(pair.notices.begin(), fit.notices.begin(), fit.notices.end());
  report(LoadPhase::kWarmup, 1);
  return pair;
}

}  // namespace octet::llama
