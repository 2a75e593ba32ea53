// Measured plans of products (runtime/tuning.h) as a table: what the cost model would have taken, what is taken, and what was dropped.
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"
#include "runtimes/cuda/kernels/gemm_choices.h"
#include "runtimes/cuda/runtime/tuning.h"

namespace octet::bench {

struct TunedRow {
  std::string shape;
  cuda::TunedProduct product;
};

constexpr const char* kTuneHelp = "plans of products measured first, as the product does; a table of them";

/// A table of its own, behind those there are.
void report_tuned(Report& report, const std::vector<TunedRow>& rows);

/// What tune() hears for it: every product becomes a row of `rows`, named by `target` or `draft`.
cuda::TuningOptions tuning_into(std::vector<TunedRow>& rows, std::string target, std::string draft);

}  // namespace octet::bench
