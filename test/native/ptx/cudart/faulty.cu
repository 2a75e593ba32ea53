// Small kernels for the tests of the stand-in itself.
#include "faulty.h"

namespace octet::ptx::cudart::testing {
namespace {

__global__ void add_one(int* p, int) {
  if (threadIdx.x == 0) *p += 1;
}
__global__ void __launch_bounds__(64) bounded(int* p, int) {
  if (threadIdx.x == 0) *p += 1;
}
__global__ void waiting(int* p, int) {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
  if (threadIdx.x == 0) *p += 1;
}
__global__ void read_behind(int* p, int count) { *p = p[count]; }

}  // namespace

const void* add_one_kernel() { return reinterpret_cast<const void*>(add_one); }
const void* bounded_kernel() { return reinterpret_cast<const void*>(bounded); }
const void* waiting_kernel() { return reinterpret_cast<const void*>(waiting); }
const void* read_behind_kernel() { return reinterpret_cast<const void*>(read_behind); }

}  // namespace octet::ptx::cudart::testing
