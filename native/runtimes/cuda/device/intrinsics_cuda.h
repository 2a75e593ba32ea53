// The intrinsics for nvcc. Meanings and rules: intrinsics.h.
#pragma once

#include "runtimes/cuda/device/types.h"

namespace octet::cuda {

OCTET_DEVICE int thread_x() { return static_cast<int>(threadIdx.x); }
/// thread_x(), read where it stands: what follows from it takes no registers in a loop around.
OCTET_DEVICE int thread_x_here() {
  int x;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(x));
  return x;
}
OCTET_DEVICE int block_x() { return static_cast<int>(blockIdx.x); }
OCTET_DEVICE int block_y() { return static_cast<int>(blockIdx.y); }
OCTET_DEVICE int block_z() { return static_cast<int>(blockIdx.z); }
OCTET_DEVICE int threads_x() { return static_cast<int>(blockDim.x); }
OCTET_DEVICE int blocks_x() { return static_cast<int>(gridDim.x); }
OCTET_DEVICE int blocks_y() { return static_cast<int>(gridDim.y); }
OCTET_DEVICE int blocks_z() { return static_cast<int>(gridDim.z); }

OCTET_DEVICE std::byte* shared_memory() {
  extern __shared__ Vector16 octet_shared_memory[];
  return reinterpret_cast<std::byte*>(octet_shared_memory);
}

OCTET_DEVICE void block_sync() { __syncthreads(); }
OCTET_DEVICE void warp_sync() { __syncwarp(); }
/// Not __threadfence(), which is sequentially consistent: more than publishing and taking up need.
OCTET_DEVICE void fence() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }

template <class T>
OCTET_DEVICE T shuffle_xor(T x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
template <class T>
OCTET_DEVICE T shuffle(T x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
template <class T>
OCTET_DEVICE T shuffle_up(T x, int by) { return __shfl_up_sync(0xffffffffu, x, by); }
OCTET_DEVICE std::uint32_t ballot(bool x) { return __ballot_sync(0xffffffffu, x); }

OCTET_DEVICE int atomic_add(int* to, int x) { return atomicAdd(to, x); }
OCTET_DEVICE std::uint64_t atomic_add(std::uint64_t* to, std::uint64_t x) {
  return atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(x));
}
OCTET_DEVICE std::uint32_t atomic_add(std::uint32_t* to, std::uint32_t x) { return atomicAdd(to, x); }
OCTET_DEVICE int atomic_min(int* to, int x) { return atomicMin(to, x); }
OCTET_DEVICE int atomic_max(int* to, int x) { return atomicMax(to, x); }

/// 16 bytes that are read once: they do not stay in the first-level cache.
OCTET_DEVICE Vector16 load_streamed(const void* from) {
  Vector16 x;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(x.word[0]), "=r"(x.word[1]), "=r"(x.word[2]), "=r"(x.word[3])
               : "l"(from));
  return x;
}

/// A load that sees what other blocks wrote before their fence().
OCTET_DEVICE float load_fresh(const float* from) { return __ldcg(from); }
OCTET_DEVICE int load_fresh(const int* from) { return __ldcg(from); }
OCTET_DEVICE std::uint32_t load_fresh(const std::uint32_t* from) { return __ldcg(from); }
OCTET_DEVICE std::uint64_t load_fresh(const std::uint64_t* from) { return __ldcg(reinterpret_cast<const unsigned long long*>(from)); }
OCTET_DEVICE Vector8 load_fresh(const Vector8* from) {
  const uint2 x = __ldcg(reinterpret_cast<const uint2*>(from));
  return {{x.x, x.y}};
}
OCTET_DEVICE Vector16 load_fresh(const Vector16* from) {
  const uint4 x = __ldcg(reinterpret_cast<const uint4*>(from));
  return {{x.x, x.y, x.z, x.w}};
}

