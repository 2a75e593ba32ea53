// What the tensor-core product's kernel takes, and its launcher for each weight format (gemm_<format>.cu).
#pragma once

#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/gemm.h"
#include "runtimes/cuda/kernels/gemm_plan.h"

namespace octet::cuda {

struct Product {
  Matrix weights;
  const Bf16* x;
  int x_stride;
  int n;
  Epilogue epilogue;
  const float* bias;
  void* y;
  int y_stride;
  InputNorm norm;
  OutputNorm next;
  HeadsOutput heads;
  float* partial_sums;
  int* counters;
  GemmPlan plan;
};

/// `columns` must be a multiple of 8.
template <WeightFormat kFormat>
void multiply_tiles(Stream& stream, const Product& product);

/// The same of plans with `wgmma`, for devices that has_wgmma() names (gemm_wgmma_<format>.cu).
template <WeightFormat kFormat>
void multiply_tiles_by_wgmma(Stream& stream, const Product& product);

/// gemm on tensor cores by this plan instead of the one it would choose: for tests and for measuring plans.
void gemm_by(Stream& stream, const GemmWorkspace& workspace, const Gemm& call, const GemmPlan& plan);

/// Without tensor cores, float32 sums of exact weights; Element is x's and an activation's. Any shape, any format.
template <class Element>
void multiply_plainly(Stream& stream, const Gemm& call);

}  // namespace octet::cuda
