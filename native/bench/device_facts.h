// The device a benchmark runs on, and its yardsticks.
#pragma once

#include "bench/report.h"
#include "runtimes/cuda/device/stream.h"

namespace octet::bench {

struct DeviceFacts {
  cuda::DeviceInfo info;
  double copy_gb_per_s = 0;  ///< Of a device-to-device copy, reads and writes counted.
};

/// Measures the copy and reports both.
DeviceFacts report_device(cuda::Stream& stream, Report& report);

/// x / y, or nothing where y is unknown.
inline Value share(double x, double y) { return y > 0 ? Value(x / y) : Value(); }

}  // namespace octet::bench
