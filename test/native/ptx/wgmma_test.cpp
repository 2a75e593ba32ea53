// wgmma against plain loops: fragments and the swizzled matrix written down here from the ISA's tables, apart from the machine's own. And
// what is undefined: it must be a fault, or poison.
#include "ptx/written.h"

using namespace octet::ptx::test;

namespace {

// "128-Byte swizzling mode": which 16-byte chunk of the row stands where, for the eight rows of 128 bytes of a pattern.
constexpr int kStands[8][8] = {{0, 1, 2, 3, 4, 5, 6, 7}, {1, 0, 3, 2, 5, 4, 7, 6}, {2, 3, 0, 1, 6, 7, 4, 5}, {3, 2, 1, 0, 7, 6, 5, 4},
                               {4, 5, 6, 7, 0, 1, 2, 3}, {5, 4, 7, 6, 1, 0, 3, 2}, {6, 7, 4, 5, 2, 3, 0, 1}, {7, 6, 5, 4, 3, 2, 1, 0}};

constexpr int kColumns = 16, kDepth = 64, kThreads = 128;

/// D [64][16] += A [64][64] B [64][16], four products of 16 in depth, B of two patterns at 1024 of shared memory. In global memory: p0, the
/// image of shared memory; p1, A's registers [4][4][thread]; p2, D's registers [8][thread].
struct Product {
  float a[64][kDepth], b[kDepth][kColumns], d[64][kColumns];
  std::vector<std::uint32_t> image = std::vector<std::uint32_t>(kColumns * kDepth / 2), a_registers = std::vector<std::uint32_t>(16 * kThreads),
                             d_registers = std::vector<std::uint32_t>(8 * kThreads);

  // Row and column of element i of a register fragment, for thread `t` of the warpgroup.
  static int row_of(int t, bool lower) { return t / 32 * 16 + t % 32 / 4 + (lower ? 8 : 0); }

  Product() {
    std::mt19937 random(9);
    const auto small = [&] { return static_cast<float>(static_cast<int>(random() % 33) - 16) / 4; };  // sums are exact
    for (auto& line : a) for (float& x : line) x = small();
    for (auto& line : b) for (float& x : line) x = small();
    for (auto& line : d) for (float& x : line) x = small();
    for (int n = 0; n < kColumns; ++n)
      for (int place = 0; place < 8; ++place)
        for (int e = 0; e < 8; ++e) {
          const int k = kStands[n % 8][place] * 8 + e;
          image[static_cast<std::size_t>(n * 32 + place * 4 + e / 2)] |= bits(b[k][n]) >> 16 << (16 * (e & 1));
        }
    for (int t = 0; t < kThreads; ++t) {
      for (int step = 0; step < 4; ++step)
        for (int i = 0; i < 8; ++i) {
          const bool lower = i == 2 || i == 3 || i == 6 || i == 7;
          const int k = step * 16 + t % 4 * 2 + i % 2 + (i >= 4 ? 8 : 0);
          a_registers[static_cast<std::size_t>((step * 4 + i / 2) * kThreads + t)] |= bits(a[row_of(t, lower)][k]) >> 16 << (16 * (i & 1));
        }
      for (int i = 0; i < 8; ++i) d_registers[static_cast<std::size_t>(i * kThreads + t)] = bits(d[row_of(t, i % 4 >= 2)][i / 4 * 8 + t % 4 * 2 + i % 2]);
    }
  }

