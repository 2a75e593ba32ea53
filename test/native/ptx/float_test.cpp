// Floating point: roundings, NaNs, conversions, bf16.
#include <cmath>
#include <limits>

#include "ptx/written.h"

using namespace octet::ptx::test;

namespace {

const float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

std::uint32_t one(const std::string& text, float a, float b = 0, float c = 0) {
  Lanes x, y, z;
  x.fill(bits(a));
  y.fill(bits(b));
  z.fill(bits(c));
  return by_lane(text, {x, y, z})[13];
}
float one_real(const std::string& text, float a, float b = 0, float c = 0) { return real(one(text + " mov.b32 %r99, %f9;", a, b, c)); }

/// The bf16 that is nearest to x, ties to the even one, by distance.
std::uint32_t nearest_bf16(long double x) {
  const std::uint32_t down = bits(static_cast<float>(x)) >> 16;  // this or a neighbour
  std::uint32_t best = down;
  const auto value = [](std::uint32_t b) { return static_cast<long double>(real(b << 16)); };
  for (const std::uint32_t b : {down - 1, down, down + 1}) {
    const long double d = std::fabs(value(b) - x), e = std::fabs(value(best) - x);
    if (d < e || (d == e && b % 2 == 0)) best = b;
  }
  return best;
}

}  // namespace

TEST_CASE("PTX machine: a multiply-add rounds once where the text fuses it and twice where it does not") {
  const float a = 1 + 0x1p-12f;
  CHECK(one_real("fma.rn.f32 %f9, %f1, %f1, %f2;", a, -1 - 0x1p-11f) == 0x1p-24f);
  CHECK(one_real("mul.f32 %f9, %f1, %f1; add.f32 %f9, %f9, %f2;", a, -1 - 0x1p-11f) == 0);
  CHECK(one_real("fma.rm.f32 %f9, %f1, %f2, %f3;", 1, 1, 0x1p-40f) == 1);
  CHECK(one_real("fma.rm.f32 %f9, %f1, %f2, %f3;", 1, 1, -0x1p-40f) == 1 - 0x1p-24f);
  CHECK(one_real("add.rp.f32 %f9, %f1, %f2;", 1, 0x1p-40f) == 1 + 0x1p-23f);
}

TEST_CASE("PTX machine: subnormals stay, but for .ftz") {
  CHECK(one_real("mul.f32 %f9, %f1, %f2;", 0x1p-100f, 0x1p-40f) == 0x1p-140f);
  CHECK(one_real("mul.ftz.f32 %f9, %f1, %f2;", 0x1p-100f, -0x1p-40f) == 0);
  CHECK(one_real("ex2.approx.f32 %f9, %f1;", -140) == 0x1p-140f);
  CHECK(one_real("ex2.approx.ftz.f32 %f9, %f1;", -140) == 0);
  CHECK(one_real("rsqrt.approx.f32 %f9, %f1;", 16) == 0.25f);
}

