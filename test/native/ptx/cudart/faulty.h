// Kernels with known faults, and what they need, for cudart_test.cpp.
#pragma once

namespace octet::ptx::cudart::testing {

/// What cudaLaunchKernelExC takes. add_one: *(int*) p += 1. read_behind: one int behind those of p that it is told of. Both (int* p, int count).
const void* add_one_kernel();
const void* read_behind_kernel();
const void* bounded_kernel();  ///< add_one for at most 64 threads.
const void* waiting_kernel();  ///< add_one, after the kernel before it has ended (sm_90).

}  // namespace octet::ptx::cudart::testing
