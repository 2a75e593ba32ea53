#include "runtimes/cuda/runtime/cuda_runtime.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "runtimes/cuda/runtime/lanes.h"
#include "runtimes/cuda/runtime/logit_rows.h"
#include "runtimes/cuda/runtime/prompt_pass.h"
#include "runtimes/cuda/runtime/score.h"
#include "runtimes/cuda/runtime/sizes.h"
#include "runtimes/cuda/runtime/step_graphs.h"
#include "runtimes/cuda/runtime/steps_under_way.h"

namespace octet::cuda {
namespace {

constexpr int kFewCatchUpRows = 8;  // of a lane, in the smaller of the two catch-up passes

// A network with its cache and the memory of its passes.
struct Model {
  Model(Network&& taken, const RuntimeOptions& options, int rows, const DeviceInfo& device, const GemmChoices& choices)
      : network(std::move(taken)),
        cache(network.architecture, options.cache_tokens, options.precision),
        activations(pass_needs(network, options.precision), options.precision, rows, device, &choices),
        forward(network, cache, activations) {}
  /// The cache's memory is free to be overwritten until the first prompt.
  TunedNetwork tuned(bool is_draft, const RuntimeOptions& options) const {
    const std::size_t bytes = KvCache::bytes(network.architecture, options.cache_tokens, options.precision);
    return {&forward, is_draft, {static_cast<std::byte*>(cache.keys(0)), bytes}};
  }

  Network network;
  KvCache cache;
  Activations activations;
  Forward forward;
};

std::string megabytes(std::size_t bytes) { return std::to_string((bytes + (std::size_t{1} << 20) - 1) >> 20) + " MB"; }

// One stream orders all: what is put on it after a step (a prompt into the cells of a closed one, a lane into a closed one's slot)
// is done after that step. So nothing that a step under way reads or writes is reused too early, though the host runs ahead.
class CudaRuntime final : public Runtime {
 public:
  CudaRuntime(Network&& target, std::optional<Network>&& draft, const RuntimeOptions& options, const DeviceInfo& device)
      : options_(options),
        sizes_(sizes_of(target.architecture, draft ? &draft->architecture : nullptr, options)),
        info_{.name = "cuda", .device = device.name, .max_lanes = options.lanes, .context_tokens = options.context_tokens,
              .cache_tokens = options.cache_tokens, .vocabulary = options.vocabulary, .has_draft = draft.has_value(), .takes_drafts = !draft,
              .pads_rows = true},
        prompts_(options.cache_tokens),
        lanes_(options.lanes),
        target_(std::move(target), options, sizes_.target_rows, device, choices_),
        memory_(sizes_.limits, options.end_tokens, device),
        prompt_pass_(memory_, sizes_.prompt_rows) {
    if (draft) draft_.emplace(std::move(*draft), options, sizes_.draft_rows, device, choices_);
    graphs_.emplace(parts(), kMostGraphPasses);
  }

  ~CudaRuntime() override {
    try {
      stream_.synchronize();  // before its memory goes
    } catch (const std::exception&) {
    }
  }

  const RuntimeInfo& info() const override { return info_; }
  OpenedPrompt open_prompt(const PromptStart& start) override;
  int prefill(PromptId prompt, int max_tokens, bool with_draft) override;
  std::vector<float> logits(PromptId prompt) override;
  void close_prompt(PromptId prompt) override { prompts_.close(prompt); }
  void drop_cached_prompts() override { prompts_.drop_closed(); }
  std::vector<float> score(std::span<const Token> tokens, bool by_draft) override;
  void open_lane(const LaneStart& lane) override;
  void close_lane(LaneId lane) override { lanes_.close(lane); }
  int depth() const override { return 2; }
  int draft_cells() const override { return 0; }  // drafts are cut to the lane's room
  void submit(const StepPlan& plan) override;
  StepResult collect() override { return steps_.collect(); }

  /// Before the first step: plans of products are measured, if that is wanted. False: given up.
  bool tune_products(const DeviceInfo& device);
  void warm_up();

 private:
  StepParts parts() const { return {memory_, clock_, target_.forward, draft_ ? &draft_->forward : nullptr}; }
  void compute_put_off_prompts(const std::vector<PlannedLane>& batch);
  void catch_up(const std::vector<PlannedLane>& batch, int lanes);

