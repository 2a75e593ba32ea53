// The CUDA runtime's shared library, found beside this addon.
#pragma once

#include <string>

#include "runtimes/cuda/library.h"

namespace octet::addon {

struct CudaLibrary {
  const cuda::Library* library = nullptr;  ///< Null: not usable, for the reason below.
  std::string reason;                      ///< A sentence.
};

/// Usable where it is of this version and build and finds a device.
CudaLibrary checked(const cuda::Library& library);

/// The library at `path`, kept for the process's life, checked.
CudaLibrary load_cuda_library(const std::string& path);

/// Loads it on the first call and keeps it for the process's life: only where an NVIDIA driver is installed, the library is
/// beside the addon, of this version and build, and finds a device.
const CudaLibrary& cuda_library();

}  // namespace octet::addon
