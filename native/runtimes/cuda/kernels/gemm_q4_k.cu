// Tensor-core products with Q4_K weights.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles<octet::cuda::WeightFormat::kQ4_K>(Stream&, const Product&);
