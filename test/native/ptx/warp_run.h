// One warp's instructions: which lanes run next, and the instructions that lanes wait at.
#pragma once

#include "ptx/program.h"

namespace octet::ptx {

enum class Stop : std::uint8_t { kQuantum, kBarrier, kDone };

/// Runs the warp for at most about `quantum` instructions. At a barrier the warp stands behind it.
Stop run_warp(Warp& warp, std::uint64_t quantum);

}  // namespace octet::ptx
