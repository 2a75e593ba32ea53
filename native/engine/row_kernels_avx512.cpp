// Row kernels for x86-64 with AVX-512 (F, BW, DQ, VL). CMakeLists.txt sets this file's flags.
#include "engine/row_kernels.h"

#if defined(__GNUC__) && defined(__AVX512VL__)
#define OCTET_VECTOR_BYTES 64
#include "engine/row_kernels.inl"

namespace octet {
extern const RowKernels kRowKernelsAvx512;
constinit const RowKernels kRowKernelsAvx512 = kernels("avx512");
}  // namespace octet
#endif
