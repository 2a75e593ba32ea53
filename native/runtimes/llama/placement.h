// Which device a pair goes to.
#pragma once

#include <span>

#include "runtimes/llama/memory.h"

namespace octet::llama {

struct Placement {
  std::size_t device = 0;  ///< Index into the devices given.
  Fit fit;                 ///< Its notices say, too, why a GPU was passed over.
};

/// The first of `devices`, best first and at least one, that holds the pair with 1024 tokens and every lane. But any GPU of its own memory
/// that holds two lanes so is preferred to the processor and to a GPU that computes in the machine's memory: it reads weights several times
/// as fast as they do, and whoever asks for more lanes gets the rest after the first. Of several such GPUs, and of devices where none
/// holds that much, the one with most lanes. Throws Error(kOutOfMemory) where none holds the pair at all, with the reason of the last.
Placement place(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::span<const Device> devices);

}  // namespace octet::llama
