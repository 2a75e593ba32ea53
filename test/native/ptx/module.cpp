#include "ptx/module.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "ptx/syntax.h"

namespace octet::ptx {

#if defined(OCTET_PTX_AVX2)
namespace avx2 {
Form find(std::string_view spelling, std::string_view widths);
}
#endif
namespace plain {
Form find(std::string_view spelling, std::string_view widths);
}

Form find_form(std::string_view spelling, std::string_view widths) {
#if defined(OCTET_PTX_AVX2)
  static const bool fast = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && std::getenv("OCTET_PTX_PLAIN") == nullptr;
  if (fast) return avx2::find(spelling, widths);
#endif
  return plain::find(spelling, widths);
}

Module::Module(std::string_view text) : data_(std::make_unique<ModuleData>()) {
  ModuleText parsed = parse(text);
  data_->files = std::move(parsed.files);
  for (auto& [name, variable] : parsed.variables) {
    if (variable.space != Space::kGlobal) continue;
    auto& storage = data_->storage.emplace_back(new std::byte[variable.bytes + variable.align]());
    auto address = reinterpret_cast<std::uintptr_t>(storage.get());
    address = (address + variable.align - 1) / variable.align * variable.align;
    variable.address = address;
    if (!variable.initial.empty()) std::memcpy(reinterpret_cast<std::byte*>(address), variable.initial.data(), variable.initial.size());
    data_->globals.push_back({address, address + variable.bytes, std::string(name)});
  }
  for (const EntryText& entry : parsed.entries) {
    data_->kernels.push_back(decode(entry, parsed.variables, *data_));
    if (!data_->by_name.emplace(data_->kernels.back()->name, data_->kernels.back().get()).second)
      syntax_error(entry.line, "entry " + data_->kernels.back()->name + " a second time");
  }
}
Module::~Module() = default;
Module::Module(Module&&) noexcept = default;
Module& Module::operator=(Module&&) noexcept = default;

const Kernel* Module::find(std::string_view mangled_name) const {
  const auto found = data_->by_name.find(std::string(mangled_name));
  return found == data_->by_name.end() ? nullptr : found->second;
}

std::vector<std::string_view> Module::names() const {
  std::vector<std::string_view> names;
  for (const auto& kernel : data_->kernels) names.push_back(kernel->name);
  return names;
}

std::string_view name(const Kernel& kernel) { return kernel.name; }
std::span<const ParameterPlace> parameters(const Kernel& kernel) { return kernel.parameters; }
std::size_t parameter_bytes(const Kernel& kernel) { return kernel.parameter_bytes; }
int max_threads(const Kernel& kernel) { return kernel.max_threads; }
std::size_t static_shared_bytes(const Kernel& kernel) { return kernel.static_shared; }
std::size_t local_bytes(const Kernel& kernel) { return kernel.local_bytes; }

}  // namespace octet::ptx
