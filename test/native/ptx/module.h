// PTX text, parsed and decoded: what nvcc makes of a .cu file's kernels, ready for the PTX machine (machine.h).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octet::ptx {

struct Kernel;      // decoded and immutable: program.h
struct ModuleData;  // the module's own global memory and file names

/// One PTX text (one .target, any number of entries). Kernels live as long as their module; their .global variables are the
/// module's, so that two modules of one text do not share them.
class Module {
 public:
  /// Throws std::runtime_error that names the line and what is not known there: nothing is skipped silently but debug sections
  /// and hints.
  explicit Module(std::string_view text);
  ~Module();
  Module(Module&&) noexcept;
  Module& operator=(Module&&) noexcept;

  const Kernel* find(std::string_view mangled_name) const;  ///< nullptr where there is none.
  std::vector<std::string_view> names() const;              ///< Of all kernels, in the order of the text.

 private:
  std::unique_ptr<ModuleData> data_;
};

struct ParameterPlace {
  std::size_t offset, size;  ///< Bytes.
};

std::string_view name(const Kernel&);
std::span<const ParameterPlace> parameters(const Kernel&);  ///< In the order of the entry's parameter list.
std::size_t parameter_bytes(const Kernel&);                 ///< Of the block that Launch::parameters takes.
int max_threads(const Kernel&);                             ///< .maxntid's product; 1024 where the kernel names none.
std::size_t static_shared_bytes(const Kernel&);
std::size_t local_bytes(const Kernel&);                     ///< Of one thread's frame.

}  // namespace octet::ptx