TEST_CASE("PTX machine: what is not a number compares and sorts as the ISA says") {
  CHECK(one_real("min.f32 %f9, %f1, %f2;", kNaN, 3) == 3);
  CHECK(one_real("max.f32 %f9, %f1, %f2;", 3, kNaN) == 3);
  for (const char* text : {"max.f32 %f9, %f1, %f2;", "min.ftz.f32 %f9, %f1, %f2;", "add.f32 %f9, %f1, %f2;", "fma.rn.f32 %f9, %f1, %f2, %f3;",
                           "mul.rz.f32 %f9, %f1, %f2;", "sqrt.approx.ftz.f32 %f9, %f1;"})
    CHECK_MESSAGE(one(std::string(text) + " mov.b32 %r99, %f9;", kNaN, kNaN) == 0x7fffffffu, text);
  CHECK(one("sub.f32 %f9, %f1, %f2; mov.b32 %r99, %f9;", kInfinity, kInfinity) == 0x7fffffffu);
  CHECK(std::signbit(one_real("min.f32 %f9, %f1, %f2;", 0.0f, -0.0f)));
  CHECK_FALSE(std::signbit(one_real("max.f32 %f9, %f1, %f2;", -0.0f, 0.0f)));
  struct Case {
    const char* name;
    bool less, equal, greater, unordered;
  };
  for (const Case& c : {Case{"eq", false, true, false, false}, {"ne", true, false, true, false}, {"lt", true, false, false, false},
                        {"le", true, true, false, false}, {"gt", false, false, true, false}, {"ge", false, true, true, false},
                        {"equ", false, true, false, true}, {"neu", true, false, true, true}, {"ltu", true, false, false, true},
                        {"leu", true, true, false, true}, {"gtu", false, false, true, true}, {"geu", false, true, true, true},
                        {"num", true, true, true, false}, {"nan", false, false, false, true}}) {
    CAPTURE(c.name);
    const std::string text = std::string("setp.") + c.name + ".f32 %p1, %f1, %f2; selp.u32 %r99, 1, 0, %p1;";
    CHECK((one(text, 1, 2) != 0) == c.less);
    CHECK((one(text, 2, 2) != 0) == c.equal);
    CHECK((one(text, 3, 2) != 0) == c.greater);
    CHECK((one(text, kNaN, 2) != 0) == c.unordered);
  }
}

TEST_CASE("PTX machine: conversions round as written, clamp and know NaN") {
  const auto integer = [](const char* mode, float x) {
    return static_cast<std::int32_t>(one(std::string("cvt.") + mode + ".s32.f32 %r99, %f1;", x));
  };
  CHECK(integer("rni", 2.5f) == 2);
  CHECK(integer("rni", 3.5f) == 4);
  CHECK(integer("rzi", -2.7f) == -2);
  CHECK(integer("rmi", -2.2f) == -3);
  CHECK(integer("rpi", 2.2f) == 3);
  CHECK(integer("rzi", 3e9f) == 0x7fffffff);
  CHECK(integer("rzi", -kInfinity) == std::numeric_limits<std::int32_t>::min());
  CHECK(integer("rzi", kNaN) == 0);
  CHECK(one("cvt.rzi.u32.f32 %r99, %f1;", -5) == 0);
  CHECK(one("cvt.rzi.u32.f32 %r99, %f1;", 3e9f) == 3000000000u);
  CHECK(one("cvt.rzi.u64.f32 %d1, %f1; mov.b64 {%r98, %r99}, %d1;", kNaN) == 0x80000000u);
  CHECK(one_real("cvt.rpi.f32.f32 %f9, %f1;", 1.25f) == 2);
  CHECK(one_real("cvt.rmi.f32.f32 %f9, %f1;", -1.25f) == -2);
  CHECK(one_real("cvt.sat.f32.f32 %f9, %f1;", 7) == 1);
  CHECK(one_real("cvt.sat.f32.f32 %f9, %f1;", kNaN) == 0);
  CHECK(one_real("cvt.rn.f32.u32 %f9, %r1;", real(0xffffff7fu)) == 4294967040.0f);
  CHECK(one_real("cvt.f64.f32 %e1, %f1; fma.rn.f64 %e1, %e1, %e1, 0dBFF0000000000000; cvt.rn.f32.f64 %f9, %e1;", 1 + 0x1p-20f) == 0x1p-19f + 0x1p-40f);
  CHECK(one_real("cvt.f64.f32 %e1, %f1; rcp.approx.ftz.f64 %e1, %e1; cvt.rn.f32.f64 %f9, %e1;", 4) == 0.25f);
}

