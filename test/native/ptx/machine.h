// Runs a kernel's PTX on the CPU, as strictly as the PTX ISA allows: warps of 32 lanes in lockstep, a fault for whatever the ISA
// leaves undefined and a GPU would do silently. A second opinion on the device code, written from NVIDIA's "Parallel Thread
// Execution ISA" and not from Octet's own host versions of the intrinsics.
//
// Order: blocks run one after another, the warps of a block in turns, both in an order that the seed shuffles. A diverged warp runs
// the lanes that are furthest behind in the text until they meet the others.
// Memory: global addresses are host addresses and must lie in Memory or in the module's own variables; shared memory is a window from
// address 0, local memory one for each thread; both begin as kPoison, as do registers. cp.async reads and writes as late as it may:
// when a wait covers it, and wgmma its operands in shared memory (instructions_wgmma.cpp).
// Numbers: single and double precision by IEEE, nothing contracted beyond the text's own fma; approximations (ex2, rsqrt ...) are
// computed in double and rounded; mma adds the exact products to the float32 accumulator in ascending k, rounding each time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

#include "ptx/counts.h"
#include "ptx/memory.h"
#include "ptx/module.h"

namespace octet::ptx {

constexpr std::uint32_t kPoison = 0x7ff7dead;  ///< Not a number as float32, and as float64 where it is there twice.

struct Launch {
  std::array<std::uint32_t, 3> grid{1, 1, 1}, block{1, 1, 1};
  std::size_t dynamic_shared = 0;            ///< Bytes.
  std::span<const std::byte> parameters;     ///< parameter_bytes(kernel) of them, laid out by parameters(kernel).
  std::uint64_t seed = 0;                    ///< Shuffles blocks and warps; 0: OCTET_PTX_SEED, or in order where that is not set.
  std::uint64_t instruction_limit = 0;       ///< Of one block's warps together, so that an endless loop ends; 0: 2^40.
};

/// "kernel k, block (0,0,0), thread (5,0,0), gemm_tile.cuh:12: ...".
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The whole grid, to its end. Throws Fault; std::invalid_argument for a launch that CUDA would refuse (too many threads, a block of
/// parameters of another size).
void run(const Kernel& kernel, const Launch& launch, Memory& memory, Counts& counts);

}  // namespace octet::ptx
