// Facts of the device, and the calls that ask for them.
#include "ptx/cudart/device.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "ptx/cudart/counts_table.h"

namespace octet::ptx::cudart {
namespace {

constexpr int kKilobyte = 1024;

/// What is no number of at least 1 ends the program: a device that was not asked for would be tried unnoticed.
int from_environment(const char* name, int otherwise) {
  const std::string_view set = std::getenv(name) ? std::getenv(name) : "";
  if (set.empty()) return otherwise;
  int value = 0;
  const auto [end, error] = std::from_chars(set.data(), set.data() + set.size(), value);
  if (error == std::errc{} && end == set.data() + set.size() && value >= 1) return value;
  std::fprintf(stderr, "PTX machine: %s is a number, not \"%s\"\n", name, set.data());
  std::_Exit(2);
}

/// Of one multiprocessor, by compute capability (CUDA C++ Programming Guide, technical specifications).
int shared_per_multiprocessor(int capability) {
  switch (capability) {
    case 80: case 87: return 164 * kKilobyte;
    case 86: case 89: case 120: case 121: return 100 * kKilobyte;
    default: return 228 * kKilobyte;
  }
}

}  // namespace

const Facts& facts() {
  static const Facts all = [] {
    Facts facts{};
    facts.capability = from_environment("OCTET_PTX_CAPABILITY", OCTET_PTX_ARCHITECTURE);
    facts.multiprocessors = from_environment("OCTET_PTX_MULTIPROCESSORS", 4);
    facts.shared_per_multiprocessor = shared_per_multiprocessor(facts.capability);
    facts.shared_per_block = facts.shared_per_multiprocessor - kKilobyte;  // the system takes one of each block's
    return facts;
  }();
  return all;
}

Device& device() {
  static Device* const only = [] {
    std::atexit(write_counts);
    auto* const device = new Device;
    if (const char* const kernels = std::getenv("OCTET_PTX_LINES")) device->counts.lines_of = kernels;
    return device;
  }();
  return *only;
}

}  // namespace octet::ptx::cudart

using namespace octet::ptx::cudart;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  return call([&] { return *count = 1, cudaSuccess; });
}
cudaError_t cudaSetDevice(int which) {
  return call([&] { return which == 0 ? cudaSuccess : cudaErrorInvalidDevice; });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int which) {
  return call([&] {
    if (which != 0) return cudaErrorInvalidDevice;
    *properties = {};
    std::strcpy(properties->name, "PTX machine");
    properties->major = facts().capability / 10;
    properties->minor = facts().capability % 10;
    properties->multiProcessorCount = facts().multiprocessors;
    properties->totalGlobalMem = kDeviceBytes;
    properties->sharedMemPerBlock = 48 * kKilobyte;
    properties->sharedMemPerBlockOptin = static_cast<std::size_t>(facts().shared_per_block);
    properties->sharedMemPerMultiprocessor = static_cast<std::size_t>(facts().shared_per_multiprocessor);
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int which) {
  return call([&] {
    if (which != 0) return cudaErrorInvalidDevice;
    switch (attribute) {
      case cudaDevAttrClockRate: return *value = 0, cudaErrorInvalidValue;  // no clock, so no peak to compare with
      case cudaDevAttrMaxSharedMemoryPerBlockOptin: return *value = facts().shared_per_block, cudaSuccess;
      default: return cudaErrorNotSupported;
    }
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return call([&] {
    *total = kDeviceBytes;
    *free = kDeviceBytes - device().allocations.used();
    return cudaSuccess;
  });
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInvalidPitchValue: return "invalid pitch argument";
    case cudaErrorInvalidDeviceFunction: return "invalid device function";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice: return "no kernel image is available for execution on the device";
    case cudaErrorUnknown: return "unknown error";
    case cudaErrorInvalidResourceHandle: return "invalid resource handle";
    case cudaErrorIllegalState: return "the operation cannot be performed in the present state";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure: return "unspecified launch failure";
    case cudaErrorNotSupported: return "operation not supported";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    case cudaErrorCapturedEvent: return "operation not permitted on an event last recorded in a capturing stream";
    default: return "an error that the PTX machine's runtime has no words for";
  }
}

}  // extern "C"
