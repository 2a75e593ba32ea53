#include "bench/gemm_bench.h"

#include <algorithm>
#include <vector>

#include "bench/arguments.h"
#include "bench/device_facts.h"
#include "bench/interrupt.h"
#include "bench/pass_products.h"
#include "bench/timing.h"
#include "bench/tuned_table.h"
#include "runtimes/cuda/kernels/gemm_choices.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/kernels/synthetic.h"
#include "runtimes/cuda/runtime/product_bench.h"

namespace octet::bench {
namespace {

using namespace cuda;

const char* name_of(FoldedNorm norm) { return norm == FoldedNorm::kOfX ? "of x" : norm == FoldedNorm::kOfY ? "of y" : "none"; }

}  // namespace

void bench_products(Stream& stream, const Architecture& shape, std::span<const WeightFormat> formats, std::span<const int> rows,
                    std::span<const std::string> matrices, double copy_gb_per_s, bool tuned, Report& report) {
  const DeviceInfo device = device_info();
  GemmChoices choices;
  const GemmWorkspace workspace(device, wgmma_asked(), &choices);
  const bool wgmma = has_wgmma(device) && !wgmma_refused();
  std::vector<TunedRow> tuned_rows;
  const DeviceArray<std::byte> spare(!tuned ? 0 : device.compute_capability == 0 || only_once ? std::size_t{1} << 16 : kBytesBetweenTrials);
  int most = 1;
  for (const int n : rows) most = n > most ? n : most;
  std::vector<Column> columns = {{"matrix", "matrix"}, {"format", "format"}, {"rows", "n", 0}, {"by", "by"}, {"norm", "norm folded in"}, {"us", "microseconds", 2},
                                 {"gbPerS", "GB/s", 1}, {"ofCopy", "% of copy", 1, 100}};
  if (tuned) columns.insert(columns.end(), {{"modelUs", "by the model's plan", 2}, {"overModel", "model's / chosen", 3}});
  report.table("products", shape.name + ": products of n rows" + (tuned ? ", by measured plans" : ""), std::move(columns));
  for (const WeightFormat format : formats) {
    for (const PassProduct& product : products_of(shape, format)) {
      if (!matrices.empty() && std::find(matrices.begin(), matrices.end(), product.name) == matrices.end()) continue;
      const bool k_quant = format == WeightFormat::kQ4_K || format == WeightFormat::kQ6_K;
      if (k_quant && product.columns % 256 != 0) continue;
      const std::size_t bytes = packed_bytes(format, product.rows, product.columns);
      const int copies = copies_beyond_caches(bytes);
      std::vector<PackedMatrix> packed;
      for (int i = 0; i < copies; ++i)
        packed.push_back(synthesise(stream, format, product.rows, product.columns, 0.02f, static_cast<std::uint32_t>(i)));
      const ProductOperands operands(stream, shape, product, most);
      stream.synchronize();  // an interrupt frees what would still be written
      for (const int n : rows) {
        check_interrupt();
        const auto call = [&](int copy) { return operands.call(packed[static_cast<std::size_t>(copy)].matrix, n); };
        if (tuned && n <= kMostTunedRows) {
          std::vector<Gemm> calls;
          for (int copy = 0; copy < copies; ++copy) calls.push_back(call(copy));
          ProductBench bench(stream, workspace, {spare.data(), spare.size()});
          TunedProduct product_tried{.name = product.name, .key = key_of(calls.front()),
                                     .trials = try_on(bench, calls, plans_worth_trying(calls.front(), workspace, wgmma, kMostPlansTried))};
          choices.set(product_tried.key, product_tried.trials.plan());
          tuned_rows.push_back({shape.name, std::move(product_tried)});
        }
        const char* const by = plan_of(call(0), workspace).wgmma ? "wgmma" : "mma.sync";
        const GemmPlan model = model_plan_of(call(0), workspace);
        const auto by_model = [&](int copy) { gemm_by(stream, workspace, call(copy), model); };
        const double model_ms = tuned ? time_on_device(stream, copies, 15, by_model).median_ms : 0;
        const Timing timing = time_on_device(stream, copies, 15, [&](int copy) { gemm(stream, workspace, call(copy)); });
        const double speed = static_cast<double>(gemm_bytes(call(0))) / timing.median_ms / 1e6;
        std::vector<Value> values = {product.name, option_name(format), static_cast<double>(n), by, name_of(product.norm_at(n)), timing.median_ms * 1e3, speed,
                                     share(speed, copy_gb_per_s)};
        if (tuned) values.insert(values.end(), {model_ms * 1e3, share(model_ms, timing.median_ms)});
        report.row(values);
      }
    }
  }
  if (tuned) report_tuned(report, tuned_rows);
}

}  // namespace octet::bench
