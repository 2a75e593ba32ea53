// What passes of a network must move and compute, counted from shapes: for GB/s and shares of a peak.
#pragma once

#include "runtimes/cuda/runtime/network.h"

namespace octet::bench {

struct PassCost {
  double weight_bytes = 0;       ///< Matrices that a pass reads whole, as a file stores them.
  double cell_bytes = 0;         ///< Keys and values of one token, all layers, in bf16.
  double operations_per_row = 0; ///< 2 for each weight; attention is left out.

  /// Of a pass whose lanes share `prompt` cells and have `tail` more each, the prompt read once for all.
  double bytes(double prompt, double tail, double lanes) const { return weight_bytes + cell_bytes * (prompt + tail * lanes); }
};

PassCost pass_cost(const cuda::Network& network);

}  // namespace octet::bench
