// Tensor-core products with Q6_K weights.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles<octet::cuda::WeightFormat::kQ6_K>(Stream&, const Product&);
