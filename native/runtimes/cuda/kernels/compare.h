// Whether two results of one product agree, up to the rounding of sums in another order: for plans that are tried on the device.
#pragma once

#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {

/// Two arrays [rows][columns] of float, or of Bf16.
struct Comparison {
  const void* a = nullptr;
  const void* b = nullptr;
  bool bf16 = false;
  int rows = 0, columns = 0;
  /// A column is apart where some |a - b| is above `relative` times the larger of the column's largest |a| and `floor`, or is no number. All
  /// of a column are sums with the same row of weights, and so of one size.
  float relative = 0, floor = 0;
};

/// Adds the number of columns that are apart to `*apart`, in device memory.
void count_apart(Stream& stream, const Comparison& comparison, int* apart);

}  // namespace octet::cuda
