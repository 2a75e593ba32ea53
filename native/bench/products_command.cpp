// products: every weight matrix of a shape times n rows of activations, GB/s against the device's own copy.
#include <algorithm>

#include "bench/command.h"
#include "bench/device_facts.h"
#include "bench/gemm_bench.h"
#include "bench/pass_products.h"
#include "bench/tuned_table.h"

namespace octet::bench {
namespace {

constexpr Option kOptions[] = {
    {"--shape", "LIST", "published shapes (7.8B,0.5B)"},
    {"--formats", "LIST", "weight formats (bf16,q8_0,q4_k)"},
    {"--matrices", "LIST", "of qkv, attention-out, gate-up, down, output (all)"},
    {"--rows", "LIST", "activation rows, 1 to 4096 (1,8,16,64,72,136)"},
    {"--tune", nullptr, kTuneHelp},
};

void run(const Arguments& arguments, Report& report) {
  const auto shapes = arguments.shapes("--shape", "7.8B,0.5B");
  const auto formats = arguments.formats("--formats", "bf16,q8_0,q4_k");
  const auto rows = arguments.wholes("--rows", "1,8,16,64,72,136", 1, 4096);
  const auto matrices = arguments.has("--matrices") ? arguments.list("--matrices", "") : std::vector<std::string>{};
  for (const std::string& name : matrices)
    if (std::find(std::begin(kMatrixNames), std::end(kMatrixNames), name) == std::end(kMatrixNames))
      throw Usage("--matrices: there is no matrix \"" + name + "\"");
  cuda::Stream stream;
  const DeviceFacts device = report_device(stream, report);
  for (const cuda::Architecture& shape : shapes) bench_products(stream, shape, formats, rows, matrices, device.copy_gb_per_s, arguments.has("--tune"), report);
}

}  // namespace

const Command kProductsCommand{"products", "weight matrices of published shapes times n rows: microseconds, GB/s, share of a measured copy", kOptions, run};

}  // namespace octet::bench
