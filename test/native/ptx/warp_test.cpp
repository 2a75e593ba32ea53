// Lanes together: shuffles, votes, divergence, and lanes that do not come.
#include "ptx/written.h"

using namespace octet::ptx::test;

namespace {

Lanes numbered() {
  Lanes v;
  for (int l = 0; l < 32; ++l) v[l] = static_cast<std::uint32_t>(1000 + l);
  return v;
}

/// d and the predicate of a shuffle with b and c the same for all lanes: d + 10000 where the source is in range.
Lanes shuffled(const char* mode, int b, int c) {
  return by_lane(std::string("shfl.sync.") + mode + ".b32 %r50|%p1, %r1, " + std::to_string(b) + ", " + std::to_string(c) +
                     ", -1;\nselp.b32 %r51, 10000, 0, %p1; add.s32 %r99, %r50, %r51;", {numbered()});
}

}  // namespace

TEST_CASE("PTX machine: shuffles by segments of the warp, out of range they keep their own") {
  for (const int width : {32, 16, 8, 4}) {
    const int segments = (32 - width) << 8;  // as CUDA's __shfl_sync packs c
    for (const int by : {0, 1, 3, 5, 16, 31}) {
      CAPTURE(width);
      CAPTURE(by);
      const Lanes up = shuffled("up", by, segments), down = shuffled("down", by, segments | 31), across = shuffled("bfly", by, segments | 31),
                  index = shuffled("idx", by, segments | 31);
      for (int l = 0; l < 32; ++l) {
        const int first = l / width * width, last = first + width - 1;
        const auto want = [&](int j, bool in) { return static_cast<std::uint32_t>(1000 + (in ? j : l) + (in ? 10000 : 0)); };
        REQUIRE(up[l] == want(l - by, l - by >= first));
        REQUIRE(down[l] == want(l + by, l + by <= last));
        REQUIRE(across[l] == want(l ^ by, (l ^ by) <= last));  // an earlier segment may be read
        REQUIRE(index[l] == want(first + by % width, true));
      }
    }
  }
  const Lanes clamped = shuffled("down", 2, 9);  // a bound of lane 9
  CHECK(clamped[7] == 11009);
  CHECK(clamped[8] == 1008);
}

TEST_CASE("PTX machine: votes and reductions over the lanes of the mask") {
  CHECK(by_lane("and.b32 %r2, %r1, 1; setp.ne.s32 %p1, %r2, 0; vote.sync.ballot.b32 %r99, %p1, -1;", {numbered()})[4] == 0xaaaaaaaau);
  const Lanes half = by_lane("setp.lt.u32 %p2, %r0, 16; and.b32 %r2, %r1, 1; setp.ne.s32 %p1, %r2, 0; mov.u32 %r99, 7;\n@!%p2 bra $END;\n"
                             "vote.sync.ballot.b32 %r99, %p1, 0xffff;\n$END:", {numbered()});
  CHECK(half[3] == 0xaaaa);
  CHECK(half[16] == 7);
  CHECK(by_lane("redux.sync.add.u32 %r99, %r1, -1;", {numbered()})[9] == 32496);
  CHECK(by_lane("setp.lt.u32 %p1, %r0, 31; vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, %p1, -1; selp.b32 %r98, 2, 0, %p2;"
                "selp.b32 %r97, 1, 0, %p3; or.b32 %r99, %r98, %r97;", {})[0] == 2);
}

TEST_CASE("PTX machine: lanes that part meet again, and a loop ends for each when it ends") {
  // Lane l adds l + 1 until it has 100; lanes 1, 5, 9 ... then go another way.
  const Lanes got = by_lane(R"(
    mov.u32 %r2, 0;
$LOOP: add.s32 %r2, %r2, %r0;
    add.s32 %r2, %r2, 1;
    setp.lt.u32 %p1, %r2, 100;
    @%p1 bra $LOOP;
    and.b32 %r4, %r0, 3;
    setp.eq.u32 %p2, %r4, 1;
    @%p2 bra $ONE;
    add.s32 %r2, %r2, 5000;
    bra.uni $BOTH;
$ONE: add.s32 %r2, %r2, 9000;
$BOTH: activemask.b32 %r5;
    setp.ne.u32 %p3, %r5, -1;
    selp.b32 %r6, 100000, 0, %p3;
    add.s32 %r99, %r2, %r6;
)", {});
  for (std::uint32_t l = 0; l < 32; ++l) CHECK(got[l] == (99 + l + 1) / (l + 1) * (l + 1) + (l % 4 == 1 ? 9000 : 5000));
}

