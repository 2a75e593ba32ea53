#include "addon/cuda_library.h"

#ifdef __linux__
#include <dlfcn.h>
#elif defined(_WIN32)
#include <windows.h>

#include <filesystem>
#endif

namespace octet::addon {
namespace {

CudaLibrary unusable(std::string reason) { return {nullptr, std::move(reason)}; }

#ifdef __linux__

void* symbol_in_library(std::string& reason) {
  if (void* const driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL); !driver) {
    reason = "no NVIDIA driver is installed";
    return nullptr;
  }
  Dl_info here{};
  dladdr(reinterpret_cast<void*>(&cuda_library), &here);
  const std::string addon = here.dli_fname ? here.dli_fname : "";
  const std::string path = addon.substr(0, addon.rfind('/') + 1) + "liboctet_cuda.so";
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    reason = std::string("the CUDA runtime is not part of this build: ") + dlerror();
    return nullptr;
  }
  return dlsym(library, "octet_cuda_library");
}

#elif defined(_WIN32)

void* symbol_in_library(std::string& reason) {
  if (!LoadLibraryW(L"nvcuda.dll")) {
    reason = "no NVIDIA driver is installed";
    return nullptr;
  }
  HMODULE addon = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCWSTR>(&cuda_library), &addon);
  wchar_t file[32768];
  const DWORD length = GetModuleFileNameW(addon, file, 32768);
  const auto path = std::filesystem::path(file, file + length).parent_path() / "octet_cuda.dll";
  const HMODULE library = LoadLibraryW(path.c_str());
  if (!library) {
    reason = "the CUDA runtime is not part of this build";
    return nullptr;
  }
  return reinterpret_cast<void*>(GetProcAddress(library, "octet_cuda_library"));
}

#else

void* symbol_in_library(std::string& reason) {
  reason = "CUDA is not available on this platform";
  return nullptr;
}

#endif

CudaLibrary find() {
  std::string reason;
  void* const symbol = symbol_in_library(reason);
  if (!symbol) return unusable(reason.empty() ? "the CUDA runtime's library is not one of Octet's" : reason);
  const cuda::Library* const library = reinterpret_cast<OctetCudaLibrary*>(symbol)();
  if (library->version != cuda::kLibraryVersion) return unusable("the CUDA runtime's library is of another version of Octet");
  try {
    library->device();
  } catch (const std::exception& error) {
    return unusable(error.what());
  }
  return {library, {}};
}

}  // namespace

const CudaLibrary& cuda_library() {
  static const CudaLibrary found = find();
  return found;
}

}  // namespace octet::addon
