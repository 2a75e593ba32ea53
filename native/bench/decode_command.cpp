// decode: whole requests by the product's engine over the CUDA runtime, speculative against regular decoding of the same run.
#include <algorithm>
#include <map>

#include "bench/command.h"
#include "bench/decode_bench.h"
#include "bench/device_facts.h"
#include "bench/expand.h"
#include "bench/interrupt.h"
#include "bench/pair.h"
#include "bench/tuned_table.h"
#include "runtimes/cuda/runtime/cuda_runtime.h"

namespace octet::bench {
namespace {

constexpr Option kOptions[] = {
    {"--expand", "T,D", "GGUF files of a small pair whose function the shapes take on: real acceptance"},
    {"--prompt-file", "FILE", "text the prompts are cut from; with --expand"},
    {"--acceptance", "A", "instead of --expand: a drafted token is accepted with this chance, simulated"},
    {"--target", "SHAPE", "published shape of the target (7.8B)"},
    {"--draft", "SHAPE", "of the draft (0.5B)"},
    {"--formats", "LIST", "weight formats of both (bf16,q8_0,q4_k)"},
    {"--batches", "LIST", "lanes, 1 to 16 (1,2,4,8,16)"},
    {"--prompts", "LIST", "tokens of the shared prompt (512,4096)"},
    {"--draft-lengths", "LIST", "policies: none, fixed:K, bass, auto (none,fixed:7,bass,auto)"},
    {"--tokens", "N", "tokens each lane writes (256)"},
    {"--repeats", "N", "runs of each row, taken in turn with the others (3)"},
    {"--temperature", "T", "0.2"},
    {"--top-k", "K", "0: all"},
    {"--top-p", "P", "0.95"},
    {"--seed", "N", "1"},
    {"--tune", nullptr, kTuneHelp},
};

struct Policy {
  std::string name;
  DraftLengthSpec spec;
};

struct Settings {
  cuda::Architecture target, draft;
  std::vector<int> batches, prompts;
  std::vector<Policy> policies;
  int tokens, repeats;
  bool tune;
  Sampling sampling;
};

Settings settings_of(const Arguments& arguments) {
  Settings settings{.target = arguments.shape("--target", "7.8B"),
                    .draft = arguments.shape("--draft", "0.5B"),
                    .batches = arguments.wholes("--batches", "1,2,4,8,16", 1, kMaxLanes),
                    .prompts = arguments.wholes("--prompts", "512,4096", 1, 1 << 20),
                    .tokens = arguments.whole("--tokens", 256, 1, 1 << 16),
                    .repeats = arguments.whole("--repeats", 3, 1, 100),
                    .tune = arguments.has("--tune")};
  settings.sampling = {.temperature = static_cast<float>(arguments.real("--temperature", 0.2, 0, 10)),
                       .top_k = arguments.whole("--top-k", 0, 0, 1 << 20),
                       .top_p = static_cast<float>(arguments.real("--top-p", 0.95, 0, 1)),
                       .seed = static_cast<std::uint64_t>(arguments.whole("--seed", 1, 0, 1 << 30))};
  for (const std::string& name : arguments.list("--draft-lengths", "none,fixed:7,bass,auto")) {
    try {
      settings.policies.push_back({name, DraftLengthSpec::parse(name)});
    } catch (const Error& error) {
      throw Usage("--draft-lengths: " + std::string(error.what()));
    }
  }
  return settings;
}

SmallPair pair_of(const Arguments& arguments, const Settings& settings) {
  if (arguments.has("--expand") == arguments.has("--acceptance")) throw Usage("one of --expand and --acceptance is wanted");
  const int prompt = *std::max_element(settings.prompts.begin(), settings.prompts.end());
  if (arguments.has("--acceptance")) {
    if (arguments.has("--prompt-file")) throw Usage("--prompt-file goes with --expand");
    if (settings.sampling.temperature <= 0) throw Usage("--acceptance: at temperature 0 acceptance is all or nothing");
    return simulated_pair(arguments.real("--acceptance", 0, 0, 1), settings.sampling, settings.target, settings.draft, prompt);
  }
  const std::vector<std::string> files = arguments.list("--expand", "");
  if (files.size() != 2) throw Usage("--expand: two files are wanted, target and draft, with a comma between them");
  if (!arguments.has("--prompt-file")) throw Usage("--expand wants --prompt-file, a text file");
  return pair_of_files(files[0], files[1], arguments.text("--prompt-file", ""), prompt);
}

cuda::Network network_of(cuda::Stream& stream, const SmallNetwork& small, const cuda::Architecture& shape, cuda::WeightFormat format,
    Report& report) {
  report.progress("making " + shape.name + " in " + option_name(format));
  try {
    auto network = expand(stream, small, shape, format, [](float) { return !interrupted(); });
    if (!network) throw Interrupted();
    return std::move(*network);
  } catch (const std::invalid_argument& error) {
    throw Usage(error.what());
  }
}

// Cells for the longest prompt, those kept beside it, and all lanes' tails with the drafts in flight.
int cache_tokens(const Settings& settings) {
  constexpr int kInFlight = 2 * (kMaxDraftLength + 1) + 1;
  int cells = *std::max_element(settings.batches.begin(), settings.batches.end()) * (settings.tokens + kInFlight);
  for (const int prompt : settings.prompts) cells += prompt;
  return cells;
}

class Decoding {
 public:
  Decoding(const Settings& settings, const SmallPair& pair, cuda::WeightFormat format, const DeviceFacts& device, std::vector<TunedRow>& tuned, Report& report)
      : settings_(settings), pair_(pair), format_(option_name(format)), device_(device), report_(report) {
    cuda::Stream stream;
    cuda::Network target = network_of(stream, pair.target, settings.target, format, report);
    cuda::Network draft = network_of(stream, pair.draft, settings.draft, format, report);
    cost_ = {pass_cost(target), pass_cost(draft)};
    cuda::RuntimeOptions options{.vocabulary = std::min(settings.target.vocabulary, settings.draft.vocabulary),
                                 .lanes = *std::max_element(settings.batches.begin(), settings.batches.end()),
                                 .context_tokens = *std::max_element(settings.prompts.begin(), settings.prompts.end()) + settings.tokens + 1,
                                 .cache_tokens = cache_tokens(settings)};
    if (settings.tune) options.tuning = tuning_into(tuned, settings.target.name, settings.draft.name);
    auto runtime = cuda::make_cuda_runtime(std::move(target), std::move(draft), options);
    if (!runtime) throw Interrupted();
    engine_.emplace(std::move(runtime), pair.vocabulary);
  }

