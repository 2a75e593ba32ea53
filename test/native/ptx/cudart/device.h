// The device of the stand-in: its facts, its memory, and what every call has in common.
#pragma once

#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>

#include <cuda_runtime_api.h>

#include "ptx/cudart/device_memory.h"
#include "ptx/counts.h"

namespace octet::ptx::cudart {

struct Facts {
  int capability;             ///< 90 for 9.0: OCTET_PTX_CAPABILITY, else that of the PTX built in.
  int multiprocessors;        ///< OCTET_PTX_MULTIPROCESSORS, else 4.
  int shared_per_block;       ///< Bytes that one block may ask for, as published for the capability.
  int shared_per_multiprocessor;
};
const Facts& facts();

struct Device {
  std::recursive_mutex mutex;
  Allocations allocations;
  Counts counts;
  cudaError_t broken = cudaSuccess;  ///< A fault's error: every call after it returns it, as CUDA's sticky errors.
};
/// Made at the first call and never destroyed: host code's static objects may call to the very end.
Device& device();

/// What a queued operation throws; do_work() breaks the device with the error.
struct Broken : std::runtime_error {
  Broken(cudaError_t error, const std::string& what) : std::runtime_error(what), error(error) {}
  cudaError_t error;
};

/// One call: alone, and refused by a broken device. What is thrown, such as by a PTX module that cannot be read, is cudaErrorUnknown and said
/// on stderr.
template <class Body>
cudaError_t call(Body body) noexcept {
  const std::lock_guard lock(device().mutex);
  if (device().broken != cudaSuccess) return device().broken;
  try {
    const cudaError_t error = body();
    return device().broken != cudaSuccess ? device().broken : error;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "PTX machine: %s\n", error.what());
    return cudaErrorUnknown;
  }
}

}  // namespace octet::ptx::cudart
