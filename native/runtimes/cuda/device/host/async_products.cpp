#include "runtimes/cuda/device/host/async_products.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "runtimes/cuda/device/host/block.h"

namespace octet::cuda::host {
namespace {

constexpr std::uintptr_t kAlignment = 1024;

const std::byte* origin() {
  const std::byte* shared = current().block->shared;
  return shared - reinterpret_cast<std::uintptr_t>(shared) % kAlignment;
}

}  // namespace

void meet_warpgroup(std::uint64_t x) {
  Warpgroup& group = *current().warpgroup;
  if (group.barrier.arrived == 0) group.x = x;
  if (group.x != x) fail("threads of a warpgroup give different descriptors");
  meet(group.barrier);
}

void ask_product(float* d, const std::uint32_t* a, std::uint64_t x, int tiles) {
  AsyncProducts& mine = current().products;
  if (!mine.begun) fail("a product without begin_products");
  mine.asked.push_back({d, a, {a[0], a[1], a[2], a[3]}, x, tiles});
  for (const HeldSums& sums : mine.held)
    if (sums.d == d) return;
  mine.held.push_back({d, std::vector<float>(d, d + tiles * 4)});
  std::fill(d, d + tiles * 4, std::numeric_limits<float>::quiet_NaN());
}

void commit_asked_products() {
  AsyncProducts& mine = current().products;
  const std::size_t before = std::accumulate(mine.committed.begin(), mine.committed.end(), std::size_t{0});
  mine.committed.push_back(mine.asked.size() - before);
  mine.begun = false;
}

std::vector<AsyncProduct> due_products(int pending) {
  AsyncProducts& mine = current().products;
  if (static_cast<int>(mine.committed.size()) <= pending) return {};
  const auto end = mine.asked.begin() + static_cast<std::ptrdiff_t>(mine.committed.front());
  return {mine.asked.begin(), end};
}

float* held_sums(const AsyncProduct& product) {
  for (HeldSums& sums : current().products.held)
    if (sums.d == product.d) return sums.values.data();
  fail("a product's sums are lost");
}

void product_done(const AsyncProduct& product) {
  AsyncProducts& mine = current().products;
  if (!std::equal(product.a, product.a + 4, product.a_then)) fail("registers of a product under way were written");
  mine.asked.erase(mine.asked.begin());
  if (--mine.committed.front() == 0) mine.committed.erase(mine.committed.begin());
  const auto same = [&](const auto& other) { return other.d == product.d; };
  if (std::any_of(mine.asked.begin(), mine.asked.end(), same)) return;
  const auto sums = std::find_if(mine.held.begin(), mine.held.end(), same);
  std::copy(sums->values.begin(), sums->values.end(), product.d);
  mine.held.erase(sums);
}

void show_landed() {
  const Block& block = *current().block;
  for (const std::byte* at : current().products.landed) std::memcpy(block.shown + (at - block.shared), at, 16);
  current().products.landed.clear();
}

std::uint32_t place_in_shared(const void* p) { return static_cast<std::uint32_t>(static_cast<const std::byte*>(p) - origin()); }

const std::byte* shown(std::uint32_t place) {
  const Block& block = *current().block;
  const std::byte* at = origin() + place;
  const std::ptrdiff_t offset = at - block.shared;
  if (offset < 0 || offset + 16 > static_cast<std::ptrdiff_t>(block.shared_bytes)) fail("a product reads outside shared memory");
  if (std::memcmp(at, block.shown + offset, 16) != 0) fail("a product reads what was not shown to it");
  return at;
}

}  // namespace octet::cuda::host
