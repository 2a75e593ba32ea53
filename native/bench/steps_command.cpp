// steps: the forward passes of a step, each alone: the draft's, the target's in regular decoding, and verifications.
#include <algorithm>

#include "bench/command.h"
#include "bench/forward_bench.h"
#include "bench/interrupt.h"
#include "bench/pass_cost.h"
#include "bench/synthetic_network.h"
#include "bench/tuned_table.h"
#include "runtimes/runtime.h"

namespace octet::bench {
namespace {

constexpr Option kOptions[] = {
    {"--target", "SHAPE", "published shape of the target (7.8B)"},
    {"--draft", "SHAPE", "of the draft; none: the target alone (0.5B)"},
    {"--formats", "LIST", "weight formats (bf16,q8_0,q4_k)"},
    {"--batches", "LIST", "lanes, 1 to 16 (1,2,4,8,16)"},
    {"--prompts", "LIST", "tokens of the shared prompt (512,4096)"},
    {"--draft-lengths", "LIST", "verifications of k drafted tokens a lane, 0 to 32; 0: regular decoding (0,3,7)"},
    {"--tail", "N", "tokens of every lane behind the prompt (64)"},
    {"--repeats", "N", "timed passes of each row (20)"},
    {"--tune", nullptr, kTuneHelp},
};

struct Settings {
  std::vector<cuda::WeightFormat> formats;
  std::vector<int> batches, prompts, draft_lengths;
  int tail, repeats;
  bool tune;
};

struct Part {
  std::string name;
  int rows_per_lane;
};

void measure(cuda::Stream& stream, const std::string& name, const cuda::Architecture& shape, const std::vector<Part>& parts,
             const Settings& settings, const DeviceFacts& device, std::vector<TunedRow>& tuned, Report& report) {
  for (const cuda::WeightFormat format : settings.formats) {
    report.progress("making " + shape.name + " in " + option_name(format));
    const cuda::Network network = synthetic_network(stream, shape, format, 1);
    const PassCost cost = pass_cost(network);
    cuda::GemmChoices choices;
    if (settings.tune) {
      std::vector<cuda::TunedPass> passes;
      for (const int batch : settings.batches)
        for (const Part& part : parts)
          if (const int rows = batch * part.rows_per_lane; rows <= cuda::kMostTunedRows) passes.push_back({.rows = rows, .logits_rows = rows});
      if (!passes.empty()) tune_passes(stream, network, passes, tuning_into(tuned, shape.name, shape.name), choices);
    }
    for (const int prompt : settings.prompts) {
      for (const int batch : settings.batches) {
        for (const Part& part : parts) {
          check_interrupt();
          const Timing timing = time_pass(stream, network, {batch, part.rows_per_lane, prompt, settings.tail}, settings.repeats, &choices);
          const double rows = batch * part.rows_per_lane;
          const double speed = cost.bytes(prompt, settings.tail + part.rows_per_lane, batch) / timing.median_ms / 1e6;
          const double flops = rows * cost.operations_per_row / timing.median_ms * 1e3;
          report.row({name + ": " + part.name, shape.name, option_name(format), static_cast<double>(prompt), static_cast<double>(batch), rows,
                      timing.median_ms, timing.least_ms, speed, share(speed, device.copy_gb_per_s), flops / 1e12,
                      share(flops, device.info.peak_bf16_flops)});
        }
      }
    }
  }
}

void run(const Arguments& arguments, Report& report) {
  const cuda::Architecture target = arguments.shape("--target", "7.8B");
  std::optional<cuda::Architecture> draft;
  if (arguments.text("--draft", "") != "none") draft = arguments.shape("--draft", "0.5B");
  const Settings settings{.formats = arguments.formats("--formats", "bf16,q8_0,q4_k"),
                          .batches = arguments.wholes("--batches", "1,2,4,8,16", 1, kMaxLanes),
                          .prompts = arguments.wholes("--prompts", "512,4096", 1, 1 << 20),
                          .draft_lengths = arguments.wholes("--draft-lengths", "0,3,7", 0, kMaxDraftLength),
                          .tail = arguments.whole("--tail", 64, 0, 1 << 16),
                          .repeats = arguments.whole("--repeats", 20, 1, 10000),
                          .tune = arguments.has("--tune")};
  std::vector<Part> verifications;
  for (const int k : settings.draft_lengths) verifications.push_back({k == 0 ? "regular" : "verify k=" + std::to_string(k), k + 1});
  cuda::Stream stream;
  const DeviceFacts device = report_device(stream, report);
  report.table("steps", "Forward passes alone, weights random",
               {{"pass", "pass"}, {"shape", "shape"}, {"format", "format"}, {"prompt", "prompt", 0}, {"batch", "batch", 0}, {"rows", "rows", 0},
                {"ms", "ms", 3}, {"leastMs", "least ms", 3}, {"gbPerS", "GB/s", 1}, {"ofCopy", "% of copy", 1, 100}, {"tflops", "TFLOP/s", 2},
                {"utilisation", "% of bf16 peak", 1, 100}});
  std::vector<TunedRow> tuned;
  if (draft) measure(stream, "draft", *draft, {{"one token", 1}}, settings, device, tuned, report);
  measure(stream, "target", target, verifications, settings, device, tuned, report);
  report.note("ms: median of " + std::to_string(settings.repeats) +
      " replays of a graph of one pass, logits included, sampling not. GB/s: weights as stored, the "
              "prompt's keys and values once, the tails'. FLOP/s: 2 per weight and row, attention left out." +
              (settings.tune ? " Products by measured plans." : ""));
  if (settings.tune) report_tuned(report, tuned);
}

}  // namespace

const Command kStepsCommand{"steps", "forward passes of a step alone: draft, regular decoding, verification; synthetic weights", kOptions, run};

}  // namespace octet::bench
