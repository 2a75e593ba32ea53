// Forward passes alone, without sampling: the passes that steps are made of.
#pragma once

#include "bench/device_facts.h"
#include "bench/timing.h"
#include "runtimes/cuda/runtime/forward.h"
#include "runtimes/cuda/runtime/tuning.h"

namespace octet::bench {

struct PassShape {
  int lanes = 1, rows_per_lane = 1;
  int prompt = 0;  ///< Tokens in cells that all lanes share.
  int tail = 0;    ///< Tokens behind them in every lane, before the pass.
};

/// Plans of the products of such passes, measured.
void tune_passes(cuda::Stream& stream, const cuda::Network& network, std::span<const cuda::TunedPass> passes, const cuda::TuningOptions& options,
                 cuda::GemmChoices& choices);

/// Time of one pass with the logits of all its rows, from a graph. Keys and values in the cache mean nothing. `choices`:
/// of plans, may be null.
Timing time_pass(cuda::Stream& stream, const cuda::Network& network, const PassShape& shape, int repeats,
                 const cuda::GemmChoices* choices = nullptr);

}  // namespace octet::bench
