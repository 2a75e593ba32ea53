// Launches and the attributes of functions. A launch that a GPU would refuse is refused in the same call.
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "ptx/cudart/device.h"
#include "ptx/cudart/modules.h"
#include "ptx/cudart/work.h"
#include "ptx/machine.h"

namespace octet::ptx::cudart {
namespace {

cudaError_t check_shape(const Function& function, const Kernel& kernel, const dim3& grid, const dim3& block, std::size_t dynamic_shared) {
  constexpr unsigned kBlock = 1024, kBlockZ = 64, kGridX = 0x7fffffff, kGridYZ = 0xffff;
  if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > kGridX || grid.y > kGridYZ || grid.z > kGridYZ) return cudaErrorInvalidConfiguration;
  if (block.x < 1 || block.y < 1 || block.z < 1 || block.x > kBlock || block.y > kBlock || block.z > kBlockZ)
    return cudaErrorInvalidConfiguration;
  const auto threads = static_cast<std::size_t>(block.x) * block.y * block.z;
  if (threads > kBlock) return cudaErrorInvalidConfiguration;
  if (threads > static_cast<std::size_t>(max_threads(kernel))) return cudaErrorInvalidValue;
  if (dynamic_shared > static_cast<std::size_t>(function.max_dynamic_shared)) return cudaErrorInvalidValue;
  if (dynamic_shared + static_shared_bytes(kernel) > static_cast<std::size_t>(facts().shared_per_block)) return cudaErrorInvalidValue;
  return cudaSuccess;
}

std::vector<std::byte> gather(const Kernel& kernel, void** arguments) {
  std::vector<std::byte> all(parameter_bytes(kernel));
  std::size_t i = 0;
  for (const ParameterPlace& place : parameters(kernel)) std::memcpy(all.data() + place.offset, arguments[i++], place.size);
  return all;
}

cudaError_t launch(Function* function, const dim3& grid, const dim3& block, std::size_t dynamic_shared, void** arguments, cudaStream_t on) {
  if (!function) return cudaErrorInvalidDeviceFunction;
  CUstream_st* const stream = find_stream(on);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (facts().capability < OCTET_PTX_ARCHITECTURE) return cudaErrorNoKernelImageForDevice;
  const Kernel* const kernel = &function->kernel();
  if (const cudaError_t error = check_shape(*function, *kernel, grid, block, dynamic_shared); error != cudaSuccess) return error;
  return put(*stream, [=, values = std::make_shared<const std::vector<std::byte>>(gather(*kernel, arguments))] {
    Launch launch{.grid = {grid.x, grid.y, grid.z}, .block = {block.x, block.y, block.z}, .dynamic_shared = dynamic_shared, .parameters = *values};
    try {
      run(*kernel, launch, device().allocations.memory(), device().counts);
    } catch (const Fault& fault) {
      throw Broken(cudaErrorIllegalAddress, fault.what());
    }
  });
}

struct PushedConfiguration {
  dim3 grid, block;
  std::size_t shared;
  cudaStream_t stream;
};
thread_local PushedConfiguration pushed;  // between kernel<<<...>>> and the host function of that name

}  // namespace
}  // namespace octet::ptx::cudart

using namespace octet::ptx::cudart;

extern "C" {

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared, CUstream_st* stream) {
  pushed = {grid, block, shared, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream) {
  *grid = pushed.grid;
  *block = pushed.block;
  *shared = pushed.shared;
  *static_cast<cudaStream_t*>(stream) = pushed.stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host) {
  *kernel = reinterpret_cast<cudaKernel_t>(find_function(host));
  return *kernel ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments, std::size_t shared, cudaStream_t stream) {
  return call([&] { return launch(reinterpret_cast<Function*>(kernel), grid, block, shared, arguments, stream); });
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* host, void** arguments) {
  return call([&] {
    Function* const function = find_function(host);
    for (unsigned i = 0; i < config->numAttrs; ++i) {
      if (config->attrs[i].id != cudaLaunchAttributeProgrammaticStreamSerialization) return cudaErrorNotSupported;
      if (facts().capability < 90) return cudaErrorNotSupported;
      if (config->attrs[i].val.programmaticStreamSerializationAllowed && function && !function->waits_for_previous()) {
        // Stricter than a GPU, on which it would read what is not yet written.
        std::fprintf(stderr, "PTX machine: %s may overlap the kernel before it and never waits\n", function->name.c_str());
        return cudaErrorInvalidValue;
      }
    }
    return launch(function, config->gridDim, config->blockDim, config->dynamicSmemBytes, arguments, config->stream);
  });
}

cudaError_t cudaFuncSetAttribute(const void* host, cudaFuncAttribute attribute, int value) {
  return call([&] {
    Function* const function = find_function(host);
    if (!function) return cudaErrorInvalidDeviceFunction;
    switch (attribute) {
      case cudaFuncAttributeMaxDynamicSharedMemorySize:
        if (value < 0 || static_cast<std::size_t>(value) + static_shared_bytes(function->kernel()) > static_cast<std::size_t>(facts().shared_per_block))
          return cudaErrorInvalidValue;
        function->max_dynamic_shared = value;
        return cudaSuccess;
      case cudaFuncAttributePreferredSharedMemoryCarveout: return value >= -1 && value <= 100 ? cudaSuccess : cudaErrorInvalidValue;
      default: return cudaErrorNotSupported;
    }
  });
}

}  // extern "C"
