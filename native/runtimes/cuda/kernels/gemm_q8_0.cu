// Tensor-core products with Q8_0 weights.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles<octet::cuda::WeightFormat::kQ8_0>(Stream&, const Product&);
