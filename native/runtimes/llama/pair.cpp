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
#include "runtimes/llama/split.h"
#include "runtimes/llama/tries.h"
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

// What to ask a device for that had no room for contexts of `failed`; nothing where the pair had better be placed anew.
std::optional<Fit> with_less(const Fit& failed, const LoadOptions& options, const Footprint& target, const Footprint* draft, MemoryKind memory,
                             bool is_last) {
  try {
    const bool split = failed.gpu_layers > 0;
    Fit less = split ? fit_split_to_less(failed, options, target, draft) : fit_to_less(failed, options, target, draft, memory);
    const bool enough = is_enough(options, target, draft, memory, less) && (!split || less.lanes == options.lanes);
    return enough || is_last ? std::optional(std::move(less)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Both models and their contexts onto `chosen`, or what of them the placement puts there, into `pair`. Contexts for which there is less memory
// than the device said are made smaller, as long as a pair would be placed there with that, or the device is the last. Throws
// Error(kOutOfMemory) else, `wanted` being what was asked for in the end.
void load_on(const ChosenDevice& chosen, Placement placed, const LoadOptions& options, const Footprint& target, const Footprint* draft,
             bool is_last, const Progress& report, LoadedPair& pair, std::uint64_t& wanted) {
  pair.device = chosen.device;
  Fit fit = std::move(placed.fit);
  const std::optional<int> layers = fit.gpu_layers > 0 ? std::optional(fit.gpu_layers) : std::nullopt;
  const auto weights = [&](const std::string& path, LoadPhase phase, std::optional<int> gpu_layers) {
    report(phase, 0);
    ModelHandle model = open_weights(path, chosen.handle, gpu_layers, [&](float done) { return report.goes_on(phase, done); });
    report(phase, 1);
    return model;
  };
  const ModelHandle target_model = weights(options.target, LoadPhase::kTarget, layers);
  const ModelHandle draft_model = draft ? weights(options.draft, LoadPhase::kDraft, std::nullopt) : nullptr;

  const ThreadPool pool = make_thread_pool(pair.threads);
  for (int attempt = 0;; ++attempt) {
    ContextOptions context{fit.cache_tokens, fit.lanes + fit.spare_lanes, pair.threads, fit.kv_type, chosen.handle != nullptr, fit.gpu_layers > 0, false};
    try {
      context.keep_scores = keeps_scores(target.shape, fit.cache_tokens);
      pair.target = make_model(target_model, pool, context);
      if (!draft) break;
      context.split = false;
      context.keep_scores = keeps_scores(draft->shape, fit.cache_tokens);
      pair.draft = make_model(draft_model, pool, context);
      break;
    } catch (const Error& error) {
      pair.target.reset();
      constexpr int kAttempts = 4;
      if (error.code != ErrorCode::kOutOfMemory || attempt == kAttempts) throw;
      std::optional<Fit> less = with_less(fit, options, target, draft, memory_kind(chosen.device), is_last);
      if (!less) throw;
      write_log(LogLevel::kWarning, error.what());
      fit = *std::move(less);
      wanted = fit.memory.total;
    }
  }

  report(LoadPhase::kWarmup, 0);
  const std::string gpu = chosen.handle ? chosen.device.name : std::string();
  check_numbers(*pair.target, options.target, gpu);
  if (pair.draft) check_numbers(*pair.draft, options.draft, gpu);
  if (chosen.handle) {
    constexpr std::chrono::seconds kTarget{6}, kDraft{3};
    compile_kernels(*pair.target, fit.lanes, kTarget, [&](float done) { report(LoadPhase::kWarmup, done / 2); });
    if (pair.draft) compile_kernels(*pair.draft, fit.lanes, kDraft, [&](float done) { report(LoadPhase::kWarmup, 0.5f + done / 2); });
  }
  pair.vocabulary = make_vocabulary(target_model);
  pair.lanes = fit.lanes;
  pair.spare_lanes = fit.spare_lanes;
  pair.context_tokens = fit.context_tokens;
  pair.cache_tokens = pair.target->cache_tokens();
  const auto parameters = static_cast<double>(pair.target_info.parameters + pair.draft_info.parameters);
  // A split target's pass copies weights to the GPU however few rows it has: shorter ones would take as long.
  pair.keeps_prefill_chunk = chosen.handle == nullptr || layers;
  pair.prefill_chunk = prefill_chunk(parameters, pair.threads, chosen.handle != nullptr);
  pair.gpu_layers = fit.gpu_layers;
  pair.memory = fit.memory;
  pair.notices.insert(pair.notices.begin(), placed.notices.begin(), placed.notices.end());
  pair.notices.insert(pair.notices.begin(), fit.notices.begin(), fit.notices.end());
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
  Tries tries(matching_devices(options.device));
  for (;;) {
    Tries::Try next = tries.next(options, target.footprint, draft_footprint, available_memory(machine()));
    if (pair.threads == 0) pair.threads = threads_for(options, pair.notices);
    report(LoadPhase::kChecking, 1);
    std::uint64_t wanted = next.placement.fit.memory.total;
    try {
      load_on(next.device, std::move(next.placement), options, target.footprint, draft_footprint, tries.is_last(), report, pair, wanted);
      const std::vector<std::string> notices = tries.notices();
      pair.notices.insert(pair.notices.end(), notices.begin(), notices.end());
      report(LoadPhase::kWarmup, 1);
      return pair;
    } catch (const Error& error) {
      if (error.code != ErrorCode::kOutOfMemory || !next.device.handle) throw;
      write_log(LogLevel::kWarning, error.what());
      pair.draft.reset();
      pair.target.reset();
      tries.failed(error, wanted);
    }
  }
}

}  // namespace octet::llama
