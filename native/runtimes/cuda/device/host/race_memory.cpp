#include "runtimes/cuda/device/host/race_memory.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "runtimes/cuda/device/host/race_reports.h"

namespace octet::cuda::host::races {

std::byte* memory_start = nullptr;

namespace {

constexpr std::size_t kAlignment = 256, kGap = 256, kBoundsBytes = 8, kSharedBytes = std::size_t{256} << 10;

struct Allocation {
  std::size_t bytes, room;
  bool released;
};

Cell* cells = nullptr;
unsigned char* bounds = nullptr;  // of every 8 bytes: how many, from the first on, belong to an allocation
std::size_t used = kGap;
std::map<std::size_t, Allocation> allocations;         // by their offset
std::multimap<std::size_t, std::size_t> given_back;    // room to offset
thread_local std::byte* shared_start = nullptr;

template <class T>
T* reserve(std::size_t bytes) {
  void* const p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    std::perror("the race detector's memory");
    std::abort();
  }
  return static_cast<T*>(p);
}

void set_bounds(std::size_t offset, std::size_t bytes, std::size_t room) {
  unsigned char* at = bounds + offset / kBoundsBytes;
  std::memset(at, kBoundsBytes, bytes / kBoundsBytes);
  std::memset(at + bytes / kBoundsBytes, 0, room / kBoundsBytes - bytes / kBoundsBytes);
  if (bytes % kBoundsBytes) at[bytes / kBoundsBytes] = static_cast<unsigned char>(bytes % kBoundsBytes);
}

/// Zeros, and the pages given back.
void forget(void* from, std::size_t bytes) {
  constexpr std::uintptr_t kPage = 4096;
  const auto start = reinterpret_cast<std::uintptr_t>(from), first = (start + kPage - 1) / kPage * kPage, last = (start + bytes) / kPage * kPage;
  if (first >= last) {
    std::memset(from, 0, bytes);
    return;
  }
  std::memset(from, 0, first - start);
  madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  std::memset(reinterpret_cast<void*>(last), 0, start + bytes - last);
}

std::size_t offset_of(const void* at) { return static_cast<std::size_t>(static_cast<const std::byte*>(at) - memory_start); }

std::byte* take(std::size_t bytes) {
  if (!memory_start) {
    cells = reserve<Cell>(kMemoryBytes / kCellBytes * sizeof(Cell));
    bounds = reserve<unsigned char>(kMemoryBytes / kBoundsBytes);
    memory_start = reserve<std::byte>(kMemoryBytes);
  }
  const std::size_t room = (bytes + kAlignment - 1) / kAlignment * kAlignment + kGap;
  std::size_t offset = used;
  if (used + room <= kMemoryBytes) {
    used += room;
  } else if (const auto found = given_back.lower_bound(room); found != given_back.end()) {
    offset = found->second;
    given_back.erase(found);
  } else {
    std::fputs("the race detector's memory is full\n", stderr);
    std::abort();
  }
  allocations[offset] = {bytes, room, false};
  set_bounds(offset, bytes, room);
  return memory_start + offset;
}

}  // namespace

void* allocate(std::size_t bytes) {
  const Locked lock;
  return take(bytes);
}

void release(void* p) {
  if (!p) return;
  const Locked lock;
  const std::size_t offset = offset_of(p);
  Allocation& allocation = allocations.at(offset);
  set_bounds(offset, 0, allocation.room);
  forget(p, allocation.room);
  forget(cells + offset / kCellBytes, allocation.room / kCellBytes * sizeof(Cell));
  allocation.released = true;
  given_back.emplace(allocation.room, offset);
}

std::byte* shared_memory(std::size_t bytes) {
  const Locked lock;
  if (!shared_start) shared_start = take(kSharedBytes);
  if (bytes > kSharedBytes) {
    std::fputs("more shared memory than a block can have\n", stderr);
    std::abort();
  }
  set_bounds(offset_of(shared_start), bytes, kSharedBytes);
  return shared_start;
}

bool in_shared_memory(const void* at) {
  return shared_start && static_cast<std::size_t>(static_cast<const std::byte*>(at) - shared_start) < kSharedBytes;
}

std::span<Cell> cells_of(const void* at, std::size_t bytes) {
  const std::size_t first = offset_of(at) / kCellBytes, last = (offset_of(at) + bytes - 1) / kCellBytes;
  return {cells + first, last - first + 1};
}

bool check_bounds(Access kind, const void* at, std::size_t bytes, const Record& mine) {
  const std::size_t first = offset_of(at), last = first + bytes - 1;
  const auto inside = [](std::size_t offset) { return offset < kMemoryBytes && offset % kBoundsBytes < bounds[offset / kBoundsBytes]; };
  bool whole = inside(first) && inside(last);
  for (std::size_t offset = first / kBoundsBytes * kBoundsBytes; whole && offset + kBoundsBytes <= last; offset += kBoundsBytes)
    whole = bounds[offset / kBoundsBytes] == kBoundsBytes;
  if (!whole) report_outside(mine, kind, at, bytes);
  return whole;
}

std::string describe(const void* at) {
  const std::size_t offset = offset_of(at);
  if (in_shared_memory(at)) return "byte " + std::to_string(static_cast<const std::byte*>(at) - shared_start) + " of shared memory";
  auto found = allocations.upper_bound(offset);
  if (found == allocations.begin()) return "memory before all allocations";
  const auto& [start, allocation] = *--found;
  return "byte " + std::to_string(offset - start) + " of an allocation of " + std::to_string(allocation.bytes) + (allocation.released ? ", released" : "");
}

}  // namespace octet::cuda::host::races
