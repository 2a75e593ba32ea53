#include "runtimes/cuda/model/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/error.h"

#ifdef _WIN32
#include <windows.h>

#include <filesystem>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace octet::cuda {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::kModelNotFound, path + " cannot be read: " + reason);
}

}  // namespace

#ifdef _WIN32

MappedFile::MappedFile(const std::string& path) {
  const std::filesystem::path file(reinterpret_cast<const char8_t*>(path.c_str()));
  const HANDLE handle = CreateFileW(file.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
  if (handle == INVALID_HANDLE_VALUE) fail(path, "error " + std::to_string(GetLastError()));
  LARGE_INTEGER size{};
  GetFileSizeEx(handle, &size);
  const HANDLE mapping = CreateFileMappingW(handle, nullptr, PAGE_READONLY, 0, 0, nullptr);
  CloseHandle(handle);
  void* const start = mapping ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : nullptr;
  const DWORD error = GetLastError();
  if (mapping) CloseHandle(mapping);
  if (!start) fail(path, "error " + std::to_string(error));
  bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(size.QuadPart)};
}

MappedFile::~MappedFile() {
  if (bytes_.data()) UnmapViewOfFile(bytes_.data());
}

#else

MappedFile::MappedFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path, std::strerror(errno));
  struct stat status {};
  void* start = MAP_FAILED;
  if (fstat(file, &status) == 0 && status.st_size > 0)
    start = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  const int error = status.st_size > 0 ? errno : ENODATA;
  close(file);
  if (start == MAP_FAILED) fail(path, std::strerror(error));
  bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(status.st_size)};
}

MappedFile::~MappedFile() {
  if (bytes_.data()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

#endif

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

}  // namespace octet::cuda
