// Where an instruction stands in the source that nvcc compiled (.loc), as text.
#pragma once

#include <cstdint>
#include <string>

#include "ptx/program.h"

namespace octet::ptx {

/// FILE:LINE of a place, then of the calls it was inlined at, inside out; "?" where the PTX does not say.
std::string place_text(const Kernel& kernel, std::uint32_t place);

/// The innermost line that is of a folder "kernels", or else the kernel's own.
std::string own_line(const Kernel& kernel, std::uint32_t place);

}  // namespace octet::ptx
