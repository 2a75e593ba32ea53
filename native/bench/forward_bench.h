// Forward passes alone, without sampling: the passes that steps are made of.
#pragma once

#include "bench/device_facts.h"
#include "bench/timing.h"
#include "runtimes/cuda/runtime/forward.h"

namespace octet::bench {

struct PassShape {
  int lanes = 1, rows_per_lane = 1;
  int prompt = 0;  ///< Tokens in cells that all lanes share.
  int tail = 0;    ///< Tokens behind them in every lane, before the pass.
};

/// Time of one pass with the logits of all its rows, from a graph. Keys and values in the cache mean nothing.
Timing time_pass(cuda::Stream& stream, const cuda::Network& network, const PassShape& shape, int repeats);

}  // namespace octet::bench
