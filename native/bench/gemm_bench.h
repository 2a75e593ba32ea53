// Products with the weight matrices of a published shape: milliseconds, GB/s, share of the measured copy.
#pragma once

#include <span>
#include <string>

#include "bench/report.h"
#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/kernels/weights.h"
#include "runtimes/cuda/network_source.h"

namespace octet::bench {

/// Reports one row for each matrix, format and number of rows, as a pass puts the product (pass_products.h). `matrices`: of kMatrixNames;
/// none: all. `tuned`: by measured plans, the cost model's measured beside them, with a table of the plans.
void bench_products(cuda::Stream& stream, const cuda::Architecture& shape, std::span<const cuda::WeightFormat> formats,
                    std::span<const int> rows, std::span<const std::string> matrices, double copy_gb_per_s, bool tuned, Report& report);

}  // namespace octet::bench
