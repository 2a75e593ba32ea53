// wgmma of bf16 with A in registers, its fences and groups (PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate
// Instructions": "Register Fragments for wgmma.mma_async.m64nNk16", "Shared Memory Matrix Layout", "Matrix Descriptor Format"; "Async
// proxy"). Of the warpgroup's 64 rows warp % 4 has 16 row and no warp reads another's registers:
//   A (eight elements in four registers) as mma.m16n8k16's; D: register 4 j + e is element e of mma.m16n8k16's D for columns 8 j ..
// Descriptor: bits 0-13 the start address, 16-29 and 32-45 the leading and stride dimension's byte offsets, all without their four lowest
// bits; 49-51 base offset; 62-63 swizzle, 1 of 128 bytes. With it, K-major, eight rows of N lie in 1,024 bytes, 128 each, the stride offset
// takes to the next eight, and bits 4-6 of an address are exchanged by bits 7-9. Other layouts are not known here.
//
// Strict: D is poisoned from the product to the wait that covers it, shared memory is read at that wait, registers have to be as they were at
// the last wgmma.fence (all but sums under way), a descriptor the same in all warps of the warpgroup, and what cp.async wrote must have been
// shown to the asynchronous proxy by the lane that waited for it. Ordinary stores are not held to that.
#include <algorithm>

#include "ptx/lanes.h"
#include "ptx/small_floats.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

constexpr int kRows = 16, kDepth = 16, kMostColumns = 72;

bool constant(U32 operand) { return (operand & kConstant) != 0; }

/// Column n of B [16][N] is row n of the matrix in shared memory.
void read_b(const Warp& w, U64 descriptor, int columns, float (&b)[kDepth][kMostColumns]) {
  const U64 start = (descriptor & 0x3fff) << 4, stride = (descriptor >> 32 & 0x3fff) << 4;
  const GridRun& grid = *w.grid;
  for (int n = 0; n < columns; ++n)
    for (U64 half = 0; half < 2; ++half) {
      U64 at = start + static_cast<U64>(n / 8) * stride + static_cast<U64>(n % 8) * 128 + half * 16;
      at ^= (at >> 7 & 7) << 4;
      if (at + 16 > grid.shared.size())
        fault(w, 0, "wgmma reads shared address " + std::to_string(at) + " of " + std::to_string(grid.shared.size()) + " bytes");
      for (U64 word = at / 4; word < at / 4 + 4; ++word)
        if (grid.unshown[word] != 0) fault(w, 0, "wgmma reads a copy at shared address " + std::to_string(4 * word) + " without fence.proxy.async behind it");
      U16 element[8];
      std::memcpy(element, grid.shared.data() + at, 16);
      for (U64 k = 0; k < 8; ++k) b[8 * half + k][n] = from_bf16(element[k]);
    }
}

/// The oldest product, onto its held sums; into the registers where none is under way on the same.
void complete_first(Warp& w) {
  AsyncProducts& mine = w.products;
  const AsyncProduct product = mine.pending.front();
  mine.pending.erase(mine.pending.begin());
  const auto held = std::find_if(mine.held.begin(), mine.held.end(), [&](const HeldSums& h) { return h.first == product.d[0]; });
  const int columns = 8 * product.tiles;
  float a[kRows][kDepth], b[kDepth][kMostColumns], c[kRows][kMostColumns];
  for (int r = 0; r < 4; ++r)
    for (int lane = 0; lane < kLanes; ++lane) {
      const int down = lane / 4 + r % 2 * 8, right = lane % 4 * 2 + r / 2 * 8;
      a[down][right] = product.sign * from_bf16(product.a[r][lane] & 0xffff);
      a[down][right + 1] = product.sign * from_bf16(product.a[r][lane] >> 16);
    }
  read_b(w, product.b, columns, b);
  const auto each_sum = [&](auto f) {
    for (int r = 0; r < 4 * product.tiles; ++r)
      for (int lane = 0; lane < kLanes; ++lane)
        f(held->c[static_cast<std::size_t>(r)][lane], c[lane / 4 + (r % 4 >= 2 ? 8 : 0)][r / 4 * 8 + lane % 4 * 2 + (r & 1)]);
  };
  each_sum([&](float& in_register, float& sum) { sum = product.adds ? in_register : 0; });
  for (int m = 0; m < kRows; ++m)
    for (int k = 0; k < kDepth; ++k)
      for (int n = 0; n < columns; ++n) c[m][n] = std::fma(a[m][k], b[k][n], c[m][n]);
  each_sum([](float& in_register, float& sum) { in_register = sum; });
  if (std::any_of(mine.pending.begin(), mine.pending.end(), [&](const AsyncProduct& p) { return p.d[0] == product.d[0]; })) return;
  for (int r = 0; r < 4 * product.tiles; ++r)
    std::memcpy(row<float>(w, product.d[static_cast<std::size_t>(r)]), held->c[static_cast<std::size_t>(r)].data(), sizeof(float) * kLanes);
  mine.held.erase(held);
}

void as_fenced(Warp& w, U32 operand, const char* what) {
  if (constant(operand)) return;
  if (std::memcmp(row<std::byte>(w, operand), w.products.fenced.data() + operand, 4 * kLanes) != 0)
    fault(w, 0, std::string("registers of ") + what + " were written since the last wgmma.fence");
}

