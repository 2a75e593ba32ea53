#include "runtimes/cuda/model/load.h"

#include <optional>

#include "runtimes/cuda/model/describe.h"
#include "runtimes/llama/candidate.h"
#include "runtimes/llama/log.h"
#include "runtimes/llama/placement.h"
#include "runtimes/llama/vocabulary.h"
#include "runtimes/llama/vocabulary_pair.h"

namespace octet::cuda {
namespace {

using llama::LoadPhase;

std::vector<Token> end_tokens(const Vocabulary& vocabulary) {
  std::vector<Token> ends;
  for (Token token = 0; token < vocabulary.size(); ++token)
    if (vocabulary.is_end(token)) ends.push_back(token);
  return ends;
}

LoadPhase load_phase_of(MakingPhase phase) {
  switch (phase) {
    case MakingPhase::kTarget: return LoadPhase::kTarget;
    case MakingPhase::kDraft: return LoadPhase::kDraft;
    case MakingPhase::kMeasuring: return LoadPhase::kWarmup;
  }
  return LoadPhase::kWarmup;
}

}  // namespace

bool wants(const std::string& request) { return request.empty() || request == "auto" || request == "gpu" || request == "cuda"; }

llama::Device describe_device(const Library& library) {
  const DeviceInfo info = library.device();
  return {.name = "cuda", .description = info.name, .kind = "gpu", .memory_bytes = info.total_bytes, .free_memory_bytes = info.free_bytes};
}

LoadedPair load(const Library& library, const llama::LoadOptions& options, const std::function<bool(LoadPhase, float)>& progress) {
  llama::check(options);
  const auto report = [&](LoadPhase phase, float fraction) {
    if (progress && !progress(phase, fraction)) throw Error(ErrorCode::kCancelled, "Loading was cancelled");
  };
  report(LoadPhase::kChecking, 0);
  LoadedPair pair;
  pair.device = describe_device(library);
  std::future<llama::Candidate> coming_draft = llama::examine_draft(options);
  llama::Candidate target = llama::examine(options.target);
  const ModelSource target_model = describe_network(target.parts);
  const auto on_device = [&](const llama::Footprint& file, const ModelSource& model) {
    return llama::Footprint{.shape = file.shape, .weights = library.weight_bytes(model.source)};
  };
  target.footprint = on_device(target.footprint, target_model);
  std::optional<llama::Candidate> draft;
  std::optional<ModelSource> draft_model;
  int vocabulary = target.footprint.shape.vocabulary;
  if (!options.draft.empty()) {
    report(LoadPhase::kChecking, 0.5f);
    draft = coming_draft.get();
    draft_model = describe_network(draft->parts);
    draft->footprint = on_device(draft->footprint, *draft_model);
    vocabulary = llama::shared_vocabulary(target.vocabulary.get(), draft->vocabulary.get());
    pair.draft_info = draft->info;
  }
  llama::LoadOptions fitted = options;
  fitted.kv_type = llama::LoadOptions::KvType::kF16;  // as wide as bf16
  PairSource source{.target = &target_model.source, .draft = draft_model ? &draft_model->source : nullptr, .vocabulary = vocabulary};
  const auto size = [&](int lanes, int context_tokens, int cache_tokens) {
    source.lanes = lanes;
    source.context_tokens = context_tokens;
    source.cache_tokens = cache_tokens;
  };
  const auto compute = [&](int lanes, int context_tokens, int cache_tokens) {
    size(lanes, context_tokens, cache_tokens);
    return std::uint64_t{library.work_bytes(source)};
  };
  const llama::Fit fit = llama::fit_to_memory(fitted, target.footprint, draft ? &draft->footprint : nullptr, llama::MemoryKind::kGpu,
                                              llama::available_memory(options, pair.device), compute);
  // Another runtime may split the pair, or leave it to the processor.
  if (options.device != "cuda" && !llama::is_enough(fitted, target.footprint, draft ? &draft->footprint : nullptr, llama::MemoryKind::kGpu, fit)) {
    throw LittleRoom(pair.device.description + " has room for no more than " + std::to_string(fit.lanes) +
                     (fit.lanes == 1 ? " lane of " : " lanes of ") + std::to_string(fit.context_tokens) + " tokens");
  }
  size(fit.lanes + fit.spare_lanes, fit.context_tokens, fit.cache_tokens);
  source.spare_lanes = fit.spare_lanes;
  pair.lanes = fit.lanes;
  pair.spare_lanes = fit.spare_lanes;
  pair.vocabulary = llama::make_vocabulary(target.vocabulary);
  pair.target_info = target.info;
  pair.memory = fit.memory;
  pair.notices = fit.notices;
  report(LoadPhase::kChecking, 1);

  const std::vector<Token> ends = end_tokens(*pair.vocabulary);
  source.end_tokens = ends;
  source.plans_file = options.cuda_plans;
  source.log = [](const std::string& line) { llama::write_log(llama::LogLevel::kInfo, line); };
  try {
    pair.runtime = library.make_runtime(source, [&](MakingPhase phase, float fraction) {
      return !progress || progress(load_phase_of(phase), fraction);
    });
  } catch (const std::runtime_error& error) {
    throw Error(ErrorCode::kOutOfMemory, std::string("The models could not be put on ") + pair.device.description + ": " + error.what(),
                "Close other programs that use the GPU, or choose smaller models.");
  }
  if (!pair.runtime) throw Error(ErrorCode::kCancelled, "Loading was cancelled");
  report(LoadPhase::kWarmup, 1);
  return pair;
}

}  // namespace octet::cuda
