// Row kernels for x86-64 with AVX2 and fused multiply-add. CMakeLists.txt sets this file's flags.
#include "engine/row_kernels.h"

#if defined(__GNUC__) && defined(__AVX2__) && defined(__FMA__)
#define OCTET_VECTOR_BYTES 32
#include "engine/row_kernels.inl"

namespace octet {
extern const RowKernels kRowKernelsAvx2;
constinit const RowKernels kRowKernelsAvx2 = kernels("avx2");
}  // namespace octet
#endif
