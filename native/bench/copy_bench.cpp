#include "bench/copy_bench.h"

#include "bench/timing.h"

namespace octet::bench {

double measure_copy(cuda::Stream& stream, std::size_t bytes) {
  const cuda::DeviceArray<std::byte> from(bytes), to(bytes);
  stream.fill(from.data(), 0, bytes);
  const Timing timing = time_on_device(stream, 4, 15, [&](int) { stream.copy(to.data(), from.data(), bytes); });
  return 2.0 * static_cast<double>(bytes) / timing.median_ms / 1e6;
}

}  // namespace octet::bench