TEST_CASE("PTX machine: bf16 and f16 from float32 and back") {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    Lanes a, b;
    for (int l = 0; l < 32; ++l) {
      a[l] = (random() & 0x9fffffffu) | 0x20000000u;  // no NaN, no subnormal
      b[l] = round % 2 == 0 ? (a[l] & 0xffff0000u) | 0x8000u : a[l] + 77;  // half way, or not
    }
    const Lanes pair = by_lane("cvt.rn.bf16x2.f32 %r99, %f1, %f2;", {a, b});
    const Lanes single = by_lane("cvt.rn.bf16.f32 %h1, %f2; cvt.u32.u16 %r99, %h1;", {a, b});
    for (int l = 0; l < 32; ++l) {
      REQUIRE((pair[l] >> 16) == nearest_bf16(real(a[l])));
      REQUIRE((pair[l] & 0xffff) == nearest_bf16(real(b[l])));
      REQUIRE(single[l] == nearest_bf16(real(b[l])));
    }
  }
  CHECK(one("cvt.rn.bf16.f32 %h1, %f1; cvt.u32.u16 %r99, %h1;", kNaN) == 0x7fff);
  CHECK(one("cvt.rn.bf16.f32 %h1, %f1; cvt.u32.u16 %r99, %h1;", 3.4028235e38f) == 0x7f80);
  const auto half = [](std::uint32_t h) { return one_real("cvt.u16.u32 %h1, %r1; cvt.f32.f16 %f9, %h1;", real(h)); };
  CHECK(half(0x3c00) == 1);
  CHECK(half(0xc500) == -5);
  CHECK(half(0x0001) == 0x1p-24f);
  CHECK(half(0x7bff) == 65504);
  CHECK(half(0xfc00) == -kInfinity);
  CHECK(std::isnan(half(0x7e00)));
  for (std::uint32_t h = 0; h < 0x7c00; h += 37)
    REQUIRE(one("cvt.u16.u32 %h1, %r1; cvt.f32.f16 %f1, %h1; cvt.rn.f16.f32 %h2, %f1; cvt.u32.u16 %r99, %h2;", real(h)) == h);
}

TEST_CASE("PTX machine: a fused multiply-add of bf16 pairs rounds once") {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    Lanes a, b, c;
    for (int l = 0; l < 32; ++l) {
      const auto bf16 = [&](int least, int range) {
        return static_cast<std::uint32_t>((random() & 0x807f) | (127 + least + static_cast<int>(random() % range)) << 7);
      };
      a[l] = bf16(-3, 6) | bf16(-3, 6) << 16;
      b[l] = bf16(-3, 6) | bf16(-3, 6) << 16;
      c[l] = round % 2 == 0 ? bf16(-8, 12) | bf16(-8, 12) << 16 : bf16(-40, 5) | bf16(-40, 5) << 16;  // the latter break ties alone
    }
    const Lanes got = by_lane("fma.rn.bf16x2 %r99, %r1, %r2, %r3;", {a, b, c});
    for (int l = 0; l < 32; ++l)
      for (int h = 0; h < 2; ++h) {
        const auto part = [&](const Lanes& x) { return static_cast<long double>(real((x[l] >> (16 * h) & 0xffff) << 16)); };
        const long double exact = part(a) * part(b) + part(c);
        if (exact == 0) continue;
        REQUIRE((got[l] >> (16 * h) & 0xffff) == nearest_bf16(exact));
      }
  }
  // Products half way between two bf16, and an addend so small that not even float64 holds it beside them.
  for (std::uint32_t x = 128; x < 256; ++x)
    for (std::uint32_t y = 128; y < 256; ++y) {
      const std::uint32_t product = x * y, unit = product < 32768 ? 128 : 256;
      if (product % unit != unit / 2 || (x + y) % 16 != 0) continue;
      for (const float addend : {0x1p-90f, -0x1p-90f}) {
        const float nearby = static_cast<float>(product / unit + (addend > 0 ? 1 : 0)) * static_cast<float>(unit);
        Lanes a, b, c;
        a.fill(bits(static_cast<float>(x)) >> 16);
        b.fill(bits(static_cast<float>(y)) >> 16);
        c.fill(bits(addend) >> 16);
        REQUIRE(by_lane("fma.rn.bf16x2 %r99, %r1, %r2, %r3;", {a, b, c})[0] == (bits(nearby) >> 16));
      }
    }
}