  RuntimeOptions options_;
  Sizes sizes_;
  RuntimeInfo info_;
  PromptStore prompts_;
  Lanes lanes_;
  GemmChoices choices_;  // the models look in it
  Stream stream_;
  Model target_;
  std::optional<Model> draft_;
  StepMemory memory_;
  StepClock clock_;
  PromptPass prompt_pass_;
  std::optional<StepGraphs> graphs_;
  StepsUnderWay steps_{memory_, clock_};
};

bool CudaRuntime::tune_products(const DeviceInfo& device) {
  if (!options_.tuning.wanted()) return true;
  std::vector<TunedNetwork> networks{target_.tuned(false, options_)};
  if (draft_) networks.push_back(draft_->tuned(true, options_));
  const std::vector<TunedPass> passes = passes_to_tune(options_.lanes - options_.spare_lanes, options_.spare_lanes, sizes_.limits.draft_length, sizes_.limits.catch_up_rows, draft_.has_value());
  const TuningOptions tuning = std::exchange(options_.tuning, {});  // what it tells and asks is the caller's, who is gone later
  return tune(stream_, networks, passes, device, tuning, choices_);
}

// A step without lanes: kernels are loaded and the device proves itself before the first request.
void CudaRuntime::warm_up() {
  steps_.write_input({});
  put_step(stream_, parts(), {.lanes = 1, .draft_length = std::min(1, sizes_.limits.draft_length)});
  steps_.put_unheard();
  stream_.synchronize();
}

// Prompts -------------------------------------------------------------------------------------------------------------

Runtime::OpenedPrompt CudaRuntime::open_prompt(const PromptStart& start) {
  const PromptStore::Opened opened = prompts_.open(start);
  if (opened.copy) {
    target_.cache.copy(stream_, *opened.copy, opened.prompt->target_cached);
    if (draft_) draft_->cache.copy(stream_, *opened.copy, opened.prompt->draft_cached);
  }
  return {opened.prompt->id, opened.reused};
}

// Waits for the chunk: its time is what the engine sizes the next one by.
int CudaRuntime::prefill(PromptId id, int max_tokens, bool with_draft) {
  StoredPrompt& prompt = prompts_.at(id);
  int left = prompt_pass_.fill(stream_, target_.forward, prompt, prompt.target_cached, prompt.before_logits(), max_tokens);
  if (with_draft && draft_)
    left = std::max(left, prompt_pass_.fill(stream_, draft_->forward, prompt, prompt.draft_cached, prompt.shared(), max_tokens));
  stream_.synchronize();
  return left;
}

std::vector<float> CudaRuntime::logits(PromptId id) {
  StoredPrompt& prompt = prompts_.at(id);
  if (prompt.target_cached != prompt.before_logits()) throw std::logic_error("the prompt is not computed up to its logits");
  // The memory of a step's logits: the steps before this are done with it once the stream comes here.
  const LogitScratch scratch{memory_.target_logits(), sizes_.limits.lanes * (sizes_.limits.draft_length + 1)};
  std::vector<float> rows;
  while (prompt.target_cached < prompt.shared()) {
    const std::vector<float> some =
        logits_behind(stream_, prompt_pass_, target_.forward, prompt, prompt.target_cached, prompt.shared(), info_.vocabulary, scratch);
    rows.insert(rows.end(), some.begin(), some.end());
    prompt.target_cached += static_cast<int>(some.size()) / info_.vocabulary;
  }
  return rows;
}

std::vector<float> CudaRuntime::score(std::span<const Token> tokens, bool by_draft) {
  if (by_draft && !draft_) throw std::runtime_error("There is no draft to score with");
  prompts_.drop_closed();
  const StoredPrompt& prompt = *prompts_.open({tokens}).prompt;
  const PromptId id = prompt.id;
  try {
    std::vector<float> logprobs = score_prompt(stream_, prompt_pass_, by_draft ? draft_->forward : target_.forward, prompt, info_.vocabulary);
    prompts_.close(id);
    return logprobs;
  } catch (...) {
    prompts_.close(id);
    throw;
  }
}

// Lanes ---------------------------------------------------------------------------------------------------------------

void CudaRuntime::open_lane(const LaneStart& start) {
  StoredPrompt& prompt = prompts_.at(start.prompt);
  if (prompt.target_cached < prompt.shared()) throw std::logic_error("the prompt is not computed yet");
  const LaneFork fork = start.fork.value_or(LaneFork{prompt.shared(), prompt.tokens.back()});
  if (start.fork && (fork.shared < 1 || fork.shared > prompt.shared())) throw std::logic_error("a lane that does not start within its prompt");
  const int length = fork.shared + 1;
  if (start.max_new_tokens < 1 || length + start.max_new_tokens > options_.context_tokens)
    throw std::logic_error("a lane longer than the context");
  OpenLane& lane = lanes_.open(start.id, start.prompt, fork.shared);
  try {
    const int tail = prompts_.take_tail(prompt, start.max_new_tokens);
    const int draft_cached = std::min(prompt.draft_cached, fork.shared);
    lane.behind = length - draft_cached;
    lane.prompt_behind = fork.shared - draft_cached;
    memory_.open_lane(stream_, lane.slot, {.prompt_start = prompt.region.start, .prompt_length = fork.shared, .tail_start = tail},
                      {.sampling = start.sampling, .stream = start.stream, .prompt_length = fork.shared, .length = length,
                       .room = start.max_new_tokens, .draft_cached = draft_cached, .ends_at_end = start.ends_at_end},
                      fork.last);
  } catch (...) {
    lanes_.close(start.id);
    throw;
  }
}

// Steps ---------------------------------------------------------------------------------------------------------------

// A prompt's draft pass that was put off until a lane of it drafts is made once, for whichever lanes of it come to draft.
void CudaRuntime::compute_put_off_prompts(const std::vector<PlannedLane>& batch) {
  for (const PlannedLane& planned : batch) {
    OpenLane& lane = *planned.lane;
    if (planned.draft_length == 0 || lane.prompt_behind == 0) continue;
    StoredPrompt& prompt = prompts_.at(lane.prompt);
    prompt_pass_.fill(stream_, draft_->forward, prompt, prompt.draft_cached, prompt.shared(), prompt.shared());
    memory_.set_draft_cached(stream_, lane.slot, lane.shared);
    lane.behind -= std::exchange(lane.prompt_behind, 0);
  }
}

// As many passes as the lane that may be furthest behind needs until its draft lacks the last two tokens only.
void CudaRuntime::catch_up(const std::vector<PlannedLane>& batch, int lanes) {
  int behind = 0;
  for (const PlannedLane& planned : batch)
    if (planned.draft_length > 0) behind = std::max(behind, planned.lane->behind - 2);
  const int most = sizes_.limits.catch_up_rows, rows = behind > kFewCatchUpRows ? most : std::min(kFewCatchUpRows, most);
  for (; behind > 0; behind -= rows) graphs_->put_catch_up(stream_, lanes, rows);
}

void CudaRuntime::submit(const StepPlan& plan) {
  if (plan.lanes.empty()) throw std::logic_error("a step without lanes");
  if (steps_.count() >= depth()) throw std::logic_error("a step too many");
  const std::vector<PlannedLane> batch = side_by_side(plan, lanes_, sizes_.limits.draft_length, info_.takes_drafts);
  for (const PlannedLane& planned : batch)
    for (const Token token : planned.draft)
      if (token < 0 || token >= info_.vocabulary) throw std::logic_error("a draft in the plan beyond the vocabulary");
  StepShape shape{.lanes = graph_lanes(static_cast<int>(batch.size()), options_.lanes)};
  for (const PlannedLane& lane : batch) shape.draft_length = std::max(shape.draft_length, lane.draft_length);
  if (draft_) compute_put_off_prompts(batch);

  steps_.write_input(batch);
  if (draft_) catch_up(batch, shape.lanes);
  graphs_->put_step(stream_, shape);
  steps_.put(stream_, plan, batch, shape.draft_length, info_.takes_drafts);
  for (const PlannedLane& planned : batch) {
    int& behind = planned.lane->behind;
    behind = planned.draft_length > 0 ? 2 : behind + 1;
  }
}

}  // namespace

std::unique_ptr<Runtime> make_cuda_runtime(Network target, std::optional<Network> draft, const RuntimeOptions& options) {
  if (options.lanes < 1 || options.lanes > kMaxLanes || options.context_tokens < 2 || options.cache_tokens < options.context_tokens ||
      options.most_draft_length < 0 || options.most_draft_length > kMaxDraftLength || options.vocabulary < 1 ||
      options.vocabulary > target.architecture.vocabulary || (draft && options.vocabulary > draft->architecture.vocabulary))
    throw std::logic_error("options out of range");
  const DeviceInfo device = device_info();
  const auto pass_of = [&](const Network& network) { return pass_needs(network, options.precision); };
  const DeviceBytes bytes = device_bytes(pass_of(target), draft ? std::optional(pass_of(*draft)) : std::nullopt, options, device);
  if (bytes.cache + bytes.work > device.free_bytes)
    throw std::runtime_error("out of memory: beside the weights " + megabytes(bytes.cache) + " of keys and values and " + megabytes(bytes.work) +
                             " to compute are needed, and " + megabytes(device.free_bytes) + " are free");
  auto runtime = std::make_unique<CudaRuntime>(std::move(target), std::move(draft), options, device);
  if (!runtime->tune_products(device)) return nullptr;
  runtime->warm_up();
  return runtime;
}

}  // namespace octet::cuda
