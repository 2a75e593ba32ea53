// Which device a pair goes to.
#pragma once

#include <span>

#include "runtimes/llama/memory.h"

namespace octet::llama {

struct Placement {
  std::size_t device = 0;  ///< Index into the devices given.
  Fit fit;
  std::vector<std::string> notices;  ///< Why a GPU was passed over, or has but a part of the target.
};

/// The first of `devices`, best first and at least one, that holds the pair with 1024 tokens and every lane. But any GPU of its own memory
/// that holds two lanes so is preferred to the processor and to a GPU that computes in the machine's memory: it reads weights several times
/// as fast as they do, and whoever asks for more lanes gets the rest after the first. Where there is none, a GPU of its own memory that holds
/// the draft and a quarter of the target's layers or more is preferred, the other layers being the processor's within `machine_bytes`. Of
/// several such GPUs, and of devices where none holds that much, the one with most layers, or lanes. Where no device holds the pair with 1024
/// tokens, it is split however few layers a GPU holds. Throws Error(kOutOfMemory) where that cannot be either, with the reason of the last.
Placement place(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::span<const Device> devices,
                std::uint64_t machine_bytes);

/// Whether it is as much as a pair has to get of a device of that memory to be placed there rather than elsewhere.
bool is_enough(const LoadOptions& options, const Footprint& target, const Footprint* draft, MemoryKind memory, const Fit& fit);

}  // namespace octet::llama
