// What -fsanitize=thread has the compiler call, answered by the race detector instead of libtsan.
#include <cstring>

#include "runtimes/cuda/device/host/race_memory.h"
#include "runtimes/cuda/device/host/race_reports.h"

using namespace octet::cuda::host::races;

namespace {

inline void read(const void* at, std::size_t bytes, const void* caller) {
  if (watched(at)) access(Access::kRead, at, bytes, place_of(caller));
}
inline void write(const void* at, std::size_t bytes, const void* caller) {
  if (watched(at)) access(Access::kWrite, at, bytes, place_of(caller));
}

}  // namespace

extern "C" {

#define OCTET_HOOKS(bytes)                                                                                    \
  void __tsan_read##bytes(void* at) { read(at, bytes, __builtin_return_address(0)); }                         \
  void __tsan_write##bytes(void* at) { write(at, bytes, __builtin_return_address(0)); }                       \
  void __tsan_unaligned_read##bytes(void* at) { read(at, bytes, __builtin_return_address(0)); }               \
  void __tsan_unaligned_write##bytes(void* at) { write(at, bytes, __builtin_return_address(0)); }             \
  void __tsan_volatile_read##bytes(void* at) { read(at, bytes, __builtin_return_address(0)); }                \
  void __tsan_volatile_write##bytes(void* at) { write(at, bytes, __builtin_return_address(0)); }
OCTET_HOOKS(1)
OCTET_HOOKS(2)
OCTET_HOOKS(4)
OCTET_HOOKS(8)
OCTET_HOOKS(16)
void __tsan_read_range(void* at, std::size_t bytes) { read(at, bytes, __builtin_return_address(0)); }
void __tsan_write_range(void* at, std::size_t bytes) { write(at, bytes, __builtin_return_address(0)); }

void __tsan_init() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

// Atomics of the host's own code, such as counts of references: kernels' go through races::atomically.
#define OCTET_ATOMIC_HOOKS(bits, type)                                                                                                    \
  type __tsan_atomic##bits##_load(const volatile type* at, int) { return __atomic_load_n(at, __ATOMIC_SEQ_CST); }                         \
  void __tsan_atomic##bits##_store(volatile type* at, type x, int) { __atomic_store_n(at, x, __ATOMIC_SEQ_CST); }                         \
  type __tsan_atomic##bits##_exchange(volatile type* at, type x, int) { return __atomic_exchange_n(at, x, __ATOMIC_SEQ_CST); }            \
  type __tsan_atomic##bits##_fetch_add(volatile type* at, type x, int) { return __atomic_fetch_add(at, x, __ATOMIC_SEQ_CST); }            \
  type __tsan_atomic##bits##_fetch_sub(volatile type* at, type x, int) { return __atomic_fetch_sub(at, x, __ATOMIC_SEQ_CST); }            \
  type __tsan_atomic##bits##_fetch_and(volatile type* at, type x, int) { return __atomic_fetch_and(at, x, __ATOMIC_SEQ_CST); }            \
  type __tsan_atomic##bits##_fetch_or(volatile type* at, type x, int) { return __atomic_fetch_or(at, x, __ATOMIC_SEQ_CST); }              \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* at, type* was, type x, int, int) {                                     \
    return __atomic_compare_exchange_n(at, was, x, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                                            \
  }                                                                                                                                       \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type* at, type* was, type x, int, int) {                                       \
    return __atomic_compare_exchange_n(at, was, x, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                                            \
  }
OCTET_ATOMIC_HOOKS(8, char)
OCTET_ATOMIC_HOOKS(32, int)
OCTET_ATOMIC_HOOKS(64, long)

}  // extern "C"
