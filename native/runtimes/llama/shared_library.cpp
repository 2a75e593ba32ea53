#include "runtimes/llama/shared_library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace octet::llama {

#ifdef _WIN32

SharedLibrary::SharedLibrary(const std::filesystem::path& path) {
  const UINT before = SetErrorMode(SEM_FAILCRITICALERRORS);  // no dialog where a library it needs is missing
  handle_ = LoadLibraryW(path.c_str());
  if (!handle_) reason_ = "error " + std::to_string(GetLastError()) + " of LoadLibrary";
  SetErrorMode(before);
}

SharedLibrary::~SharedLibrary() {
  if (handle_) FreeLibrary(static_cast<HMODULE>(handle_));
}

void* SharedLibrary::symbol(const char* name) const {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle_), name));
}

#else

SharedLibrary::SharedLibrary(const std::filesystem::path& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_) return;
  const char* const reason = dlerror();
  reason_ = reason ? reason : "dlopen failed";
}

SharedLibrary::~SharedLibrary() {
  if (handle_) dlclose(handle_);
}

void* SharedLibrary::symbol(const char* name) const { return dlsym(handle_, name); }

#endif

}  // namespace octet::llama
