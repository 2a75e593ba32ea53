// Products by a warpgroup on the host (wgmma_host.h): what a thread has asked for and not waited for, and the shared memory that they see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace octet::cuda::host {

/// d [tiles][4] += the warp's rows a [4] by rows of x.
struct AsyncProduct {
  float* d;
  const std::uint32_t* a;
  std::uint32_t a_then[4];  ///< What the registers held when it was asked for.
  std::uint64_t x;
  int tiles;
};

/// Sums that products under way have; the thread's own are NaN meanwhile.
struct HeldSums {
  float* d;
  std::vector<float> values;
};

struct AsyncProducts {
  std::vector<AsyncProduct> asked;       ///< Not yet done, oldest first.
  std::vector<std::size_t> committed;    ///< Sizes of committed groups of `asked`, oldest first.
  std::vector<HeldSums> held;
  bool begun = false;                    ///< By begin_products, since the last group.
  std::vector<std::byte*> landed;        ///< 16 bytes each, in shared memory, not yet shown to products.
};

/// All 128 threads of the warpgroup have come, with the same `x`; aborts with a message where they differ.
void meet_warpgroup(std::uint64_t x);

/// A product of the running thread is asked for.
void ask_product(float* d, const std::uint32_t* a, std::uint64_t x, int tiles);
void commit_asked_products();

/// The oldest group, to be done by the running thread, where more than `pending` are committed; else empty.
std::vector<AsyncProduct> due_products(int pending);
/// Where a product's sums are.
float* held_sums(const AsyncProduct& product);
/// A product is done. Aborts where its registers were written meanwhile.
void product_done(const AsyncProduct& product);

/// What has landed by this thread's copies can be seen by products.
void show_landed();

/// 16 bytes of shared memory, at a place as descriptors count (from a multiple of 1,024 at or below its beginning). Aborts where they are outside
/// or nobody has shown them.
const std::byte* shown(std::uint32_t place);
std::uint32_t place_in_shared(const void* p);

}  // namespace octet::cuda::host
