#include "runtimes/cuda/device/host/race_reports.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>

#include "runtimes/cuda/device/host/race_memory.h"

extern "C" const char __executable_start;

namespace octet::cuda::host::races {
namespace {

constexpr std::size_t kMostPrinted = 25, kMostExpected = 4;

std::set<std::tuple<int, std::uint32_t, std::uint32_t>> seen;
std::string test_name;
std::vector<std::string>* expecting = nullptr;

std::string output_of(const std::string& command) {
  static std::map<std::string, std::string> known;
  const auto [found, is_new] = known.try_emplace(command);
  std::string& output = found->second;
  if (!is_new) return output;
  if (std::FILE* const pipe = popen(command.c_str(), "r")) {
    char line[512];
    while (std::fgets(line, sizeof line, pipe)) output += line;
    pclose(pipe);
  }
  return output;
}

std::string program() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "";
}

/// Functions and lines, one a line, the innermost first.
std::string source_of(std::uint32_t pc) {
  char address[32];
  std::snprintf(address, sizeof address, "0x%x", pc);
  std::string lines = output_of("addr2line -Cfpi -e '" + program() + "' " + address + " 2>/dev/null");
  return lines.empty() ? std::string("      at ") + address + "\n" : "      " + lines;
}

std::string name_of_kernel(const void* kernel) {
  char address[32];
  std::snprintf(address, sizeof address, "0x%x", place_of(kernel) + 1);
  std::string name = output_of("addr2line -Cf -e '" + program() + "' " + address + " 2>/dev/null");
  const std::string unnamed = "(anonymous namespace)::";
  for (std::size_t at; (at = name.find(unnamed)) != std::string::npos;) name.erase(at, unnamed.size());
  return name.substr(0, name.find('('));
}

std::string who(const Record& record) {
  const Party& one = party(record.party);
  if (record.party == 0) return "the host";
  if (!one.kernel) return "an operation of the stream";
  const auto threads = static_cast<std::uint32_t>(record.threads);
  const std::string block = " of block " + std::to_string(one.block.x) + "," + std::to_string(one.block.y) + "," + std::to_string(one.block.z) +
                            " of kernel " + name_of_kernel(one.kernel);
  if (threads < kOneThread) return "thread " + std::to_string(threads) + block;
  if (threads < kAnyOfBlock) return "threads of warp " + std::to_string(warp_of(threads)) + block;
  return "threads" + block;
}

const char* name_of(Access kind) {
  return kind == Access::kRead ? "read" : kind == Access::kWrite ? "write" : "atomic";
}

void put(const std::string& text) {
  if (expecting) return expecting->push_back(text);
  if (seen.size() <= kMostPrinted) std::fprintf(stderr, "%s\n%s\n", test_name.c_str(), text.c_str());
}

bool is_new(int what, std::uint32_t a, std::uint32_t b) {
  if (expecting) return expecting->size() < kMostExpected;
  return seen.insert({what, a, b}).second && seen.size() <= kMostPrinted;
}

}  // namespace

std::uint32_t place_of(const void* return_address) {
  return static_cast<std::uint32_t>(static_cast<const char*>(return_address) - &__executable_start - 1);
}

namespace {

struct Site {
  std::string name;  // file:line of the kernel's call
  bool without = false;
  std::string listed_in;  // the test case it was last listed for
};

Site site_of(const void* return_address, const char* without) {
  const std::string lines = source_of(place_of(return_address));
  const std::size_t frame = lines.find("intrinsics_host.h") == std::string::npos ? 0 : lines.find('\n') + 1;
  const std::size_t start = lines.rfind('/', lines.find('\n', frame)) + 1;
  const std::string name = lines.substr(start, lines.find_first_of(" \n", start) - start);
  return {.name = name, .without = without && name == without};
}

}  // namespace

bool is_without(const void* return_address) {
  static const char* const without = std::getenv("OCTET_RACES_WITHOUT");
  static const bool lists = std::getenv("OCTET_RACES_SITES") != nullptr;
  static std::map<const void*, Site> known;
  if (!without && !lists) return false;
  auto found = known.find(return_address);
  if (found == known.end()) found = known.emplace(return_address, site_of(return_address, without)).first;
  Site& site = found->second;
  if (lists && site.listed_in != test_name) {
    std::fprintf(stderr, "site %s in %s\n", site.name.c_str(), test_name.c_str());
    site.listed_in = test_name;
  }
  return site.without;
}

void report_race(const Record& mine, Access kind, const Record& earlier, Access earlier_kind, const void* at, std::size_t bytes) {
  if (!is_new(0, mine.pc, earlier.pc)) return;
  put(std::string("  RACE: ") + name_of(kind) + " of " + std::to_string(bytes) + " bytes at " + describe(at) + " by " + who(mine) + "\n" +
      source_of(mine.pc) + "    nothing orders it behind the " + name_of(earlier_kind) + (earlier.pending ? " of a copy that has not landed" : "") +
      " by " + who(earlier) + "\n" + source_of(earlier.pc));
}

void report_outside(const Record& mine, Access kind, const void* at, std::size_t bytes) {
  if (!is_new(1, mine.pc, 0)) return;
  put(std::string("  OUT OF BOUNDS: ") + name_of(kind) + " of " + std::to_string(bytes) + " bytes at " + describe(at) + " by " + who(mine) + "\n" +
      source_of(mine.pc));
}

void report_block(const char* what, const Record& mine) {
  if (!is_new(2, mine.party, 0)) return;
  put(std::string("  ORDER: ") + what + ": " + who(mine));
}

int reports() { return static_cast<int>(seen.size()); }
void name_test(const char* name) { test_name = name; }

Expected::Expected() { expecting = &reports_; }
Expected::~Expected() { expecting = nullptr; }

}  // namespace octet::cuda::host::races
