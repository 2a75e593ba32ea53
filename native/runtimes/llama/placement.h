// Which device a pair goes to.
#pragma once

#include <span>

#include "runtimes/llama/memory.h"

namespace octet::llama {

struct Placement {
  std::size_t device = 0;  ///< Index into the devices given.
  Fit fit;                 ///< Its notices say, too, why a GPU was passed over.
};

/// The first of `devices`, best first and at least one, that holds the pair with every lane and at least 1024 tokens; else the last that
/// holds it at all. Throws Error(kOutOfMemory) where none does, with the reason of the last.
Placement place(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::span<const Device> devices);

}  // namespace octet::llama