  void run() {
    for (const int prompt : settings_.prompts)
      for (const int batch : settings_.batches) rows_of(prompt, batch);
  }

 private:
  void rows_of(int prompt, int batch) {
    report_.progress(format_ + ", prompt " + std::to_string(prompt) + ", batch " + std::to_string(batch));
    const std::vector<DecodeFigures> rows = in_turn(settings_.policies.size(), settings_.repeats, [&](std::size_t policy, int round) {
      check_interrupt();
      Sampling sampling = settings_.sampling;
      sampling.seed += static_cast<std::uint64_t>(round);
      return decode_once(*engine_, {batch, std::span(pair_.prompt).first(static_cast<std::size_t>(prompt)), settings_.tokens, sampling,
                                    settings_.policies[policy].spec}, cost_);
    });
    const DecodeFigures* regular = nullptr;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (settings_.policies[i].spec.kind == DraftLengthSpec::Kind::kNone) regular = &rows[i];
    for (std::size_t i = 0; i < rows.size(); ++i) add_row(prompt, batch, settings_.policies[i].name, rows[i], regular);
  }

  static Value value(const std::optional<double>& x) { return x ? Value(*x) : Value(); }

  void add_row(int prompt, int batch, const std::string& policy, const DecodeFigures& f, const DecodeFigures* regular) {
    const double peak = device_.info.peak_bf16_flops;
    report_.row({format_, static_cast<double>(prompt), static_cast<double>(batch), policy, f.ms_per_step, f.ms_per_token_first, f.ms_per_token_last,
                 f.ms_per_token_all, f.tokens_per_second, f.tokens_per_step, f.draft_length, value(f.acceptance),
                 pair_.acceptance, regular ? Value(over_regular(f, *regular)) : Value(), f.gb_per_s, share(f.gb_per_s, device_.copy_gb_per_s),
                 share(f.flops, peak), share(f.flops_of_written, peak), value(f.launches_per_step), value(f.graphs_per_step),
                 value(f.waits_per_step)});
  }

  const Settings& settings_;
  const SmallPair& pair_;
  std::string format_;
  const DeviceFacts& device_;
  Report& report_;
  PairCost cost_;
  std::optional<Engine> engine_;
};

void run(const Arguments& arguments, Report& report) {
  const Settings settings = settings_of(arguments);
  const auto formats = arguments.formats("--formats", "bf16,q8_0,q4_k");
  const SmallPair pair = pair_of(arguments, settings);
  DeviceFacts device;
  {
    cuda::Stream stream;
    device = report_device(stream, report);
  }
  report.table("decode", settings.target.name + " with draft " + settings.draft.name + ", acceptance " + pair.acceptance,
               {{"format", "format"}, {"prompt", "prompt", 0}, {"batch", "batch", 0}, {"draftLengths", "draft lengths"}, {"msPerStep", "ms/step", 3},
                {"msPerTokenFirst", "ms/token first", 3}, {"msPerTokenLast", "last", 3}, {"msPerTokenAll", "all", 3},
                {"tokensPerSecond", "tokens/s", 1},
                {"tokensPerStep", "tokens/step", 2}, {"draftLength", "k", 2}, {"acceptance", "accepted/drafted", 3}, {"acceptanceKind", "acceptance"},
                {"overRegular", "over regular", 3}, {"gbPerS", "GB/s", 1}, {"ofCopy", "% of copy", 1, 100}, {"utilisation", "% of bf16 peak", 1, 100},
                {"utilisationOfWritten", "% by written tokens", 1, 100}, {"launchesPerStep", "launches/step", 1}, {"graphsPerStep", "graphs/step", 2},
                {"waitsPerStep", "waits/step", 2}});
  std::vector<TunedRow> tuned;
  for (const cuda::WeightFormat format : formats) Decoding(settings, pair, format, device, tuned, report).run();
  report.note("Each row: the middle of " + std::to_string(settings.repeats) +
      " runs by ms per token over all lanes, policies taken in turn after one round "
              "not counted. ms/token: the first lane to end, the last, the mean of all. tokens/step and acceptance: of a lane. GB/s: weights as "
              "stored and keys and values that the passes must read. % of bf16 peak: 2 operations per weight of every row drafted or verified for a "
              "live lane, attention left out, over the device's dense peak; by written tokens: the target's rows of written tokens alone. "
              "launches/step: kernels, copies and fills outside graphs, with graphs and waits of the host over the middle half of the steps." +
              (settings.tune ? " Products by measured plans." : ""));
  if (settings.tune) report_tuned(report, tuned);
}

}  // namespace

const Command kDecodeCommand{"decode", "requests decoded by the engine: speculative against regular, per step and per token", kOptions, run};

}  // namespace octet::bench
