// A shared library opened by its path, to see whether it can be and why not, or to ask it something.
#pragma once

#include <filesystem>
#include <string>

namespace octet::llama {

class SharedLibrary {
 public:
  /// Not open where the system refuses; reason() then says why, as far as the system does.
  explicit SharedLibrary(const std::filesystem::path& path);
  ~SharedLibrary();
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;

  explicit operator bool() const { return handle_ != nullptr; }
  const std::string& reason() const { return reason_; }

  /// Null where it has no such symbol.
  void* symbol(const char* name) const;

 private:
  void* handle_ = nullptr;
  std::string reason_;
};

}  // namespace octet::llama
