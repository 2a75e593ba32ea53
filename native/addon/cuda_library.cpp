#include "addon/cuda_library.h"

#include <string_view>

#ifdef _WIN32
#include <windows.h>

#include <filesystem>
#else
#include <dlfcn.h>
#endif

namespace octet::addon {
namespace {

CudaLibrary unusable(std::string reason) { return {nullptr, std::move(reason)}; }

#ifdef _WIN32

bool driver_is_installed() { return LoadLibraryW(L"nvcuda.dll") != nullptr; }

std::string beside_the_addon() {
  HMODULE addon = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCWSTR>(&cuda_library), &addon);
  wchar_t file[32768];
  const DWORD length = GetModuleFileNameW(addon, file, 32768);
  const auto path = (std::filesystem::path(file, file + length).parent_path() / "octet_cuda.dll").u8string();
  return {path.begin(), path.end()};
}

void* symbol_in(const std::string& path, std::string& reason) {
  const HMODULE library = LoadLibraryW(std::filesystem::path(std::u8string(path.begin(), path.end())).c_str());
  if (!library) reason = "the CUDA runtime is not part of this build";
  return library ? reinterpret_cast<void*>(GetProcAddress(library, "octet_cuda_library")) : nullptr;
}

#else

#ifdef __linux__
bool driver_is_installed() { return dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) != nullptr; }
#else
bool driver_is_installed() { return false; }
#endif

std::string beside_the_addon() {
  Dl_info here{};
  dladdr(reinterpret_cast<void*>(&cuda_library), &here);
  const std::string addon = here.dli_fname ? here.dli_fname : "";
  return addon.substr(0, addon.rfind('/') + 1) + "liboctet_cuda.so";
}

void* symbol_in(const std::string& path, std::string& reason) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) reason = std::string("the CUDA runtime is not part of this build: ") + dlerror();
  return library ? dlsym(library, "octet_cuda_library") : nullptr;
}

#endif

}  // namespace

CudaLibrary checked(const cuda::Library& library) {
  if (library.version != cuda::kLibraryVersion) return unusable("the CUDA runtime's library is of another version of Octet");
  if (std::string_view(library.build) != cuda::kBuild) return unusable("the CUDA runtime's library is left from another build of Octet");
  try {
    library.device();
  } catch (const std::exception& error) {
    return unusable(error.what());
  }
  return {&library, {}};
}

CudaLibrary load_cuda_library(const std::string& path) {
  std::string reason;
  void* const symbol = symbol_in(path, reason);
  if (!symbol) return unusable(reason.empty() ? "the CUDA runtime's library is not one of Octet's" : reason);
  return checked(*reinterpret_cast<OctetCudaLibrary*>(symbol)());
}

const CudaLibrary& cuda_library() {
  static const CudaLibrary found = driver_is_installed() ? load_cuda_library(beside_the_addon()) : unusable("no NVIDIA driver is installed");
  return found;
}

}  // namespace octet::addon
