// Blocks: barriers, the order of warps and blocks, atomics, special registers, endless loops.
#include <algorithm>
#include <numeric>

#include "ptx/written.h"

using namespace octet::ptx;
using namespace octet::ptx::test;

namespace {

/// Every thread leaves its number in shared memory and, behind a barrier or not, reads that of the thread 37 further on, of 128.
std::string exchange(bool barrier) {
  return std::string(R"(
    mov.u32 %r1, dynamic; shl.b32 %r2, %r0, 2; add.s32 %r3, %r1, %r2; st.shared.u32 [%r3], %r0;
)") + (barrier ? "bar.sync 0;" : "") + R"(
    add.s32 %r4, %r0, 37; and.b32 %r4, %r4, 127; shl.b32 %r4, %r4, 2; add.s32 %r4, %r4, %r1; ld.shared.u32 %r5, [%r4];
    mov.u32 %r6, %ctaid.x; shl.b32 %r6, %r6, 7; add.s32 %r6, %r6, %r0; mul.wide.u32 %d2, %r6, 4; add.s64 %d3, %d0, %d2; st.global.u32 [%d3], %r5;
)";
}

int wrong(bool barrier, std::uint64_t seed) {
  std::vector<std::uint32_t> out(3 * 128);
  Written w(exchange(barrier), 1);
  w.launch.block = {128, 1, 1};
  w.launch.grid = {3, 1, 1};
  w.launch.dynamic_shared = 512;
  w.launch.seed = seed;
  w.with(out).run();
  if (barrier) CHECK(w.counts.kernels["k"].barriers == 3 * 4);
  int n = 0;
  for (std::size_t i = 0; i < out.size(); ++i) n += out[i] != (i + 37) % 128;
  return n;
}

}  // namespace

TEST_CASE("PTX machine: a barrier holds all warps, in any order; without it one reads poison") {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4, 5}) {
    CHECK(wrong(true, seed) == 0);
    CHECK(wrong(false, seed) > 0);
  }
}

TEST_CASE("PTX machine: who returns or strays before a barrier that others wait at is a fault") {
  Written warp("setp.lt.u32 %p1, %r0, 32; @%p1 bra $END; bar.sync 0;\n$END:", 0);
  warp.launch.block = {64, 1, 1};
  CHECK(holds(warp.fault(), "barrier that warp 0 has returned before"));
  CHECK(holds(warp.fault(), "thread (32,0,0)"));
  CHECK(holds(Written("setp.eq.u32 %p1, %r0, 5; @%p1 bra $END; bar.sync 0;\n$END:", 0).fault(), "waits for lanes that have returned: 5"));
  CHECK(holds(Written("setp.eq.u32 %p1, %r0, 5; @%p1 ret; bar.sync 0;", 0).fault(), "lanes of its warp have returned before: 5"));
  CHECK(holds(Written("setp.eq.u32 %p1, %r0, 5; @%p1 bra $ELSE; bar.sync 0; bra $END;\n$ELSE: bar.sync 0;\n$END:", 0).fault(), "wait elsewhere: 5"));
}

TEST_CASE("PTX machine: an endless loop ends at the limit, a warp that waits for another does not need to") {
  Written endless("$L: bra $L;", 0);
  endless.launch.instruction_limit = 100000;
  CHECK(holds(endless.fault(), "more than 100000 instructions"));
  for (const std::uint64_t seed : {0, 9}) {  // warp 0 spins until warp 1 has written
    std::vector<std::uint32_t> flag(1);
    Written spin("setp.ge.u32 %p1, %r0, 32; @%p1 bra $WRITE;\n$L: ld.global.cg.u32 %r1, [%d0]; setp.eq.u32 %p2, %r1, 0; @%p2 bra $L; bra $END;\n"
                 "$WRITE: st.global.u32 [%d0], 1;\n$END:", 1);
    spin.launch.block = {64, 1, 1};
    spin.launch.seed = seed;
    spin.launch.instruction_limit = 10'000'000;
    CHECK(spin.with(flag).fault() == "");
  }
}

TEST_CASE("PTX machine: atomics count every thread once and give what was there") {
  std::vector<std::uint32_t> counter(2), seen(256);
  Written w(R"(
    mov.u32 %r1, %ctaid.x; shl.b32 %r1, %r1, 6; add.s32 %r1, %r1, %r0;
    atom.global.add.u32 %r2, [%d0], 1;
    mul.wide.u32 %d2, %r2, 4; add.s64 %d2, %d2, %d1; st.global.u32 [%d2], %r1;
    mov.u32 %r5, dynamic; setp.eq.u32 %p1, %r0, 0; @!%p1 bra $ON; st.shared.u32 [%r5], 0;
$ON: bar.sync 0; atom.shared.add.u32 %r6, [%r5], 2; bar.sync 0; ld.shared.u32 %r7, [%r5]; atom.global.max.u32 %r8, [%d0+4], %r7;
)", 2);
  w.launch.block = {64, 1, 1};
  w.launch.grid = {4, 1, 1};
  w.launch.dynamic_shared = 16;
  w.launch.seed = 3;
  const KernelCounts& counts = w.with(counter).with(seen).run();
  CHECK(counter == std::vector<std::uint32_t>{256, 128});
  CHECK(counts.atomics == 3 * 256);
  std::vector<std::uint32_t> sorted = seen, all(256);
  std::iota(all.begin(), all.end(), 0u);
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == all);
  CHECK(seen != all);  // the seed shuffled blocks and warps
}

TEST_CASE("PTX machine: threads of three dimensions know who they are") {
  std::vector<std::uint32_t> out(2 * 3 * 5 * 7 * 2);
  Written w(R"(
    mov.u32 %r1, %tid.y; mov.u32 %r2, %tid.z; mov.u32 %r3, %ntid.x; mov.u32 %r4, %ntid.y; mov.u32 %r5, %ntid.z; mov.u32 %r6, %ctaid.x;
    mov.u32 %r7, %ctaid.y; mov.u32 %r8, %nctaid.x; mov.u32 %r20, %laneid;
    mad.lo.s32 %r10, %r2, %r4, %r1; mad.lo.s32 %r10, %r10, %r3, %r0;             // thread of the block
    mad.lo.s32 %r11, %r7, %r8, %r6; mul.lo.s32 %r12, %r3, %r4; mul.lo.s32 %r12, %r12, %r5; mad.lo.s32 %r11, %r11, %r12, %r10;
    shl.b32 %r13, %r2, 8; or.b32 %r13, %r13, %r1; shl.b32 %r13, %r13, 8; or.b32 %r13, %r13, %r0; shl.b32 %r14, %r20, 24; or.b32 %r13, %r13, %r14;
    mul.wide.u32 %d2, %r11, 4; add.s64 %d2, %d2, %d0; st.global.u32 [%d2], %r13;
)", 1);
  w.launch.block = {7, 5, 2};
  w.launch.grid = {3, 2, 1};
  w.with(out).run();
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    const std::uint32_t t = i % 70;
    REQUIRE(out[i] == ((t % 32) << 24 | t / 35 << 16 | t / 7 % 5 << 8 | t % 7));
  }
}

TEST_CASE("PTX machine: a launch that CUDA refuses is refused") {
  Written w("ret;", 1);
  CHECK_THROWS_AS(octet::ptx::run(*w.module.find("k"), w.launch, w.memory, w.counts), std::invalid_argument);  // no parameters
  std::vector<std::uint32_t> buffer(1);
  w.with(buffer);
  w.launch.block = {1025, 1, 1};
  CHECK_THROWS_AS(w.run(), std::invalid_argument);
}
