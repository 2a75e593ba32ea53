// Networks of random weights made on the device: cost without meaning.
#pragma once

#include "runtimes/cuda/runtime/network.h"

namespace octet::bench {

/// A layer of random weights; with `silent`, its output and down projections are zero and it changes nothing.
cuda::NetworkLayer synthetic_layer(cuda::Stream& stream, const cuda::Architecture& shape, cuda::WeightFormat format, std::uint32_t seed, bool silent);

/// A whole network, with an output matrix of its own. K-quants become Q8_0 where rows are not whole super-blocks (format_for).
cuda::Network synthetic_network(cuda::Stream& stream, const cuda::Architecture& shape, cuda::WeightFormat format, std::uint32_t seed);

}  // namespace octet::bench