/// Of shared memory for certain: where the same value may come from either, the compiler would else make one load of both, whose address may be
/// anywhere.
OCTET_DEVICE std::uint32_t load_shared(const std::uint32_t* from) {
  std::uint32_t x;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(x) : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(from))) : "memory");
  return x;
}

OCTET_DEVICE std::uint32_t shared_address(const void* p) { return static_cast<std::uint32_t>(__cvta_generic_to_shared(p)); }

/// Starts to copy 16 bytes from global to shared memory; zeros where not `valid` (`from` is then not read, but must be
/// a readable address).
OCTET_DEVICE void copy_async(void* to_shared, const void* from, bool valid = true) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to_shared)), "l"(from), "r"(valid ? 16 : 0));
}
/// The same for what is read once by the whole grid: the second-level cache gives it up first.
OCTET_DEVICE void copy_async_streamed(void* to_shared, const void* from, bool valid = true) {
  std::uint64_t policy;
  asm("createpolicy.fractional.L2::evict_first.b64 %0;" : "=l"(policy));
  asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2, %3;" ::"r"(shared_address(to_shared)), "l"(from),
               "r"(valid ? 16 : 0), "l"(policy));
}
OCTET_DEVICE void commit_async() { asm volatile("cp.async.commit_group;"); }
/// Waits until at most `kPending` of this thread's committed groups are under way. Other threads' copies: block_sync after.
template <int kPending>
OCTET_DEVICE void wait_async() { asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory"); }

/// d[16][8] += a[16][16] b[16][8]: bf16 products, float32 sums, the warp's fragments as mma.m16n8k16 lays them out.
/// With g = lane / 4, t = lane % 4: a[0] = A[g][2t..], a[1] = A[g+8][2t..], a[2] = A[g][2t+8..], a[3] = A[g+8][2t+8..];
/// b[0] = B[2t..][g], b[1] = B[2t+8..][g]; d[0..1] = D[g][2t..], d[2..3] = D[g+8][2t..].
OCTET_DEVICE void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Four 8x8 matrices of 16-bit elements: lane 8i + r gives the shared address of row r of matrix i (16 bytes, aligned);
/// r[i] is then row lane / 4, columns 2 (lane % 4) .. + 1 of matrix i; of its transpose for the second.
OCTET_DEVICE void load_matrices(std::uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}
OCTET_DEVICE void load_matrices_transposed(std::uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

/// The bytes of a word, lowest first, chosen by selector's four nibbles from a (0 to 3) and b (4 to 7).
OCTET_DEVICE std::uint32_t byte_permute(std::uint32_t a, std::uint32_t b, std::uint32_t selector) { return __byte_perm(a, b, selector); }

/// a & mask | bits, as one instruction (the compiler makes two of it where both are constants).
OCTET_DEVICE std::uint32_t masked_or(std::uint32_t a, std::uint32_t mask, std::uint32_t bits) {
  std::uint32_t d;
  asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(d) : "r"(a), "r"(mask), "r"(bits));
  return d;
}

/// a b + c of two pairs of bf16, each rounded once.
OCTET_DEVICE std::uint32_t fma_bf16x2(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  std::uint32_t d;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

/// a b, rounded once: never part of a fused multiply-add.
OCTET_DEVICE float product_of(float a, float b) { return __fmul_rn(a, b); }
OCTET_DEVICE float fma_of(float a, float b, float c) { return __fmaf_rn(a, b, c); }
OCTET_DEVICE float exp2_of(float x) { return exp2f(x); }
OCTET_DEVICE float inverse_sqrt(float x) { return rsqrtf(x); }
OCTET_DEVICE std::uint64_t time_ns() {
  std::uint64_t t;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t));
  return t;
}

/// Programmatic dependent launch: the next grid may start; wait for what the grid before wrote. Nothing below sm_90.
OCTET_DEVICE void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}
OCTET_DEVICE void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

}  // namespace octet::cuda
