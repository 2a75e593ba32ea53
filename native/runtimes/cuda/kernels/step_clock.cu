#include "runtimes/cuda/kernels/step_clock.h"

#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"

namespace octet::cuda {
namespace {

OCTET_KERNEL write_mark(std::uint64_t* steps, std::uint64_t* times, int mark) {
  if (thread_x() != 0) return;
  if (mark == StepClock::kStart) ++*steps;
  times[(*steps - 1) % kStepRing * StepClock::kMarks + mark] = time_ns();
}

}  // namespace

StepClock::StepClock() : steps_(std::vector<std::uint64_t>{0}), times_(std::size_t{kStepRing} * kMarks) {}

void StepClock::mark(Stream& stream, Mark mark) const { launch(stream, {}, write_mark, steps_.data(), times_.data(), mark); }

double StepClock::ms(std::uint64_t step, Mark from, Mark to) const {
  const std::uint64_t* const times = times_.data() + step % kStepRing * kMarks;
  return times[to] > times[from] ? static_cast<double>(times[to] - times[from]) * 1e-6 : 0.0;
}

}  // namespace octet::cuda