  /// The whole kernel, with `around` replacing its parts.
  struct Parts {
    std::string copy = "ld.global.v4.u32 {%r10, %r11, %r12, %r13}, [%d11]; st.shared.v4.u32 [%r2+1024], {%r10, %r11, %r12, %r13};\n";
    std::string shown = "fence.proxy.async.shared::cta;\n", before = "wgmma.fence.sync.aligned;\n", descriptor = "mov.b64 %d20, 4611686293305294912;\n";
    std::string after = "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n";
  };
  static std::string body(const Parts& parts) {
    std::string text = "mov.u32 %r1, dynamic; shl.b32 %r2, %r0, 4; add.s32 %r2, %r1, %r2; mul.wide.u32 %d10, %r0, 16; add.s64 %d11, %d0, %d10;\n" +
                       parts.copy + parts.shown + "bar.sync 0;\nadd.s64 %d12, %d1, %d90; add.s64 %d13, %d2, %d90;\n";
    for (int i = 0; i < 16; ++i) text += "ld.global.u32 %r" + std::to_string(20 + i) + ", [%d12+" + std::to_string(512 * i) + "];\n";
    for (int i = 0; i < 8; ++i) text += "ld.global.f32 %f" + std::to_string(i) + ", [%d13+" + std::to_string(512 * i) + "];\n";
    text += parts.descriptor + parts.before;
    for (int step = 0; step < 4; ++step) {
      text += "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7}, {";
      for (int r = 0; r < 4; ++r) text += (r == 0 ? "%r" : ", %r") + std::to_string(20 + 4 * step + r);
      text += "}, %d20, 1, 1, 1, 0;\nadd.s64 %d20, %d20, 2;\n";  // 32 bytes on
    }
    text += parts.after;
    for (int i = 0; i < 8; ++i) text += "st.global.f32 [%d13+" + std::to_string(512 * i) + "], %f" + std::to_string(i) + ";\n";
    return text;
  }
  Written written(const Parts& parts) {
    Written w(body(parts), 3);
    w.launch.block = {kThreads, 1, 1};
    w.launch.dynamic_shared = 4096;
    w.with(image).with(a_registers).with(d_registers);
    return w;
  }
  float sum(int m, int n) const {
    float sum = d[m][n];
    for (int k = 0; k < kDepth; ++k) sum += a[m][k] * b[k][n];
    return sum;
  }
  float got(int m, int n) const {
    for (int t = 0; t < kThreads; ++t)
      for (int i = 0; i < 8; ++i)
        if (row_of(t, i % 4 >= 2) == m && i / 4 * 8 + t % 4 * 2 + i % 2 == n) return real(d_registers[static_cast<std::size_t>(i * kThreads + t)]);
    return -1;
  }
};

}  // namespace

TEST_CASE("PTX machine: wgmma of bf16 with A in registers, B swizzled by 128 bytes") {
  Product p;
  Written w = p.written({});
  CHECK(w.run().mma == 4 * 4 * 2);
  for (int m = 0; m < 64; ++m)
    for (int n = 0; n < kColumns; ++n) REQUIRE(p.got(m, n) == p.sum(m, n));
}

TEST_CASE("PTX machine: what wgmma leaves undefined is a fault") {
  const auto fault = [](auto change) {
    Product p;
    Product::Parts parts;
    change(parts);
    return p.written(parts).fault();
  };
  CHECK(fault([](Product::Parts&) {}).empty());
  CHECK(holds(fault([](Product::Parts& p) { p.before = ""; }), "before any wgmma.fence"));
  CHECK(holds(fault([](Product::Parts& p) { p.before += "add.s32 %r33, %r33, 1;\n"; }), "registers of A were written since"));
  CHECK(holds(fault([](Product::Parts& p) { p.before += "add.f32 %f7, %f7, 0f3f800000;\n"; }), "registers of D were written since"));
  CHECK(holds(fault([](Product::Parts& p) { p.after = "wgmma.commit_group.sync.aligned;\n"; }), "returns with wgmma.mma_async"));
  CHECK(holds(fault([](Product::Parts& p) { p.after = "wgmma.wait_group.sync.aligned 0;\n"; }), "returns with wgmma.mma_async"));
  CHECK(holds(fault([](Product::Parts& p) { p.descriptor += "shr.u32 %r50, %r0, 5; cvt.u64.u32 %d21, %r50; add.s64 %d20, %d20, %d21;\n"; }),
              "give different descriptors"));
  CHECK(holds(fault([](Product::Parts& p) { p.descriptor += "add.s64 %d20, %d20, 200;\n"; }), "reads shared address"));
  CHECK(holds(fault([](Product::Parts& p) { p.descriptor = "mov.b64 %d20, 274877906944;\n"; }), "layout that is not known"));
  const std::string copy = "add.s32 %r3, %r2, 1024; cp.async.cg.shared.global [%r3], [%d11], 16; cp.async.commit_group; cp.async.wait_group 0;\n";
  CHECK(fault([&](Product::Parts& p) { p.copy = copy; }).empty());
  CHECK(holds(fault([&](Product::Parts& p) { p.copy = copy, p.shown = ""; }), "without fence.proxy.async"));
}

TEST_CASE("PTX machine: sums are poison until the wait that covers their products, which see shared memory as it is then") {
  Product early;
  early.written({.after = "mov.b32 %r60, %f3; wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\nmov.b32 %f3, %r60;\n"}).run();
  CHECK(early.got(8, 1) != early.sum(8, 1));
  CHECK(early.got(8, 0) == early.sum(8, 0));
  Product late;  // the four are a group: all wait for it
  late.written({.after = "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 1; st.shared.v4.u32 [%r2+1024], {0, 0, 0, 0}; bar.sync 0;\n"
                         "wgmma.wait_group.sync.aligned 0;\n"}).run();
  for (int m = 0; m < 64; ++m) REQUIRE(late.got(m, 3) == late.d[m][3]);
}
