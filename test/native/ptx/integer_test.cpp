// Integer and bit instructions against the ISA's definitions, written out bit by bit where they are by bits.
#include <functional>

#include "ptx/written.h"

using namespace octet::ptx::test;

namespace {

using U = std::uint32_t;
using S = std::int32_t;
using Function = std::function<U(U, U, U, U)>;

U inserted(U a, U b, U position, U length) {
  U f = b;
  position &= 0xff;
  length &= 0xff;
  for (U i = 0; i < length && position + i <= 31; ++i) f = (f & ~(1u << (position + i))) | ((a >> i & 1) << (position + i));
  return f;
}

U permuted(U a, U b, U c) {
  unsigned char bytes[8];
  std::memcpy(bytes, &a, 4);
  std::memcpy(bytes + 4, &b, 4);
  U d = 0;
  for (int i = 0; i < 4; ++i) {
    const U selector = c >> (4 * i) & 15, byte = bytes[selector & 7];
    d |= (selector < 8 ? byte : byte >= 128 ? 255u : 0u) << (8 * i);
  }
  return d;
}

void check(const std::string& text, const Function& wanted, bool amounts = false) {
  CAPTURE(text);
  std::mt19937 random(7);
  for (int round = 0; round < 8; ++round) {
    const std::vector<Lanes> in = {values(random), values(random), values(random, amounts), values(random, amounts)};
    const Lanes got = by_lane(text, in);
    for (int l = 0; l < 32; ++l) {
      CAPTURE(in[0][l]);
      CAPTURE(in[1][l]);
      CAPTURE(in[2][l]);
      REQUIRE(got[l] == wanted(in[0][l], in[1][l], in[2][l], in[3][l]));
    }
  }
}

}  // namespace

TEST_CASE("PTX machine: integer arithmetic wraps, widens and keeps signs") {
  check("add.s32 %r99, %r1, %r2;", [](U a, U b, U, U) { return a + b; });
  check("sub.s32 %r99, %r1, %r2;", [](U a, U b, U, U) { return a - b; });
  check("mul.lo.s32 %r99, %r1, %r2;", [](U a, U b, U, U) { return a * b; });
  check("mad.lo.s32 %r99, %r1, %r2, %r3;", [](U a, U b, U c, U) { return a * b + c; });
  check("mul.hi.s32 %r99, %r1, %r2;", [](U a, U b, U, U) { return static_cast<U>((std::int64_t{S(a)} * S(b)) >> 32); });
  check("mul.wide.s32 %d1, %r1, %r2; shr.u64 %d1, %d1, 32; cvt.u32.u64 %r99, %d1;",
        [](U a, U b, U, U) { return static_cast<U>((std::int64_t{S(a)} * S(b)) >> 32); });
  check("mul.wide.u32 %d1, %r1, %r2; shr.u64 %d1, %d1, 32; cvt.u32.u64 %r99, %d1;",
        [](U a, U b, U, U) { return static_cast<U>((std::uint64_t{a} * b) >> 32); });
  check("or.b32 %r2, %r2, 3; div.u32 %r99, %r1, %r2;", [](U a, U b, U, U) { return a / (b | 3); });
  check("shr.u32 %r2, %r2, 1; or.b32 %r2, %r2, 3; rem.s32 %r99, %r1, %r2;", [](U a, U b, U, U) { return U(S(a) % S((b >> 1) | 3)); });
  check("shr.u32 %r2, %r2, 1; or.b32 %r2, %r2, 3; div.s32 %r99, %r1, %r2;", [](U a, U b, U, U) { return U(S(a) / S((b >> 1) | 3)); });
  check("min.s32 %r99, %r1, %r2;", [](U a, U b, U, U) { return U(std::min(S(a), S(b))); });
  check("max.u32 %r99, %r1, %r2;", [](U a, U b, U, U) { return std::max(a, b); });
  check("neg.s32 %r99, %r1;", [](U a, U, U, U) { return 0 - a; });
  check("cvt.s64.s32 %d1, %r1; shr.u64 %d1, %d1, 32; cvt.u32.u64 %r99, %d1;", [](U a, U, U, U) { return S(a) < 0 ? ~0u : 0u; });
  check("cvt.u16.u32 %h1, %r1; cvt.u32.u16 %r99, %h1;", [](U a, U, U, U) { return a & 0xffff; });
  check("cvt.u16.u32 %h1, %r1; cvt.s32.s16 %r99, %h1;", [](U a, U, U, U) { return U(S(std::int16_t(a))); });
  check("setp.lt.s32 %p1, %r1, %r2; selp.u32 %r99, 1, 0, %p1;", [](U a, U b, U, U) { return U(S(a) < S(b)); });
  check("setp.lt.u32 %p1, %r1, %r2; selp.b32 %r99, %r3, %r4, %p1;", [](U a, U b, U c, U d) { return a < b ? c : d; });
  check("setp.ge.u32 %p1, %r1, %r2; setp.eq.s32 %p2, %r3, %r4; xor.pred %p3, %p1, %p2; not.pred %p3, %p3; selp.u32 %r99, 1, 0, %p3;",
        [](U a, U b, U c, U d) { return U((a >= b) == (c == d)); });
}

