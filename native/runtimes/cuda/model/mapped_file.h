// A file's bytes, mapped for reading.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace octet::cuda {

class MappedFile {
 public:
  /// Throws Error(kModelNotFound) with the system's reason.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&&) noexcept;
  MappedFile(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace octet::cuda
