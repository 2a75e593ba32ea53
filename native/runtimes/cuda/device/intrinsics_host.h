// The intrinsics for kernels run on the host: every thread of a block is a fiber (host/block.h). Meanings and rules:
// intrinsics.h; intrinsics_cuda.h says the shapes. Stricter than a GPU on purpose: an asynchronous copy lands only when
// it is waited for, shared memory starts as NaN, and a barrier that some threads never reach aborts with a message.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "runtimes/cuda/device/host/block.h"
#include "runtimes/cuda/device/host/races.h"
#include "runtimes/cuda/device/types.h"

namespace octet::cuda {

OCTET_DEVICE int thread_x() { return host::current().thread; }
OCTET_DEVICE int thread_x_here() { return thread_x(); }
OCTET_DEVICE int block_x() { return host::current().block->index.x; }
OCTET_DEVICE int block_y() { return host::current().block->index.y; }
OCTET_DEVICE int block_z() { return host::current().block->index.z; }
OCTET_DEVICE int threads_x() { return host::current().block->threads; }
OCTET_DEVICE int blocks_x() { return host::current().block->grid.x; }
OCTET_DEVICE int blocks_y() { return host::current().block->grid.y; }
OCTET_DEVICE int blocks_z() { return host::current().block->grid.z; }

OCTET_DEVICE std::byte* shared_memory() { return host::current().block->shared; }

OCTET_DEVICE void block_sync() { host::block_barrier(); }
OCTET_DEVICE void warp_sync() { host::warp_barrier(); }
OCTET_DEVICE void fence() { host::races::fence(); }

namespace host {

/// Gives the warp each lane's `mine`, and `use(all)` what all 32 gave.
template <class T, class Use>
auto exchange(const T& mine, Use use) {
  static_assert(sizeof(T) <= kExchangeBytes && alignof(T) <= 16);
  std::byte* slots = current().warp->exchange;
  std::memcpy(slots + (current().thread % 32) * kExchangeBytes, &mine, sizeof(T));
  meet_warp();
  const auto all = [slots](int lane) {
    T x;
    std::memcpy(&x, slots + lane * kExchangeBytes, sizeof(T));
    return x;
  };
  auto result = use(all);
  meet_warp();
  return result;
}

}  // namespace host

template <class T>
T shuffle_xor(T x, int mask) {
  const int lane = thread_x() % 32;
  return host::exchange(x, [&](auto all) { return all(lane ^ mask); });
}
template <class T>
T shuffle(T x, int lane) {
  return host::exchange(x, [&](auto all) { return all(lane & 31); });
}
template <class T>
T shuffle_up(T x, int by) {
  const int lane = thread_x() % 32;
  return host::exchange(x, [&](auto all) { return all(lane >= by ? lane - by : lane); });
}
OCTET_DEVICE std::uint32_t ballot(bool x) {
  return host::exchange(x, [&](auto all) {
    std::uint32_t bits = 0;
    for (int lane = 0; lane < 32; ++lane) bits |= std::uint32_t{all(lane)} << lane;
    return bits;
  });
}

OCTET_DEVICE int atomic_add(int* to, int x) { return host::races::atomically(to, [x](int before) { return before + x; }); }
OCTET_DEVICE std::uint64_t atomic_add(std::uint64_t* to, std::uint64_t x) {
  return host::races::atomically(to, [x](std::uint64_t before) { return before + x; });
}
OCTET_DEVICE std::uint32_t atomic_add(std::uint32_t* to, std::uint32_t x) {
  return host::races::atomically(to, [x](std::uint32_t before) { return before + x; });
}
OCTET_DEVICE int atomic_min(int* to, int x) { return host::races::atomically(to, [x](int before) { return std::min(before, x); }); }
OCTET_DEVICE int atomic_max(int* to, int x) { return host::races::atomically(to, [x](int before) { return std::max(before, x); }); }

OCTET_DEVICE Vector16 load_streamed(const void* from) {
  host::check_aligned(from, 16);
  Vector16 x;
  std::memcpy(&x, from, sizeof x);
  return x;
}
OCTET_DEVICE float load_fresh(const float* from) { return *from; }
OCTET_DEVICE int load_fresh(const int* from) { return *from; }
OCTET_DEVICE std::uint32_t load_fresh(const std::uint32_t* from) { return *from; }
OCTET_DEVICE std::uint64_t load_fresh(const std::uint64_t* from) { return *from; }
OCTET_DEVICE Vector8 load_fresh(const Vector8* from) { return *from; }
OCTET_DEVICE Vector16 load_fresh(const Vector16* from) { return *from; }

OCTET_DEVICE std::uint32_t load_shared(const std::uint32_t* from) { return *from; }

OCTET_DEVICE void copy_async(void* to_shared, const void* from, bool valid = true) {
  host::check_aligned(to_shared, 16);
  host::check_aligned(from, 16);
  if (!valid) from = nullptr;
  host::current().copies.push_back({to_shared, from, host::races::copy_begins(to_shared, from)});
}
OCTET_DEVICE void copy_async_streamed(void* to_shared, const void* from, bool valid = true) { copy_async(to_shared, from, valid); }
OCTET_DEVICE void commit_async() { host::commit_copies(); }
template <int kPending>
void wait_async() { host::land_copies(kPending); }

OCTET_DEVICE void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  struct Fragments {
    std::uint32_t a[4], b[2];
  };
  const Fragments mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  const int group = thread_x() % 32 / 4, pair = thread_x() % 4;
  host::exchange(mine, [&](auto) {
    const std::byte* slots = host::current().warp->exchange;
    const auto half = [](std::uint32_t word, int k) { return k % 2 ? high_bf16(word) : low_bf16(word); };
    const auto fragments = [&](int lane) { return reinterpret_cast<const Fragments*>(slots + lane * host::kExchangeBytes); };
    for (int i = 0; i < 4; ++i) {
      const int upper = i / 2, column = 2 * pair + i % 2;
      float sum = d[i];
      for (int k = 0; k < 16; ++k) {
        const int owner = k % 8 / 2, later = k / 8;
        sum += half(fragments(group * 4 + owner)->a[upper + 2 * later], k) * half(fragments(column * 4 + owner)->b[later], k);
      }
      d[i] = sum;
    }
    return 0;
  });
}

