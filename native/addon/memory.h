// What the C library's allocator does with memory that models leave. Of glibc's alone: others have ways of their own.
#pragma once

#include <cstdlib>  // which says whether the C library is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace octet::addon {

/// Before the first load. Left alone, glibc takes what is up to 32 MiB large from its arenas, once something as large was freed, and keeps what is
/// freed there: buffers of models, which so outlive them. From now on large ones are the system's own, and its again when they are freed.
inline void keep_large_memory_apart() {
#ifdef __GLIBC__
  constexpr int kLarge = 1 << 20;      // above what a step allocates, a row of logits for one
  constexpr int kUnusedAtEnd = 8 << 20;  // of an arena, before it is given back between requests
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kUnusedAtEnd);
#endif
}

/// After an unloading: gives back what smaller buffers have left.
inline void give_back_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace octet::addon
