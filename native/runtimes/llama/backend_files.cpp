#include "runtimes/llama/backend_files.h"

#include <algorithm>

#include "runtimes/llama/shared_library.h"

namespace octet::llama {
namespace {

namespace fs = std::filesystem;

/// "libggml-cpu-haswell.so", "ggml-cpu-haswell.dll": "cpu-haswell". Empty: not the library of a backend.
std::string name_in(const fs::path& path) {
  const fs::path extension = path.extension();
  if (extension != ".so" && extension != ".dll" && extension != ".dylib") return {};
  const auto stem = path.stem().u8string();
  const std::string text(stem.begin(), stem.end());
  for (const std::string prefix : {"libggml-", "ggml-"}) {
    if (text.rfind(prefix, 0) == 0) return text.substr(prefix.size());
  }
  return {};
}

/// 0: it does not run here.
int score(const fs::path& path) {
  const SharedLibrary library(path);
  if (!library) return 0;
  auto* const function = reinterpret_cast<int (*)()>(library.symbol("ggml_backend_score"));
  return function ? function() : 0;
}

}  // namespace

std::vector<BackendFile> backend_files(const fs::path& folder) {
  std::vector<BackendFile> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = name_in(entry.path());
    if (name.empty() || name == "base") continue;
    files.push_back({name == "cpu" || name.rfind("cpu-", 0) == 0 ? "cpu" : name, entry.path()});
  }
  std::sort(files.begin(), files.end(), [](const BackendFile& a, const BackendFile& b) { return a.path < b.path; });
  return files;
}

fs::path best_cpu_backend(const std::vector<BackendFile>& files) {
  fs::path best;
  int most = 0;
  for (const BackendFile& file : files) {
    if (file.backend != "cpu") continue;
    const bool plain = name_in(file.path) == "cpu";
    const int points = plain ? 0 : score(file.path);
    if (points > most || (plain && best.empty())) best = file.path;
    most = std::max(most, points);
  }
  return best;
}

bool is_gpu_backend(const std::string& backend) {
  static const char* const known[] = {"vulkan", "metal", "cuda", "hip", "sycl", "opencl"};
  return std::find(std::begin(known), std::end(known), backend) != std::end(known);
}

}  // namespace octet::llama
