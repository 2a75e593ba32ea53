// Registration, as crt/host_runtime.h of CUDA 12 and later calls it.
#include "ptx/cudart/modules.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <unordered_map>

#include <cuda_runtime_api.h>

namespace octet::ptx::cudart {
namespace {

/// Registered before main() and until after it: neither is ever destroyed.
struct Registry {
  std::deque<LoadedModule> modules;
  std::unordered_map<const void*, Function> functions;
};
Registry& registry() {
  static Registry* const all = new Registry;
  return *all;
}

struct Wrapper {  // __fatBinC_Wrapper_t
  std::int32_t magic, version;
  const void* binary;
  void* unused;
};
constexpr std::int32_t kWrapperMagic = 0x466243b1;

struct BinaryHeader {
  std::uint32_t magic;
  std::uint16_t version, header_bytes;
  std::uint64_t bytes;  // of the entries that follow
};
constexpr std::uint32_t kBinaryMagic = 0xba55ed50;

struct EntryHeader {
  std::uint16_t kind, unknown;
  std::uint32_t header_bytes;
  std::uint64_t bytes;             // of what follows the header
  std::uint32_t compressed_bytes;  // 0: not compressed
};
constexpr std::uint16_t kKindPtx = 1;

template <class T>
T read_at(const std::byte* from) {
  T x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

}  // namespace

std::string_view ptx_of(const void* fat_binary) {
  const auto* const start = static_cast<const std::byte*>(fat_binary);
  const auto header = read_at<BinaryHeader>(start);
  if (header.magic != kBinaryMagic) throw std::runtime_error("not a fat binary");
  const std::byte *entry = start + header.header_bytes, *const end = entry + header.bytes;
  for (; entry < end;) {
    const auto of = read_at<EntryHeader>(entry);
    const std::byte* const content = entry + of.header_bytes;
    if (of.kind == kKindPtx) {
      if (of.compressed_bytes != 0) throw std::runtime_error("the PTX of a fat binary is compressed: nvcc --no-compress");
      const std::string_view text(reinterpret_cast<const char*>(content), of.bytes);
      return text.substr(0, text.find('\0'));
    }
    entry = content + of.bytes;
  }
  throw std::runtime_error("a fat binary without PTX");
}

const Kernel& Function::kernel() const {
  if (!module->parsed) module->parsed = std::make_unique<Module>(module->text);
  const Kernel* const found = module->parsed->find(name);
  if (!found) throw std::runtime_error("no kernel " + name + " in its module");
  return *found;
}

bool Function::waits_for_previous() const {
  const std::size_t start = module->text.find(".entry " + name + "(");
  if (start == std::string_view::npos) return false;
  const std::string_view body = module->text.substr(start, module->text.find(".entry ", start + 1) - start);
  return body.find("griddepcontrol.wait") != std::string_view::npos;
}

Function* find_function(const void* host) {
  const auto found = registry().functions.find(host);
  return found == registry().functions.end() ? nullptr : &found->second;
}

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const auto& [host, function] : registry().functions) names.push_back(function.name);
  return names;
}

}  // namespace octet::ptx::cudart

using namespace octet::ptx::cudart;

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  const auto of = read_at<Wrapper>(static_cast<const std::byte*>(wrapper));
  if (of.magic != kWrapperMagic) throw std::runtime_error("not a fat binary's wrapper");
  return reinterpret_cast<void**>(&registry().modules.emplace_back(LoadedModule{ptx_of(of.binary), nullptr}));
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 1; }

void __cudaRegisterFunction(void** module, const char* host, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*, int*) {
  registry().functions.insert_or_assign(host, Function{reinterpret_cast<LoadedModule*>(module), name});
}

}  // extern "C"
