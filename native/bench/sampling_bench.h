// A step's work on logits, without its forward passes: draft draws, warping of both models' rows, accept, advance.
#pragma once

#include "bench/device_facts.h"
#include "bench/timing.h"
#include "runtimes/cuda/kernels/step.h"

namespace octet::bench {

struct SamplingShape {
  int lanes = 1, draft_length = 0, vocabulary = 0;
};

/// Bytes of logits a step reads: every row twice to warp it, and of each lane the target's row, and as a rule the draft's, where its
/// acceptance ends.
std::size_t sampling_bytes(const SamplingShape& shape);

/// Time of one step's kernels, from a graph. Logits are made up: of eight rows, some peaked, some with a head of likely tokens, some
/// flat; the draft's are the target's.
Timing time_sampling(cuda::Stream& stream, const SamplingShape& shape, const Sampling& sampling, int repeats);

}  // namespace octet::bench
