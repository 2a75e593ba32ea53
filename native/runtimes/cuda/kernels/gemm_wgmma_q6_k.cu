// Products by warpgroups with Q6_K weights: by nvcc for sm_90a alone.
#include "runtimes/cuda/kernels/gemm_tile.cuh"

template void octet::cuda::multiply_tiles_by_wgmma<octet::cuda::WeightFormat::kQ6_K>(Stream&, const Product&);
