// The ggml devices of this process and the compute threads on them.
#pragma once

#include "runtimes/llama/handles.h"
#include "runtimes/llama/load.h"

namespace octet::llama {

/// A device of devices() with its ggml handle; null for the CPU, which llama.cpp uses without being told.
struct ChosenDevice {
  Device device;
  ggml_backend_dev_t handle = nullptr;
};

/// Devices that may hold a model, best first: discrete GPUs, integrated GPUs, the CPU. Throws Error if not initialized.
std::vector<ChosenDevice> usable_devices();

/// The ones `request` ("auto", "cpu", "gpu" or a name) allows, best first.
/// Throws Error(kDeviceNotFound) listing what there is.
std::vector<ChosenDevice> matching_devices(const std::string& request);

/// Workers that sleep between graphs instead of polling, shared by both contexts (they never compute at once).
ThreadPool make_thread_pool(int threads);

}  // namespace octet::llama