TEST_CASE("PTX machine: what a loop reads at its top keeps its register to the loop's end") {
  const Lanes got = by_lane(R"(
    mov.u32 %r2, 0; mov.u32 %r3, 0; add.s32 %r9, %r1, 0;
$LOOP: add.s32 %r2, %r2, %r9;
    add.s32 %r3, %r3, 1; mul.lo.s32 %r10, %r3, 3; add.s32 %r11, %r10, 4; xor.b32 %r12, %r11, %r10; and.b32 %r13, %r12, 0; add.s32 %r2, %r2, %r13;
    setp.lt.u32 %p1, %r3, 5;
    @%p1 bra $LOOP;
    mov.u32 %r99, %r2;
)", {numbered()});
  for (std::uint32_t l = 0; l < 32; ++l) CHECK(got[l] == 5 * (1000 + l));
}

TEST_CASE("PTX machine: lanes wait at a shuffle for those named in its mask") {
  // The odd lanes come by a longer way, backwards.
  const Lanes got = by_lane(R"(
    and.b32 %r4, %r0, 1;
    setp.eq.u32 %p2, %r4, 1;
    mov.u32 %r2, %r1;
    @%p2 bra $FAR;
$SHUFFLE: shfl.sync.bfly.b32 %r99, %r2, 1, 31, -1;
    bra.uni $END;
$FAR: add.s32 %r2, %r2, 100;
    bra.uni $SHUFFLE;
$END:
)", {numbered()});
  for (int l = 0; l < 32; ++l) CHECK(got[l] == static_cast<std::uint32_t>(1000 + (l ^ 1) + (l % 2 == 0 ? 100 : 0)));
  const Lanes halves = by_lane(R"(
    setp.lt.u32 %p2, %r0, 16;
    @%p2 bra $LOW;
    shfl.sync.idx.b32 %r99, %r1, 20, 31, 0xffff0000;
    bra.uni $END;
$LOW: shfl.sync.idx.b32 %r99, %r1, 3, 31, 0x0000ffff;
$END:
)", {numbered()});
  CHECK(halves[2] == 1003);
  CHECK(halves[30] == 1020);
}

TEST_CASE("PTX machine: a shuffle, vote or mma without all its lanes is a fault") {
  const std::string part = "setp.lt.u32 %p1, %r0, 30;\n";
  CHECK(holds(Written(part + "@%p1 bra $ON; ret;\n$ON: shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1;", 0).fault(), "have returned or that the block does not have: 30, 31"));
  CHECK(holds(Written(part + "@%p1 bra $ON; bar.warp.sync -1;\n$ON: shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1;", 0).fault(), "lanes that wait elsewhere: "));
  CHECK(holds(Written("shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0xfffffffe;", 0).fault(), "without being in the mask"));
  CHECK(holds(Written(part + "@!%p1 bra $END; shfl.sync.idx.b32 %r1, %r0, 31, 31, 0x3fffffff;\n$END:", 0).fault(), "reads lane 31, which takes no part"));
  CHECK(holds(Written(part + "@!%p1 bra $END; mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r1, %r1, %r1}, {%r1, %r1}, "
                             "{%f1, %f1, %f1, %f1}; bra $STOP;\n$END: bar.warp.sync -1;\n$STOP:", 0).fault(), "mma.sync"));
  Written short_warp("shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1;", 0);
  short_warp.launch.block = {20, 1, 1};
  CHECK(holds(short_warp.fault(), "does not have: 20, 21"));
}
