// What nvcc's host code registers before main(): fat binaries with the text of PTX modules, and which host function stands for which kernel.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/module.h"

namespace octet::ptx::cudart {

/// The PTX of a fat binary (nvcc --no-compress -gencode arch=compute_XX,code=compute_XX), without its padding. Throws std::runtime_error
/// where there is none, or one that is compressed.
std::string_view ptx_of(const void* fat_binary);

/// One translation unit's device code. It is parsed at the first look at one of its kernels, as a GPU's driver loads it lazily.
struct LoadedModule {
  std::string_view text;
  std::unique_ptr<Module> parsed;
};

struct Function {
  LoadedModule* module;
  std::string name;       ///< Mangled, as PTX has it.
  int max_dynamic_shared = 48 << 10;  ///< What a launch may ask for: cudaFuncAttributeMaxDynamicSharedMemorySize.

  /// Throws std::runtime_error where the module has no such kernel or cannot be read.
  const Kernel& kernel() const;
  /// The kernel waits somewhere for the one before it (griddepcontrol.wait): one that never does must not overlap it.
  bool waits_for_previous() const;
};

/// By the address of the function that host code calls; null where it was never registered.
Function* find_function(const void* host);

std::vector<std::string> kernel_names();  ///< Of all that are registered, mangled.

}  // namespace octet::ptx::cudart
