// Tensor-core products with BF16 weights.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles<octet::cuda::WeightFormat::kBf16>(Stream&, const Product&);
