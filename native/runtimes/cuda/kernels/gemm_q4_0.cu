// Tensor-core products with Q4_0 weights.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles<octet::cuda::WeightFormat::kQ4_0>(Stream&, const Product&);
