// The libraries of ggml's backends in a folder, and which of the CPU's variants is the best for this processor. ggml chooses as
// well, but its choice loads the GPUs' backends along, and with them the GPUs' drivers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace octet::llama {

struct BackendFile {
  std::string backend;  ///< "vulkan", "cuda", "cpu" for any variant, ...
  std::filesystem::path path;
};

/// In order of name; empty where there is no such folder.
std::vector<BackendFile> backend_files(const std::filesystem::path& folder);

/// Of the CPU's variants the one that says it is the best on this processor, else the plain one; empty where none works here.
std::filesystem::path best_cpu_backend(const std::vector<BackendFile>& files);

/// Whether loading this backend loads a GPU's driver.
bool is_gpu_backend(const std::string& backend);

}  // namespace octet::llama
