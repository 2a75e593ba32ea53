// attention: PAD, SPLIT and the form by rows over a shared prompt and ragged tails.
#include "bench/attention_bench.h"
#include "bench/command.h"
#include "bench/device_facts.h"

namespace octet::bench {
namespace {

constexpr Option kOptions[] = {
    {"--shape", "LIST", "published shapes (7.8B,0.5B)"},
    {"--lanes", "LIST", "lanes of one prompt, 1 to 16 (8)"},
    {"--rows", "LIST", "rows a lane, 1 to 512 (1,2,5,9)"},
    {"--prompt", "LIST", "cells of the shared prompt, 0 to 131072 (512,4096)"},
    {"--tail", "LIST", "cells of the longest tail, the others down to a part of it, 1 to 131072 (256)"},
    {"--repeats", "N", "measured passes, 1 to 1000 (15)"},
};

void run(const Arguments& arguments, Report& report) {
  const auto shapes = arguments.shapes("--shape", "7.8B,0.5B");
  const auto lanes = arguments.wholes("--lanes", "8", 1, 16), rows = arguments.wholes("--rows", "1,2,5,9", 1, 512);
  const auto prompts = arguments.wholes("--prompt", "512,4096", 0, 131072), tails = arguments.wholes("--tail", "256", 1, 131072);
  const int repeats = arguments.whole("--repeats", 15, 1, 1000);
  for (const int tail : tails)
    for (const int count : rows)
      if (tail < count) throw Usage("--tail: a longest tail of " + std::to_string(tail) + " does not hold " + std::to_string(count) + " rows");
  std::vector<AttentionSetting> settings;
  for (const int prompt : prompts)
    for (const int tail : tails)
      for (const int lane_count : lanes)
        for (const int count : rows) settings.push_back({lane_count, count, prompt, tail});
  cuda::Stream stream;
  const DeviceFacts device = report_device(stream, report);
  for (const cuda::Architecture& shape : shapes) bench_attention(stream, shape, settings, repeats, device, report);
}

}  // namespace

const Command kAttentionCommand{"attention", "attention over a shared prompt and ragged tails, by PAD, SPLIT and rows: microseconds, GB/s, share of a copy",
                                kOptions, run};

}  // namespace octet::bench
