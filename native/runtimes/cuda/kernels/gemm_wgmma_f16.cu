// Products by warpgroups with F16 weights: by nvcc for sm_90a alone.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles_by_wgmma<octet::cuda::WeightFormat::kF16>(Stream&, const Product&);
