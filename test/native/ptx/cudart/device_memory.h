// Device and pinned memory of the stand-in for the CUDA runtime. Addresses of device memory are never given out twice, start with 0xff in
// every byte, and may be touched by the host only while calls open them: a host that follows a device's pointer gets a segmentation fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "ptx/memory.h"

namespace octet::ptx::cudart {

enum class Place { kDevice, kPinned, kPageable, kInvalid };

class Allocations {
 public:
  Allocations();

  /// 256-byte aligned and no more, as is promised; null where the device is full.
  void* allocate(std::size_t bytes);
  void* allocate_pinned(std::size_t bytes);
  /// False where p is not the beginning of such an allocation. As far as a pointer goes, work that is still queued must not use it.
  bool release(void* p);
  bool release_pinned(void* p);

  /// Where [p, p + bytes) lies: within one allocation, outside all (which makes it the host's own, pageable), or partly in one.
  Place place_of(const void* p, std::size_t bytes) const;

  std::size_t used() const { return used_; }
  Memory& memory() { return memory_; }

  /// While one lives, device memory can be read and written.
  class Open {
   public:
    explicit Open(Allocations& all);
    ~Open();
    Open(const Open&) = delete;

   private:
    Allocations& all_;
  };

 private:
  struct Allocation {
    std::size_t bytes;
    Place place;
  };
  bool release(void* p, Place place);
  void protect(bool open);

  Memory memory_;
  std::map<std::uintptr_t, Allocation> all_;
  std::uintptr_t start_ = 0, next_ = 0;  // of the reserved addresses
  std::size_t used_ = 0;
  int open_ = 0;
};

constexpr std::size_t kDeviceBytes = std::size_t{16} << 30;

}  // namespace octet::ptx::cudart
