// A small network blown up to a large shape without changing what it computes, so that a benchmark has the large shape's cost and the
// small pair's acceptance. Every added weight is random, save where it would change the function: there it is zero.
//
// Width w to W. The residual stream holds R = floor(W / w) copies of the small one (one fewer where padding tokens need room, below);
//   the matrices that read it have their columns repeated, those that write it their rows. With u = R w, the mean of squares is u / W
//   times the small one, so norms get the weight g sqrt(u / W) / R and the network the epsilon u / W epsilon: R equal columns then sum
//   to what one gave. Spare channels u .. W - 1 are read with norm weight 0.
// Vocabulary v to V. Tokens from v on must never be drawn, though sampling looks at them. Spare channels hold a constant b in every
//   token's embedding; b^2's part of the mean of squares is taken out of epsilon. The output norm makes it large, and padding tokens'
//   output rows have a negative weight there: their logits lie kPaddingLogit / rms below. Where the output is the embedding, all
//   tokens' logits move by the same amount.
// Heads h to H, and their keys k to K. Query head i of the group of key head j becomes head i of key head j's larger group.
//   Added heads attend and are thrown away: the output projection's columns are zero.
// Head dimension d to D. Pair p of the rotation stays pair p: with base' = base^(D / d) its frequency base^(-2 p / d) stays. Added
//   dimensions of keys are zero, and queries are multiplied by sqrt(D / d) for the scale 1 / sqrt(D).
// Feed-forward units f to F: added units are computed and thrown away by zero columns of the down projection.
// Layers l to L: added layers are random but for their output and down projections, which are zero.
#pragma once

#include <functional>

#include "bench/small_network.h"
#include "runtimes/cuda/runtime/network.h"

namespace octet::bench {

/// Where the logits of padding tokens lie, times the root mean square of the last layer's residual stream.
constexpr double kPaddingLogit = -2e4;

/// The format a matrix of `columns` columns gets where `wanted` is asked for: Q8_0 where K-quants do not fit whole super-blocks, as
/// quantisers do with a larger format.
cuda::WeightFormat format_for(cuda::WeightFormat wanted, int columns);

/// Weights are made a tensor at a time: the host holds one tensor twice. `shape` gives sizes, pairing of rotated dimensions and
/// name; rotation's base and epsilon become what the function needs. `progress(0 to 1)` returns false to give up: then nothing is
/// returned. Throws std::invalid_argument where the shape is too small for the network.
std::optional<cuda::Network> expand(cuda::Stream& stream, const SmallNetwork& small, const cuda::Architecture& shape, cuda::WeightFormat format,
                                    const std::function<bool(float)>& progress);

}  // namespace octet::bench
