// What a runtime takes of the device beside weights: rows of its passes, limits of its steps, bytes.
#pragma once

#include <optional>

#include "runtimes/cuda/kernels/step.h"
#include "runtimes/cuda/network_source.h"
#include "runtimes/cuda/runtime/cuda_runtime.h"
#include "runtimes/cuda/runtime/forward.h"

namespace octet::cuda {

struct Sizes {
  int prompt_rows = 0;                   ///< Of a chunk of a prompt.
  int target_rows = 0, draft_rows = 0;   ///< The most of any pass.
  StepLimits limits;
};

/// `draft` may be null.
Sizes sizes_of(const Architecture& target, const Architecture* draft, const RuntimeOptions& options);

struct DeviceBytes {
  std::size_t cache = 0, work = 0;  ///< Keys and values; all else but weights, graphs by estimate.
};
DeviceBytes device_bytes(const PassNeeds& target, const std::optional<PassNeeds>& draft, const RuntimeOptions& options, const DeviceInfo& device);

/// Forward passes kept in recorded graphs (StepGraphs), and the estimated device memory of one.
constexpr int kMostGraphPasses = 256;
constexpr std::size_t kGraphPassBytes = std::size_t{256} << 10;

}  // namespace octet::cuda
