#include "ptx/cudart/device_memory.h"

#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace octet::ptx::cudart {
namespace {

constexpr std::size_t kAlignment = 256, kReserved = std::size_t{1} << 42;
constexpr int kPoison = 0xff;

std::uintptr_t page() {
  static const auto bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}
std::uintptr_t page_below(std::uintptr_t p) { return p / page() * page(); }
std::uintptr_t page_above(std::uintptr_t p) { return page_below(p + page() - 1); }

}  // namespace

Allocations::Allocations() {
  void* const reserved = mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) throw std::runtime_error("no addresses left for device memory");
  start_ = reinterpret_cast<std::uintptr_t>(reserved);
  next_ = start_;
}

void Allocations::protect(bool open) {
  // From the first allocation that lives: addresses before it are done with.
  const auto first = all_.lower_bound(start_);
  if (first == all_.end() || first->first >= next_) return;
  const std::uintptr_t from = page_below(first->first), to = page_above(next_);
  mprotect(reinterpret_cast<void*>(from), to - from, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

Allocations::Open::Open(Allocations& all) : all_(all) {
  if (all_.open_++ == 0) all_.protect(true);
}
Allocations::Open::~Open() {
  if (--all_.open_ == 0) all_.protect(false);
}

void* Allocations::allocate(std::size_t bytes) {
  if (bytes > kDeviceBytes - used_) return nullptr;
  std::uintptr_t at = (next_ + kAlignment - 1) / kAlignment * kAlignment;
  if (at % (2 * kAlignment) == 0) at += kAlignment;
  if (at + bytes > start_ + kReserved) return nullptr;
  next_ = at + bytes;
  used_ += bytes;
  void* const p = reinterpret_cast<void*>(at);
  all_.emplace(at, Allocation{bytes, Place::kDevice});
  if (open_ > 0) protect(true);
  const Open open(*this);
  std::memset(p, kPoison, bytes);
  memory_.add(p, bytes, "device memory of " + std::to_string(bytes) + " bytes");
  return p;
}

void* Allocations::allocate_pinned(std::size_t bytes) {
  void* const p = ::operator new(bytes, std::align_val_t{kAlignment});
  std::memset(p, kPoison, bytes);
  all_.emplace(reinterpret_cast<std::uintptr_t>(p), Allocation{bytes, Place::kPinned});
  memory_.add(p, bytes, "pinned memory of " + std::to_string(bytes) + " bytes");
  return p;
}

bool Allocations::release(void* p, Place place) {
  const auto found = all_.find(reinterpret_cast<std::uintptr_t>(p));
  if (found == all_.end() || found->second.place != place) return false;
  memory_.remove(p);
  const std::size_t bytes = found->second.bytes;
  if (place == Place::kPinned) {
    ::operator delete(p, std::align_val_t{kAlignment});
  } else {
    used_ -= bytes;
    // Whole pages go back; what a neighbour shares stays.
    const std::uintptr_t from = page_above(found->first), to = page_below(found->first + bytes);
    if (from < to) {
      madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
      mprotect(reinterpret_cast<void*>(from), to - from, PROT_NONE);
    }
  }
  all_.erase(found);
  return true;
}
bool Allocations::release(void* p) { return release(p, Place::kDevice); }
bool Allocations::release_pinned(void* p) { return release(p, Place::kPinned); }

Place Allocations::place_of(const void* p, std::size_t bytes) const {
  const auto from = reinterpret_cast<std::uintptr_t>(p), to = from + bytes;
  const auto above = all_.upper_bound(from);
  if (above != all_.begin()) {
    const auto& [start, allocation] = *std::prev(above);
    if (from < start + allocation.bytes) return to <= start + allocation.bytes ? allocation.place : Place::kInvalid;
  }
  if (above != all_.end() && above->first < to) return Place::kInvalid;
  if (from < start_ + kReserved && to > start_) return Place::kInvalid;  // freed, or never given out
  return p ? Place::kPageable : Place::kInvalid;
}

}  // namespace octet::ptx::cudart
