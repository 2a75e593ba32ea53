// What this process may use of the machine: cores by affinity and cgroup quota, free memory by cgroup limit.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "runtimes/llama/load.h"

#ifdef __linux__
#include <sched.h>
#elif defined(__APPLE__)
#include <mach/mach.h>
#include <sys/sysctl.h>
#elif defined(_WIN32)
#define NOMINMAX
#include <windows.h>
#endif

namespace octet::llama {
namespace {

#ifdef __linux__

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::uint64_t number_in(const std::string& path, std::uint64_t otherwise) {
  const std::string line = first_line(path);
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(line.c_str(), &end, 10);
  return line.empty() || end == line.c_str() ? otherwise : value;
}

// This process's folders below `mount` for a controller and their ancestors, deepest first; in a container often only
// the root. Version 2 of cgroups has one hierarchy for all controllers (the line "0::/path"), version 1 one for each.
std::vector<std::string> control_groups(const std::string& mount, const std::string& controller) {
  std::vector<std::string> groups;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controller.empty() ? names != ",," : names.find("," + controller + ",") == std::string::npos) continue;
    for (std::string path = line.substr(second + 1); path.size() > 1; path.erase(path.rfind('/'))) {
      groups.push_back(mount + path);
    }
  }
  groups.push_back(mount);
  return groups;
}

double quota_of(const std::string& group) {
  std::istringstream line(first_line(group + "/cpu.max"));
  std::string quota;
  double period = 0;
  if (line >> quota >> period && quota != "max" && period > 0) return std::atof(quota.c_str()) / period;
  return INFINITY;
}

double cpu_quota() {
  double cores = INFINITY;
  for (const std::string& group : control_groups("/sys/fs/cgroup", "")) cores = std::min(cores, quota_of(group));
  for (const std::string& group : control_groups("/sys/fs/cgroup/cpu", "cpu")) {
    const double quota = std::atof(first_line(group + "/cpu.cfs_quota_us").c_str());
    const double period = std::atof(first_line(group + "/cpu.cfs_period_us").c_str());
    if (quota > 0 && period > 0) cores = std::min(cores, quota / period);
  }
  return cores;
}

void count_cores(Machine& machine) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::set<std::pair<std::string, std::string>> cores;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      ++machine.logical_cores;
      const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
      const std::string core = first_line(topology + "core_id");
      cores.emplace(first_line(topology + "physical_package_id"), core.empty() ? std::to_string(cpu) : core);
    }
  }
  machine.physical_cores = static_cast<int>(cores.size());
  const double quota = cpu_quota();
  if (std::isfinite(quota)) {
    const int whole = std::max(1, static_cast<int>(std::ceil(quota - 0.01)));
    machine.logical_cores = std::min(machine.logical_cores, whole);
    machine.physical_cores = std::min(machine.physical_cores, whole);
  }
}

void measure_memory(Machine& machine) {
  std::ifstream info("/proc/meminfo");
  std::string key, unit;
  std::uint64_t kib = 0;
  while (info >> key >> kib && std::getline(info, unit)) {
    if (key == "MemTotal:") machine.memory_bytes = kib << 10;
    if (key == "MemAvailable:") machine.free_memory_bytes = kib << 10;
  }
  const auto bound = [&](std::uint64_t limit, std::uint64_t used) {
    if (limit >= machine.memory_bytes) return;
    machine.memory_bytes = limit;
    machine.free_memory_bytes = std::min(machine.free_memory_bytes, limit > used ? limit - used : 0);
  };
  // The page cache counts as used in a cgroup although it yields; "inactive_file" is that part.
  const auto reclaimable = [](const std::string& stat_path) {
    std::ifstream stat(stat_path);
    std::string name;
    std::uint64_t value = 0;
    while (stat >> name >> value) {
      if (name == "inactive_file" || name == "total_inactive_file") return value;
    }
    return std::uint64_t{0};
  };
  const auto consider = [&](const std::string& group, const char* limit_name, const char* used_name) {
    const std::uint64_t used = number_in(group + used_name, 0);
    const std::uint64_t limit = number_in(group + limit_name, ~std::uint64_t{0});
    bound(limit, used - std::min(used, reclaimable(group + "/memory.stat")));
  };
  for (const std::string& group : control_groups("/sys/fs/cgroup", "")) {
    consider(group, "/memory.max", "/memory.current");
  }
  for (const std::string& group : control_groups("/sys/fs/cgroup/memory", "memory")) {
    consider(group, "/memory.limit_in_bytes", "/memory.usage_in_bytes");
  }
}

#elif defined(__APPLE__)

template <typename Value>
Value system_value(const char* name) {
  Value value{};
  std::size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : Value{};
}

void count_cores(Machine& machine) {
  // Efficiency cores slow every barrier down: only the performance cores count, where the machine has both.
  const int fast = system_value<int>("hw.perflevel0.physicalcpu");
  machine.physical_cores = fast > 0 ? fast : system_value<int>("hw.physicalcpu");
  machine.logical_cores = system_value<int>("hw.logicalcpu");
}

void measure_memory(Machine& machine) {
  machine.memory_bytes = system_value<std::uint64_t>("hw.memsize");
  vm_statistics64_data_t pages{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  const auto result =
      host_statistics64(mach_host_self(), HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&pages), &count);
  machine.free_memory_bytes = result == KERN_SUCCESS
      ? (std::uint64_t{pages.free_count} + pages.inactive_count) * static_cast<std::uint64_t>(vm_page_size)
      : machine.memory_bytes / 2;
}

#elif defined(_WIN32)

void count_cores(Machine& machine) { machine.logical_cores = static_cast<int>(std::thread::hardware_concurrency()); }

void measure_memory(Machine& machine) {
  MEMORYSTATUSEX status{};
  status.dwLength = sizeof status;
  if (!GlobalMemoryStatusEx(&status)) return;
  machine.memory_bytes = status.ullTotalPhys;
  machine.free_memory_bytes = status.ullAvailPhys;
}

#endif

}  // namespace

Machine machine() {
  Machine machine;
  count_cores(machine);
  measure_memory(machine);
  machine.logical_cores = std::max(1, machine.logical_cores);
  if (machine.physical_cores < 1) machine.physical_cores = std::max(1, machine.logical_cores / 2);
  return machine;
}

int default_threads() { return std::clamp(machine().physical_cores - 1, 1, 16); }

}  // namespace octet::llama
