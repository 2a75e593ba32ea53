// The two launches of warp_rows.
#pragma once

#include "runtimes/cuda/kernels/warp.h"

namespace octet::cuda {

/// Largest logits, log-sum-exps, and where the last place of every row is to be sought.
void measure_rows(Stream& stream, const WarpScratch& scratch, const WarpRows& call);

/// The last places, the kept masses, and the draws.
void settle_rows(Stream& stream, const WarpScratch& scratch, const WarpRows& call);

}  // namespace octet::cuda
