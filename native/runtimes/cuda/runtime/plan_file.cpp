#include "runtimes/cuda/runtime/plan_file.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace octet::cuda {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTitle = "Octet: plans of matrix products, measured on this machine. Where this file is deleted, they are measured again.";
constexpr const char* kBetween = ": ";  // product and plan
constexpr const char* kWithoutWgmma = "without wgmma";

fs::path path_of(const std::string& utf8) { return fs::path(std::u8string(utf8.begin(), utf8.end())); }

// FNV-1a, 64 bits (Fowler, Noll, Vo).
std::string checksum(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  std::ostringstream out;
  out << std::hex << hash;
  return out.str();
}

std::optional<std::string> content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

// Under another name until it is whole.
void write_whole(const fs::path& path, const std::string& content) {
  fs::path part = path;
  part += "." + std::to_string(std::random_device{}()) + ".part";
  std::error_code error;
  {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file << content;
    file.close();
    if (file) fs::rename(part, path, error);
    else error = std::make_error_code(std::errc::io_error);
  }
  if (!error) return;
  std::error_code ignored;
  fs::remove(part, ignored);
  throw std::runtime_error(path.string() + " cannot be written");
}

}  // namespace

std::string PlanScope::text() const {
  return std::string(kTitle) + "\nbuild " + one_line(build) + "\ndevice " + one_line(device.name) + "\ncapability " + std::to_string(device.compute_capability) +
         ", multiprocessors " + std::to_string(device.multiprocessors) + ", shared bytes " + std::to_string(device.shared_bytes) + "\nwgmma " + wgmma + "\n";
}

std::optional<StoredPlans> read_plans(const std::string& path, const PlanScope& scope) {
  const std::optional<std::string> content = content_of(path_of(path));
  if (!content) return std::nullopt;
  const std::string head = scope.text();
  if (content->rfind(head, 0) != 0) return std::nullopt;
  const std::size_t last = content->rfind("\nend ");
  if (last == std::string::npos || content->substr(last + 1) != "end " + checksum(content->substr(0, last + 1)) + "\n") return std::nullopt;
  StoredPlans plans;
  std::istringstream lines(content->substr(head.size(), last + 1 - head.size()));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t between = line.find(kBetween);
    if (between == std::string::npos) return std::nullopt;
    plans[line.substr(0, between)] = line.substr(between + std::string(kBetween).size());
  }
  return plans;
}

StoredPlans add_plans(const std::string& path, const PlanScope& scope, const StoredPlans& plans) {
  StoredPlans all = read_plans(path, scope).value_or(StoredPlans{});
  all.insert(plans.begin(), plans.end());
  std::string content = scope.text();
  for (const auto& [product, plan] : all) content += product + kBetween + plan + "\n";
  const fs::path file = path_of(path);
  std::error_code error;
  fs::create_directories(file.parent_path(), error);  // where it fails, so does writing
  write_whole(file, content + "end " + checksum(content) + "\n");
  return all;
}

MeasuringMark::MeasuringMark(const std::string& plans_path, const std::string& build, double stale_seconds) : path_(plans_path + ".measuring") {
  const fs::path path = path_of(path_);
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  // Made only where there is none: of two processes one makes it.
  const auto make = [&](const std::string& content) {
#ifdef _WIN32
    std::FILE* const file = _wfopen(path.c_str(), L"wx");
#else
    std::FILE* const file = std::fopen(path.c_str(), "wx");
#endif
    if (!file) return false;
    const bool whole = std::fputs(content.c_str(), file) >= 0;
    return std::fclose(file) == 0 && whole;
  };
  if (make(build + "\n")) {
    state_ = State::kMine;
    return;
  }
  const auto since = fs::last_write_time(path, error);
  if (error) return;  // there is none, and none can be made
  if (std::chrono::duration<double>(fs::file_time_type::clock::now() - since).count() < stale_seconds) {
    state_ = State::kOthers;
    return;
  }
  const std::string left = content_of(path).value_or("");
  const bool same_build = left.rfind(build + "\n", 0) == 0;
  if (same_build && left.find(kWithoutWgmma) != std::string::npos) return;
  fs::remove(path, error);
  if (!make(build + "\n" + (same_build ? std::string(kWithoutWgmma) + "\n" : ""))) {
    state_ = State::kOthers;
    return;
  }
  state_ = same_build ? State::kLeftBehind : State::kMine;
}

MeasuringMark::~MeasuringMark() {
  if (state_ != State::kMine && state_ != State::kLeftBehind) return;
  std::error_code ignored;
  std::filesystem::remove(path_of(path_), ignored);
}

}  // namespace octet::cuda
