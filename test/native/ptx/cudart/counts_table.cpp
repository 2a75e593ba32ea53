// OCTET_PTX_COUNTS=1: what the kernels did, as a table at the program's end; OCTET_PTX_COUNTS=FILE writes it there.
#include "ptx/cudart/counts_table.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <cxxabi.h>

#include "ptx/cudart/device.h"
#include "ptx/cudart/modules.h"

namespace octet::ptx::cudart {
namespace {

/// A kernel's name without its parameters and without what all share.
std::string short_name(const std::string& mangled) {
  int status = 0;
  char* const full = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  if (!full) return mangled;
  std::string name = full;
  std::free(full);
  if (name.starts_with("void ")) name.erase(0, 5);
  for (const std::string_view common : {"octet::cuda::(anonymous namespace)::", "(anonymous namespace)::", "octet::cuda::"})
    for (std::size_t at; (at = name.find(common)) != std::string::npos;) name.erase(at, common.size());
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == '(' && depth == 0) return name.substr(0, i);
  }
  return name;
}

/// The kernels of cudart_test.cpp; products by warpgroups on devices that have none; and products by rows of bf16 with blocks of weights,
/// which gemm() always gives to tensor cores.
bool nobody_runs(const std::string& mangled) {
  if (mangled.find("6cudart7testing") != std::string::npos) return true;
  const std::string name = short_name(mangled);
  if (facts().capability != 90 && name.starts_with("multiply<") && name.ends_with(", true>")) return true;
  return name.starts_with("multiply_rows<") && name.ends_with("Bf16>") && name.find(")0,") == std::string::npos &&
         name.find(")1,") == std::string::npos && name.find(")2,") == std::string::npos;
}

}  // namespace

std::vector<std::string> never_run() {
  std::vector<std::string> names;
  for (const std::string& name : kernel_names())
    if (!device().counts.kernels.contains(name) && !nobody_runs(name)) names.push_back(short_name(name));
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

double ratio(std::uint64_t a, std::uint64_t b) { return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b); }

double sector_kb(std::uint64_t sectors) { return static_cast<double>(sectors) * 32 / 1000; }

void write_lines(std::FILE* to) {
  std::vector<std::pair<std::string, Counts::Line>> lines(device().counts.lines.begin(), device().counts.lines.end());
  if (lines.empty()) return;
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.second.instructions > b.second.instructions; });
  std::fprintf(to, "\n| line | warp instructions | shared wavefronts beyond the ideal |\n|---|--:|--:|\n");
  for (const auto& [line, of] : lines)
    std::fprintf(to, "| %s | %llu | %llu |\n", line.c_str(), static_cast<unsigned long long>(of.instructions),
                 static_cast<unsigned long long>(of.conflicts));
}

void write_table(std::FILE* to) {
  std::fprintf(to, "| kernel | launches | blocks | warp instructions | lanes active | mma | barriers | atomics | shared wavefronts / ideal | "
                   "load sectors / ideal | store sectors / ideal | cp.async sectors / ideal | loads KB | stores KB | cp.async KB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  for (const auto& [name, of] : device().counts.kernels)
    std::fprintf(to, "| %s | %llu | %llu | %llu | %.1f | %llu | %llu | %llu | %.2f | %.2f | %.2f | %.2f | %.0f | %.0f | %.0f |\n", short_name(name).c_str(),
                 static_cast<unsigned long long>(of.launches), static_cast<unsigned long long>(of.blocks),
                 static_cast<unsigned long long>(of.instructions), ratio(of.lane_instructions, of.instructions),
                 static_cast<unsigned long long>(of.mma), static_cast<unsigned long long>(of.barriers),
                 static_cast<unsigned long long>(of.atomics), ratio(of.shared_wavefronts, of.shared_wavefronts_ideal),
                 ratio(of.load_sectors, of.load_sectors_ideal), ratio(of.store_sectors, of.store_sectors_ideal),
                 ratio(of.async_sectors, of.async_sectors_ideal), sector_kb(of.load_sectors), sector_kb(of.store_sectors),
                 sector_kb(of.async_sectors));
  std::string left_out;
  for (const std::string& name : never_run()) left_out += (left_out.empty() ? "" : ", ") + name;
  if (!left_out.empty()) std::fprintf(to, "\nNot run: %s.\n", left_out.c_str());
  write_lines(to);
}

}  // namespace

void write_counts() {
  const char* const asked = std::getenv("OCTET_PTX_COUNTS");
  if (!asked || !*asked || std::string_view(asked) == "0") return;
  if (std::string_view(asked) == "1") return write_table(stderr);
  if (std::FILE* const file = std::fopen(asked, "w")) {
    write_table(file);
    std::fclose(file);
  } else {
    std::perror(asked);
    std::fflush(nullptr);
    std::_Exit(2);
  }
}

}  // namespace octet::ptx::cudart
