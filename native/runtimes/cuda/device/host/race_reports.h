// The detector's words: who accessed what, where in the source, and in which test.
#pragma once

#include "runtimes/cuda/device/host/race_cells.h"

namespace octet::cuda::host::races {

/// A place in the program, as records keep it: of the call that returns to `return_address`.
std::uint32_t place_of(const void* return_address);

void report_race(const Record& mine, Access kind, const Record& earlier, Access earlier_kind, const void* at, std::size_t bytes);
void report_outside(const Record& mine, Access kind, const void* at, std::size_t bytes);
void report_block(const char* what, const Record& mine);

}  // namespace octet::cuda::host::races