/// The same value in all lanes.
template <class T>
T uniform(Warp& w, U32 operand, const char* what) {
  const T* value = row<const T>(w, operand);
  if (!std::all_of(value, value + kLanes, [&](T x) { return x == value[0]; })) fault(w, 0, std::string(what) + " differs from lane to lane");
  return value[0];
}

template <int Tiles>
void product(Warp& w, const Instruction& i, U32 /*all*/) {
  constexpr std::size_t kSums = 4 * Tiles;
  AsyncProducts& mine = w.products;
  if (mine.fenced.empty()) fault(w, 0, "wgmma.mma_async before any wgmma.fence");
  AsyncProduct p;
  p.tiles = Tiles;
  p.group = mine.committed;
  for (std::size_t r = 0; r < kSums; ++r) p.d[r] = i.operand[r];
  for (std::size_t r = 0; r < 4; ++r) {
    as_fenced(w, i.operand[kSums + r], "A");
    std::memcpy(p.a[r].data(), row<const U32>(w, i.operand[kSums + r]), 4 * kLanes);
  }
  p.b = uniform<U64>(w, i.operand[kSums + 4], "the descriptor");
  if (p.b >> 46 != 0x10000) fault(w, 0, "a descriptor of a layout that is not known here");
  std::vector<U64>& of_group = w.grid->descriptors[w.index / 4];
  if (mine.issued == of_group.size()) of_group.push_back(p.b);
  else if (of_group[mine.issued] != p.b) fault(w, 0, "the warps of a warpgroup give different descriptors");
  ++mine.issued;
  const U32 adds = predicate(w, i.operand[kSums + 5]);
  if (adds != 0 && adds != ~0u) fault(w, 0, "scale-d differs from lane to lane");
  p.adds = adds != 0;
  const auto scale_a = uniform<S32>(w, i.operand[kSums + 6], "imm-scale-a"), scale_b = uniform<S32>(w, i.operand[kSums + 7], "imm-scale-b");
  if ((scale_a != 1 && scale_a != -1) || (scale_b != 1 && scale_b != -1)) fault(w, 0, "imm-scale is neither 1 nor -1");
  if (uniform<U32>(w, i.operand[kSums + 8], "imm-trans-b") != 0) fault(w, 0, "a transposed B is not known here");
  p.sign = static_cast<float>(scale_a * scale_b);
  if (std::none_of(mine.held.begin(), mine.held.end(), [&](const HeldSums& h) { return h.first == p.d[0]; })) {
    HeldSums held{p.d[0], std::vector<std::array<float, kLanes>>(kSums)};
    for (std::size_t r = 0; r < kSums; ++r) {
      if (p.adds) as_fenced(w, p.d[r], "D");
      std::memcpy(held.c[r].data(), row<const float>(w, p.d[r]), 4 * kLanes);
      std::fill_n(row<U32>(w, p.d[r]), kLanes, kPoison);
    }
    mine.held.push_back(std::move(held));
  }
  mine.pending.push_back(p);
  w.grid->counts.mma += Tiles;
}

void fence(Warp& w, const Instruction&, U32 /*all*/) {
  w.products.fenced.assign(w.base[0], w.base[0] + w.grid->kernel->register_bytes);
}

void commit(Warp& w, const Instruction&, U32 /*all*/) { ++w.products.committed; }

void wait_group(Warp& w, const Instruction& i, U32 /*all*/) {
  const U32 pending = uniform<U32>(w, i.operand[0], "the number of groups"), committed = w.products.committed;
  const U32 before = committed > pending ? committed - pending : 0;
  while (!w.products.pending.empty() && w.products.pending.front().group < before) complete_first(w);
}

/// Of the lane's copies that have landed.
void show(Warp& w, const Instruction&, U32 mask) {
  each_active(mask, [&](int l) {
    for (const auto& [at, bytes] : w.async[l].landed) std::memset(w.grid->unshown.data() + at / 4, 0, bytes / 4);
    w.async[l].landed.clear();
  });
}

template <int Tiles>
void put_product(Table& t) {
  std::string operands;
  for (int r = 0; r < 4 * Tiles; ++r) operands += "uw";
  t["wgmma.mma_async.sync.aligned.m64n" + std::to_string(8 * Tiles) + "k16.f32.bf16.bf16"] = {&product<Tiles>, operands + "swswswswsqspswswsw", Kind::kWarpSync};
}

}  // namespace

void put_wgmma(Table& t) {
  put_product<1>(t);
  put_product<2>(t);
  put_product<3>(t);
  put_product<4>(t);
  put_product<5>(t);
  put_product<6>(t);
  put_product<7>(t);
  put_product<8>(t);
  put_product<9>(t);
  t["wgmma.fence.sync.aligned"] = {&fence, "", Kind::kWarpSync};
  t["wgmma.commit_group.sync.aligned"] = {&commit, "", Kind::kWarpSync};
  t["wgmma.wait_group.sync.aligned"] = {&wait_group, "sw", Kind::kWarpSync};
  t["fence.proxy.async"] = t["fence.proxy.async.shared::cta"] = {&show, ""};
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