TEST_CASE("PTX machine: shifts beyond the width, bit fields, bytes by selector") {
  check("shl.b32 %r99, %r1, %r3;", [](U a, U, U n, U) { return n > 31 ? 0 : a << n; }, true);
  check("shr.u32 %r99, %r1, %r3;", [](U a, U, U n, U) { return n > 31 ? 0 : a >> n; }, true);
  check("shr.s32 %r99, %r1, %r3;", [](U a, U, U n, U) { return U(S(a) >> std::min(n, 31u)); }, true);
  check("mov.b64 %d1, {%r1, %r2}; shl.b64 %d1, %d1, %r3; mov.b64 {%r98, %r99}, %d1;",
        [](U a, U b, U n, U) { return n > 63 ? 0 : U(((std::uint64_t{b} << 32 | a) << n) >> 32); }, true);
  check("bfi.b32 %r99, %r1, %r2, %r3, %r4;", inserted, true);
  check("bfi.b32 %r99, %r1, %r2, 1, 31;", [](U a, U b, U, U) { return inserted(a, b, 1, 31); });
  check("mov.b64 %d1, {%r1, %r1}; mov.b64 %d2, {%r2, %r3}; bfi.b64 %d1, %d1, %d2, 32, 32; mov.b64 {%r98, %r99}, %d1; sub.s32 %r99, %r99, %r98;",
        [](U a, U b, U, U) { return a - b; });
  check("bfe.s32 %r99, %r1, %r3, %r4;", [](U a, U, U p, U n) {
    p &= 0xff, n &= 0xff;
    U d = 0;
    const U sign = n == 0 ? 0 : a >> std::min(p + n - 1, 31u) & 1;
    for (U i = 0; i < 32; ++i) d |= (i < n && p + i <= 31 ? a >> (p + i) & 1 : sign) << i;
    return d;
  }, true);
  check("prmt.b32 %r99, %r1, %r2, %r3;", [](U a, U b, U c, U) { return permuted(a, b, c); });
  check("prmt.b32 %r99, %r1, %r2, 0x7531;", [](U a, U b, U, U) { return (a >> 8 & 0xff) | (a >> 24) << 8 | (b >> 8 & 0xff) << 16 | (b >> 24) << 24; });
  check("lop3.b32 %r99, %r1, %r2, %r3, 0xea;", [](U a, U b, U c, U) { return (a & b) | c; });  // the ISA's own examples of tables
  check("lop3.b32 %r99, %r1, %r2, %r3, 0x1a;", [](U a, U b, U c, U) { return ((a & b) | c) ^ a; });
  check("lop3.b32 %r99, %r1, %r2, %r3, 0x80;", [](U a, U b, U c, U) { return a & b & c; });
  check("lop3.b32 %r99, %r1, %r2, %r3, 0xd8;", [](U a, U b, U c, U) { return (c & b) | (~c & a); });
  check("mov.b32 {%h1, %h2}, %r1; mov.b32 %r99, {%h2, %h1};", [](U a, U, U, U) { return a >> 16 | a << 16; });
}
