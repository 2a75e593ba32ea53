// Products by a warpgroup for nvcc. Meanings and rules: wgmma.h.
#pragma once

#include "runtimes/cuda/device/types.h"

namespace octet::cuda {

/// Registers of products as they stand: what was to be written before is, and nothing is read earlier. No instruction.
template <int kCount>
OCTET_DEVICE void pin(std::uint32_t (&x)[kCount]) {
  OCTET_UNROLL
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+r"(x[i]));
}
template <int kTiles>
OCTET_DEVICE void pin(float (&x)[kTiles][4]) {
  OCTET_UNROLL
  for (int j = 0; j < kTiles; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) asm volatile("" : "+f"(x[j][i]));
  }
}

OCTET_DEVICE void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
OCTET_DEVICE void commit_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int kPending>
OCTET_DEVICE void wait_products() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory"); }

OCTET_DEVICE void show_to_products() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

/// d += A x^T, asynchronously, of 16 columns: A[64][16], of which a warp's fragment `a` (mma_bf16) is rows 16 (warp % 4) .., and 8 kTiles rows
/// of x. d[j] are the warp's fragment of mma_bf16 of x's rows 8 j ..
template <int kTiles>
OCTET_DEVICE void multiply_async(float (&d)[kTiles][4], const std::uint32_t (&a)[4], std::uint64_t x);

#define OCTET_SUMS(j) "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define OCTET_REST "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x)

template <>
OCTET_DEVICE void multiply_async<6>(float (&d)[6][4], const std::uint32_t (&a)[4], std::uint64_t x) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n48k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, "
      "%18, %19, %20, %21, %22, %23}, "
      "{%24, %25, %26, %27}, %28, 1, 1, 1, 0;"
      : OCTET_SUMS(0), OCTET_SUMS(1), OCTET_SUMS(2), OCTET_SUMS(3), OCTET_SUMS(4), OCTET_SUMS(5)
      : OCTET_REST);
}

template <>
OCTET_DEVICE void multiply_async<8>(float (&d)[8][4], const std::uint32_t (&a)[4], std::uint64_t x) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, "
      "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
      "{%32, %33, %34, %35}, %36, 1, 1, 1, 0;"
      : OCTET_SUMS(0), OCTET_SUMS(1), OCTET_SUMS(2), OCTET_SUMS(3), OCTET_SUMS(4), OCTET_SUMS(5), OCTET_SUMS(6), OCTET_SUMS(7)
      : OCTET_REST);
}

template <>
OCTET_DEVICE void multiply_async<9>(float (&d)[9][4], const std::uint32_t (&a)[4], std::uint64_t x) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n72k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, "
      "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35}, "
      "{%36, %37, %38, %39}, %40, 1, 1, 1, 0;"
      : OCTET_SUMS(0), OCTET_SUMS(1), OCTET_SUMS(2), OCTET_SUMS(3), OCTET_SUMS(4), OCTET_SUMS(5), OCTET_SUMS(6), OCTET_SUMS(7), OCTET_SUMS(8)
      : OCTET_REST);
}

#undef OCTET_SUMS
#undef OCTET_REST

}  // namespace octet::cuda
