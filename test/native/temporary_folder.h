// Test helper: a folder of its own, gone at the end of the scope.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>

namespace octet::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<int> count{0};
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    path_ = std::filesystem::temp_directory_path() /
            ("octet-test-" + std::to_string(now) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return path() + "/" + name; }

 private:
  std::filesystem::path path_;
};

}  // namespace octet::test