namespace host {

OCTET_DEVICE void load_matrices(std::uint32_t (&r)[4], const void* row, bool transposed) {
  check_aligned(row, 16);
  const int lane = current().thread % 32, group = lane / 4, pair = lane % 4;
  exchange(row, [&](auto all) {
    for (int i = 0; i < 4; ++i) {
      std::uint16_t two[2];
      for (int half = 0; half < 2; ++half) {
        const int line = transposed ? 2 * pair + half : group, column = transposed ? group : 2 * pair + half;
        std::memcpy(&two[half], static_cast<const std::byte*>(all(8 * i + line)) + 2 * column, 2);
      }
      r[i] = two[0] | std::uint32_t{two[1]} << 16;
    }
    return 0;
  });
}

}  // namespace host

OCTET_DEVICE void load_matrices(std::uint32_t (&r)[4], const void* row) { host::load_matrices(r, row, false); }
OCTET_DEVICE void load_matrices_transposed(std::uint32_t (&r)[4], const void* row) { host::load_matrices(r, row, true); }

OCTET_DEVICE std::uint32_t byte_permute(std::uint32_t a, std::uint32_t b, std::uint32_t selector) {
  const std::uint64_t both = a | std::uint64_t{b} << 32;
  std::uint32_t result = 0;
  for (int i = 0; i < 4; ++i) result |= static_cast<std::uint32_t>(both >> (selector >> 4 * i & 7u) * 8 & 0xffu) << 8 * i;
  return result;
}

OCTET_DEVICE std::uint32_t masked_or(std::uint32_t a, std::uint32_t mask, std::uint32_t bits) { return (a & mask) | bits; }

OCTET_DEVICE std::uint32_t fma_bf16x2(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  return pack_bf16(low_bf16(a) * low_bf16(b) + low_bf16(c), high_bf16(a) * high_bf16(b) + high_bf16(c));
}

OCTET_DEVICE float product_of(float a, float b) {
  const volatile float product = a * b;
  return product;
}
OCTET_DEVICE float fma_of(float a, float b, float c) { return std::fma(a, b, c); }
OCTET_DEVICE float exp2_of(float x) { return std::exp2(x); }
OCTET_DEVICE float inverse_sqrt(float x) { return 1.0f / std::sqrt(x); }
OCTET_DEVICE std::uint64_t time_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}
OCTET_DEVICE void let_next_start() { host::races::let_next_start(); }
OCTET_DEVICE void wait_for_previous() { host::races::wait_for_previous(); }

}  // namespace octet::cuda
