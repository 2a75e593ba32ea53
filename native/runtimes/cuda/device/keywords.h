// What marks a function as device code. Kernel sources are compiled by nvcc for a GPU or by the host's compiler, which
// runs a kernel's threads as fibers (device/host/block.h).
#pragma once

#ifdef __CUDACC__
#define OCTET_KERNEL __global__ void
#define OCTET_KERNEL_BOUNDS(threads, blocks) __global__ void __launch_bounds__(threads, blocks)
#define OCTET_DEVICE __device__ __forceinline__
#define OCTET_BOTH __host__ __device__ __forceinline__
#define OCTET_UNROLL _Pragma("unroll")
#define OCTET_ROLLED _Pragma("unroll 1")
#else
#define OCTET_KERNEL void
#define OCTET_KERNEL_BOUNDS(threads, blocks) void
#ifdef OCTET_RACES
#define OCTET_DEVICE inline __attribute__((always_inline))  // as on a GPU: reports then name the kernel's own lines
#else
#define OCTET_DEVICE inline
#endif
#define OCTET_BOTH inline
#define OCTET_UNROLL
#define OCTET_ROLLED
#endif
