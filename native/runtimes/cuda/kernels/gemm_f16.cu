// Tensor-core products with F16 weights.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles<octet::cuda::WeightFormat::kF16>(Stream&, const Product&);
