// Products by warpgroups with Q8_0 weights: by nvcc for sm_90a alone.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles_by_wgmma<octet::cuda::WeightFormat::kQ8_0>(Stream&, const Product&);
