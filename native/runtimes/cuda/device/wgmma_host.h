// Products by a warpgroup for fibers. Meanings and rules: wgmma.h. As late and as strict as a GPU may be: a product reads its registers and
// shared memory when it is waited for, its sums are NaN until then, and what was not shown to it ends the program with a message.
#pragma once

#include "runtimes/cuda/device/host/async_products.h"
#include "runtimes/cuda/device/intrinsics_host.h"

namespace octet::cuda {

namespace host {

/// A product by one warp: no warp reads another's registers.
OCTET_DEVICE void do_product(const AsyncProduct& product) {
  struct Fragment {
    std::uint32_t a[4];
  };
  const int group = thread_x() % 32 / 4, pair = thread_x() % 4;
  float* const d = held_sums(product);
  const auto field = [&](int bit) { return static_cast<std::uint32_t>(product.x >> bit & 0x3fffu) << 4; };
  const std::uint32_t start = field(0), eight_rows = field(32);
  exchange(Fragment{{product.a[0], product.a[1], product.a[2], product.a[3]}}, [&](auto all) {
    float rows[2][16];
    for (int k = 0; k < 16; ++k)
      for (int lower = 0; lower < 2; ++lower) {
        const std::uint32_t word = all(group * 4 + k % 8 / 2).a[lower + 2 * (k / 8)];
        rows[lower][k] = k % 2 ? high_bf16(word) : low_bf16(word);
      }
    for (int j = 0; j < product.tiles; ++j)
      for (int odd = 0; odd < 2; ++odd) {
        const int row = 2 * pair + odd;
        float x[16];
        for (int chunk = 0; chunk < 2; ++chunk) {
          // Exchanging chunks is a matter of addresses: bits 4 to 6 by bits 7 to 9.
          std::uint32_t place = start + static_cast<std::uint32_t>(j) * eight_rows + static_cast<std::uint32_t>(row * 128 + chunk * 16);
          place ^= (place >> 7 & 7u) << 4;
          const auto words = *reinterpret_cast<const Vector16*>(shown(place));
          for (int k = 0; k < 8; ++k) x[chunk * 8 + k] = k % 2 ? high_bf16(words.word[k / 2]) : low_bf16(words.word[k / 2]);
        }
        for (int lower = 0; lower < 2; ++lower) {
          float sum = d[j * 4 + 2 * lower + odd];
          for (int k = 0; k < 16; ++k) sum += rows[lower][k] * x[k];
          d[j * 4 + 2 * lower + odd] = sum;
        }
      }
    return 0;
  });
}

}  // namespace host

OCTET_DEVICE std::uint32_t shared_address(const void* p) { return host::place_in_shared(p); }

template <int kCount>
void pin(std::uint32_t (&)[kCount]) {}
template <int kTiles>
void pin(float (&)[kTiles][4]) {}

OCTET_DEVICE void begin_products() { host::current().products.begun = true; }
OCTET_DEVICE void commit_products() { host::commit_asked_products(); }
template <int kPending>
void wait_products() {
  for (auto due = host::due_products(kPending); !due.empty(); due = host::due_products(kPending))
    for (const host::AsyncProduct& product : due) {
      host::do_product(product);
      host::product_done(product);
    }
}
OCTET_DEVICE void show_to_products() { host::show_landed(); }

template <int kTiles>
void multiply_async(float (&d)[kTiles][4], const std::uint32_t (&a)[4], std::uint64_t x) {
  if ((x >> 62) != 1) host::fail("a descriptor of another swizzle");
  host::meet_warpgroup(x);
  host::ask_product(&d[0][0], a, x, kTiles);
}

}  // namespace octet::cuda
