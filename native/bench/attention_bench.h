// Attention over a shared prompt and ragged tails: PAD and SPLIT on tensor cores, and the plain form by rows as their yardstick.
#pragma once

#include <span>
#include <vector>

#include "bench/device_facts.h"
#include "bench/report.h"
#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/network_source.h"

namespace octet::bench {

struct AttentionSetting {
  int lanes, rows_per_lane;
  int prompt;        ///< Cells that all lanes share.
  int longest_tail;  ///< rows_per_lane or more.
};

/// Lengths of the lanes' tails in evenly spaced steps up to the longest, in mixed order, none shorter than the lane's rows.
std::vector<int> ragged_tails(const AttentionSetting& setting);

/// Prints three lines a setting. A time is a layer's, of a pass over all of the shape's layers, each with its own cache; the work
/// list, made once a pass, is in it. GB/s count every cell's keys and values once, the prompt's once for all lanes.
void bench_attention(cuda::Stream& stream, const cuda::Architecture& shape, std::span<const AttentionSetting> settings, int repeats,
                     const DeviceFacts& device, Report& report);

}  // namespace octet::bench
