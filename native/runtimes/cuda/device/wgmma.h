// Products by a warpgroup (wgmma, sm_90a alone): four warps multiply 64 rows of A, in their registers, by x in shared memory, and go on
// while the tensor cores work. wgmma_cuda.h has them for nvcc, wgmma_host.h for fibers. Beside intrinsics.h's rules:
//  - All 128 threads of a warpgroup (threads 128 i .. 128 i + 127) call them together, with the same descriptor.
//  - begin_products() stands between what wrote the registers and the first product that takes them; commit_products() closes a group;
//    wait_products<kPending>() waits until at most so many groups are under way. Until then a product's A may not be written, nor its
//    sums read or written, but by further products.
//  - Tensor cores read shared memory by another way ("asynchronous proxy") than threads write it. Who copied or wrote what they read
//    calls show_to_products() when it has landed, then meets the others at block_sync.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/swizzle.h"

#ifdef __CUDACC__
#include "runtimes/cuda/device/wgmma_cuda.h"
#else
#include "runtimes/cuda/device/wgmma_host.h"
#endif
