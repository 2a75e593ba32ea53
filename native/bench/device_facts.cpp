#include "bench/device_facts.h"

#include "bench/copy_bench.h"
#include "bench/timing.h"

namespace octet::bench {

DeviceFacts report_device(cuda::Stream& stream, Report& report) {
  DeviceFacts facts{.info = cuda::device_info()};
  report.fact("device", "device", facts.info.name);
  report.fact("multiprocessors", "multiprocessors", static_cast<double>(facts.info.multiprocessors));
  report.fact("freeBytes", "free bytes", static_cast<double>(facts.info.free_bytes));
  report.fact("peakBf16Flops", "dense bf16 peak (FLOP/s)", facts.info.peak_bf16_flops > 0 ? Value(facts.info.peak_bf16_flops) : Value());
  const bool small = facts.info.compute_capability == 0 || only_once;  // on the host only its being a number is of interest
  facts.copy_gb_per_s = measure_copy(stream, small ? std::size_t{16} << 20 : std::size_t{1} << 30);
  report.fact("copyGbPerS", "device-to-device copy (GB/s)", facts.copy_gb_per_s, 1);
  return facts;
}

}  // namespace octet::bench
