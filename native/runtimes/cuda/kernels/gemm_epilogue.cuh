// What becomes of finished sums: stored, added or gated. See Epilogue in gemm.h.
#pragma once

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/kernels/gemm.h"

namespace octet::cuda {

/// silu(gate) up, silu(z) = z / (1 + e^-z).
OCTET_DEVICE float gated(float gate, float up) { return gate / (1.0f + exp2_of(-1.44269504f * gate)) * up; }

/// y[j][row] for kStore and kAdd.
OCTET_DEVICE void put_sum(Epilogue epilogue, const float* bias, float* y, std::size_t at, int row, float sum) {
  if (bias) sum += bias[row];
  y[at] = epilogue == Epilogue::kAdd ? y[at] + sum : sum;
}

}  // namespace octet::cuda
