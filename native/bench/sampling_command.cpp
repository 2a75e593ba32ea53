// sampling: a step's kernels that work on logits, for batches, draft lengths and vocabularies.
#include "bench/command.h"
#include "bench/interrupt.h"
#include "bench/sampling_bench.h"

namespace octet::bench {
namespace {

constexpr Option kOptions[] = {
    {"--vocabularies", "LIST", "logits of a row (100352,151936)"},
    {"--batches", "LIST", "lanes, 1 to 16 (1,8,16)"},
    {"--draft-lengths", "LIST", "drafted tokens a lane, 0 to 32 (0,3,7)"},
    {"--repeats", "N", "timed steps of each row (20)"},
};

struct Kind {
  const char* name;
  Sampling sampling;
};

constexpr Kind kKinds[] = {
    {"greedy", {.temperature = 0}},
    {"temperature 0.8", {.top_p = 1}},
    {"top-p 0.95", {}},
    {"top-k 40, top-p 0.95", {.top_k = 40}},
};

void run(const Arguments& arguments, Report& report) {
  const auto vocabularies = arguments.wholes("--vocabularies", "100352,151936", 1, 1 << 20);
  const auto batches = arguments.wholes("--batches", "1,8,16", 1, kMaxLanes);
  const auto draft_lengths = arguments.wholes("--draft-lengths", "0,3,7", 0, kMaxDraftLength);
  const int repeats = arguments.whole("--repeats", 20, 1, 1000);
  cuda::Stream stream;
  const DeviceFacts device = report_device(stream, report);
  for (const int vocabulary : vocabularies) {
    report.table("sampling", "sampling of a step, " + std::to_string(vocabulary) + " logits a row",
                 {{"sampling", "sampling"}, {"lanes", "lanes", 0}, {"draftLength", "k", 0}, {"us", "microseconds", 2}, {"gbPerS", "GB/s", 1},
                  {"ofCopy", "% of copy", 1, 100}});
    for (const Kind& kind : kKinds)
      for (const int lanes : batches)
        for (const int k : draft_lengths) {
          check_interrupt();
          const SamplingShape shape{.lanes = lanes, .draft_length = k, .vocabulary = vocabulary};
          const Timing timing = time_sampling(stream, shape, kind.sampling, repeats);
          const double speed = static_cast<double>(sampling_bytes(shape)) / timing.median_ms / 1e6;
          report.row({kind.name, static_cast<double>(lanes), static_cast<double>(k), timing.median_ms * 1e3, speed,
                      share(speed, device.copy_gb_per_s)});
        }
    report.note("Made-up logits, the draft's equal to the target's: every drafted token is accepted.");
  }
}

}  // namespace

const Command kSamplingCommand{"sampling",
                               "draft draws, warping, accept and advance of a step: microseconds, GB/s, share of a measured copy",
                               kOptions, run};

}  // namespace octet::bench
