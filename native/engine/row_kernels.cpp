// The plain variant of the row kernels (the compiler's baseline: SSE2, NEON) and the choice at run time.
#include "engine/row_kernels.h"

#include <vector>

#if defined(__GNUC__)
#define OCTET_VECTOR_BYTES 16
#else
#define OCTET_VECTOR_BYTES 4
#endif
#include "engine/row_kernels.inl"

namespace octet {

#ifdef OCTET_ROW_KERNELS_X86
extern const RowKernels kRowKernelsAvx2, kRowKernelsAvx512;
#endif

std::span<const RowKernels* const> all_row_kernels() {
  static const std::vector<const RowKernels*> all = [] {
    static constexpr RowKernels plain = kernels("plain");
    std::vector<const RowKernels*> found{&plain};
#ifdef OCTET_ROW_KERNELS_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      found.push_back(&kRowKernelsAvx2);
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        found.push_back(&kRowKernelsAvx512);
    }
#endif
    return found;
  }();
  return all;
}

const RowKernels& row_kernels() {
  static const RowKernels& fastest = *all_row_kernels().back();
  return fastest;
}

}  // namespace octet
