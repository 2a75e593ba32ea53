// Starts a kernel on a stream, on either device. Included only by kernel sources (.cu).
#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "runtimes/cuda/device/stream.h"

#ifdef __CUDACC__
#include <cuda_runtime.h>
#else
#include "runtimes/cuda/device/host/block.h"
#endif

namespace octet::cuda {

struct Grid {
  int x = 1, y = 1, z = 1;
};

struct Shape {
  Grid grid;
  int threads = 32;              ///< In one block: whole warps, at most 1,024.
  std::size_t shared_bytes = 0;
  /// The kernel calls wait_for_previous() before it reads what earlier kernels wrote, so it may start early (sm_90).
  bool overlaps_previous = false;
};

#ifdef __CUDACC__

void* native_stream(Stream& stream);  ///< The cudaStream_t.
void count_launch(Stream& stream);    ///< In device_calls(), unless the stream is recording a graph.
bool may_overlap_launches();          ///< The device knows programmatic dependent launch.
/// Before a kernel's launch with so much shared memory: asks for what it needs, once. By any thread.
void prepare_kernel(const void* kernel, std::size_t shared_bytes);

template <class... Parameters, class... Arguments>
void launch(Stream& stream, const Shape& shape, void (*kernel)(Parameters...), Arguments&&... arguments) {
  const auto check = [](cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
  };
  count_launch(stream);
  prepare_kernel(reinterpret_cast<const void*>(kernel), shape.shared_bytes);
  cudaLaunchAttribute overlap{};
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.grid.x, shape.grid.y, shape.grid.z);
  config.blockDim = dim3(shape.threads);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = static_cast<cudaStream_t>(native_stream(stream));
  config.attrs = &overlap;
  config.numAttrs = shape.overlaps_previous && may_overlap_launches() ? 1 : 0;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
}

#else

void run_on_host(Stream& stream, std::function<void()> work);  ///< Now, or when the graph being captured is launched.

template <class... Parameters, class... Arguments>
void launch(Stream& stream, const Shape& shape, void (*kernel)(Parameters...), Arguments&&... arguments) {
  run_on_host(stream, [shape, kernel, values = std::tuple<Parameters...>(static_cast<Parameters>(arguments)...)] {
    host::run_grid({.grid = {shape.grid.x, shape.grid.y, shape.grid.z}, .threads = shape.threads, .shared_bytes = shape.shared_bytes,
                    .overlaps_previous = shape.overlaps_previous, .kernel = reinterpret_cast<const void*>(kernel)},
                   [&] { std::apply(kernel, values); });
  });
}

#endif

}  // namespace octet::cuda
