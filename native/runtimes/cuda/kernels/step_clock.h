// When the parts of a step began and ended, by the device's own clock, so that the host need not wait inside a step to know.
#pragma once

#include <cstdint>

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/kernels/step.h"

namespace octet::cuda {

class StepClock {
 public:
  enum Mark { kStart, kDrafted, kVerified, kEnd, kMarks };

  StepClock();

  /// Puts a mark of the step under way on the stream; kStart begins the next step. One thread writes 8 bytes.
  void mark(Stream& stream, Mark mark) const;

  /// Milliseconds between two marks of step number `step` (from 0), valid as StepMemory::output is.
  double ms(std::uint64_t step, Mark from, Mark to) const;

 private:
  DeviceArray<std::uint64_t> steps_;   // begun so far
  PinnedArray<std::uint64_t> times_;   // [kStepRing][kMarks], nanoseconds
};

}  // namespace octet::cuda
