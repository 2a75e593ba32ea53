// Floating point (PTX ISA, "Floating Point Instructions"): float32, float64, bf16. Single operations round once, as the text says;
// nothing is contracted here (-ffp-contract=off) that the text leaves apart.
#include <cfenv>
#include <limits>

#include "ptx/small_floats.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

/// Subnormals to zeros of their sign.
inline float flushed(float x) {
  const U32 u = std::bit_cast<U32>(x);
  return (u & 0x7f800000u) == 0 ? std::bit_cast<float>(u & 0x80000000u) : x;
}

template <auto F, class... S>
void put_ftz(Table& t, const std::string& operation) {
  put<[](S... s) { return canonical(F(s...)); }, float, S...>(t, operation + ".f32");
  put<[](S... s) { return canonical(flushed(F(flushed(s)...))); }, float, S...>(t, operation + ".ftz.f32");
}
template <auto F, class... S>
void put_ftz_slow(Table& t, const std::string& operation) {
  put_slow<[](S... s) { return canonical(F(s...)); }, float, S...>(t, operation + ".f32");
  put_slow<[](S... s) { return canonical(flushed(F(flushed(s)...))); }, float, S...>(t, operation + ".ftz.f32");
}

/// Directed rounding: the compiler may move neither the operands in nor the result out of the mode.
template <int Mode, class F>
float rounded(F f) {
  const int before = std::fegetround();
  std::fesetround(Mode);
  const volatile float x = f();
  std::fesetround(before);
  return canonical(x);
}
template <int Mode>
void put_directed(Table& t, const std::string& mode) {
  put_slow<[](float a, float b, float c) {
    const volatile float x = a, y = b, z = c;
    return rounded<Mode>([&] { return std::fma(x, y, z); });
  }, float, float, float, float>(t, "fma." + mode + ".f32");
  put_slow<[](float a, float b) {
    const volatile float x = a, y = b;
    return rounded<Mode>([&] { return x + y; });
  }, float, float, float>(t, "add." + mode + ".f32");
  put_slow<[](float a, float b) {
    const volatile float x = a, y = b;
    return rounded<Mode>([&] { return x * y; });
  }, float, float, float>(t, "mul." + mode + ".f32");
  put_slow<[](float a, float b) {
    const volatile float x = a, y = b;
    return rounded<Mode>([&] { return x / y; });
  }, float, float, float>(t, "div." + mode + ".f32");
}

// The lesser of two numbers; a NaN counts only beside another; -0 is less than +0.
template <class T>
T lesser(T a, T b) {
  if (a != a) return b != b ? std::numeric_limits<T>::quiet_NaN() : b;
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <class T>
T greater(T a, T b) {
  if (a != a) return b != b ? std::numeric_limits<T>::quiet_NaN() : b;
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

template <class T>
void put_comparisons(Table& t, const std::string& type) {
  put_compare<[](T a, T b) { return a == b; }, T>(t, "setp.eq." + type);
  put_compare<[](T a, T b) { return a < b || b < a; }, T>(t, "setp.ne." + type);
  put_compare<[](T a, T b) { return a < b; }, T>(t, "setp.lt." + type);
  put_compare<[](T a, T b) { return a <= b; }, T>(t, "setp.le." + type);
  put_compare<[](T a, T b) { return b < a; }, T>(t, "setp.gt." + type);
  put_compare<[](T a, T b) { return b <= a; }, T>(t, "setp.ge." + type);
  put_compare<[](T a, T b) { return !(a < b || b < a); }, T>(t, "setp.equ." + type);  // or unordered
  put_compare<[](T a, T b) { return !(a == b); }, T>(t, "setp.neu." + type);
  put_compare<[](T a, T b) { return !(a >= b); }, T>(t, "setp.ltu." + type);
  put_compare<[](T a, T b) { return !(a > b); }, T>(t, "setp.leu." + type);
  put_compare<[](T a, T b) { return !(a <= b); }, T>(t, "setp.gtu." + type);
  put_compare<[](T a, T b) { return !(a < b); }, T>(t, "setp.geu." + type);
  put_compare<[](T a, T b) { return a == a && b == b; }, T>(t, "setp.num." + type);
  put_compare<[](T a, T b) { return a != a || b != b; }, T>(t, "setp.nan." + type);
}

template <auto F>
float in_double(float x) {
  return static_cast<float>(F(static_cast<double>(x)));
}

void put_single(Table& t) {
  for (const std::string rounding : {"", ".rn"}) {
    put_ftz<[](float a, float b) { return a + b; }, float, float>(t, "add" + rounding);
    put_ftz<[](float a, float b) { return a - b; }, float, float>(t, "sub" + rounding);
    put_ftz<[](float a, float b) { return a * b; }, float, float>(t, "mul" + rounding);
  }
  put_ftz<[](float a, float b, float c) { return std::fma(a, b, c); }, float, float, float>(t, "fma.rn");
  for (const char* kind : {"div.rn", "div.full", "div.approx"}) put_ftz<[](float a, float b) { return a / b; }, float, float>(t, kind);
  put_directed<FE_DOWNWARD>(t, "rm");
  put_directed<FE_UPWARD>(t, "rp");
  put_directed<FE_TOWARDZERO>(t, "rz");
  put_ftz<[](float a) { return -a; }, float>(t, "neg");
  put_ftz<[](float a) { return std::fabs(a); }, float>(t, "abs");
  put_ftz<[](float a, float b) { return lesser(a, b); }, float, float>(t, "min");
  put_ftz<[](float a, float b) { return greater(a, b); }, float, float>(t, "max");
  put_ftz<[](float a) { return std::sqrt(a); }, float>(t, "sqrt.rn");
  put_ftz<[](float a) { return 1.0f / a; }, float>(t, "rcp.rn");
  put_ftz_slow<[](float a) { return in_double<[](double x) { return std::sqrt(x); }>(a); }, float>(t, "sqrt.approx");
  put_ftz_slow<[](float a) { return in_double<[](double x) { return 1 / x; }>(a); }, float>(t, "rcp.approx");
  put_ftz_slow<[](float a) { return in_double<[](double x) { return 1 / std::sqrt(x); }>(a); }, float>(t, "rsqrt.approx");
  put_ftz_slow<[](float a) { return in_double<[](double x) { return std::exp2(x); }>(a); }, float>(t, "ex2.approx");
  put_ftz_slow<[](float a) { return in_double<[](double x) { return std::log2(x); }>(a); }, float>(t, "lg2.approx");
  put_ftz_slow<[](float a) { return in_double<[](double x) { return std::sin(x); }>(a); }, float>(t, "sin.approx");
  put_ftz_slow<[](float a) { return in_double<[](double x) { return std::cos(x); }>(a); }, float>(t, "cos.approx");
  put_slow<[](float a) { return in_double<[](double x) { return std::tanh(x); }>(a); }, float, float>(t, "tanh.approx.f32");
  put_comparisons<float>(t, "f32");
}

void put_double(Table& t) {
  for (const std::string rounding : {"", ".rn"}) {
    put<[](double a, double b) { return a + b; }, double, double, double>(t, "add" + rounding + ".f64");
    put<[](double a, double b) { return a - b; }, double, double, double>(t, "sub" + rounding + ".f64");
    put<[](double a, double b) { return a * b; }, double, double, double>(t, "mul" + rounding + ".f64");
  }
  put<[](double a, double b, double c) { return std::fma(a, b, c); }, double, double, double, double>(t, "fma.rn.f64");
  put<[](double a, double b) { return a / b; }, double, double, double>(t, "div.rn.f64");
  put<[](double a) { return std::sqrt(a); }, double, double>(t, "sqrt.rn.f64");
  put<[](double a) { return 1 / a; }, double, double>(t, "rcp.rn.f64");
  put<[](double a) { return -a; }, double, double>(t, "neg.f64");
  put<[](double a) { return std::fabs(a); }, double, double>(t, "abs.f64");
  put<[](double a, double b) { return lesser(a, b); }, double, double, double>(t, "min.f64");
  put<[](double a, double b) { return greater(a, b); }, double, double, double>(t, "max.f64");
  put_slow<[](double a) {  // from and to the upper half of the bits alone; subnormals are flushed
    const auto upper = [](double x) {
      const U64 u = std::bit_cast<U64>(x);
      return std::bit_cast<double>((u >> 52 & 0x7ff) == 0 ? u & U64{1} << 63 : u & ~U64{0xffffffff});
    };
    return upper(1 / upper(a));
  }, double, double>(t, "rcp.approx.ftz.f64");
  put_comparisons<double>(t, "f64");
}

/// fma_bf16 on both halves. Rounding by way of float32 differs from it only where float32 falls half way between two bf16.
void fma_pairs(Warp& w, const Instruction& i, U32 mask) {
  const U32 *a = row<const U32>(w, i.operand[1]), *b = row<const U32>(w, i.operand[2]), *c = row<const U32>(w, i.operand[3]);
  alignas(32) U32 low[kLanes], high[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    low[l] = std::bit_cast<U32>(std::fma(from_bf16(a[l]), from_bf16(b[l]), from_bf16(c[l])));
    high[l] = std::bit_cast<U32>(std::fma(from_bf16(a[l] >> 16), from_bf16(b[l] >> 16), from_bf16(c[l] >> 16)));
  }
  bool half_way = false;
  U32 d[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    half_way |= (low[l] & 0xffff) == 0x8000 || (high[l] & 0xffff) == 0x8000;
    d[l] = to_bf16(std::bit_cast<float>(low[l])) | to_bf16(std::bit_cast<float>(high[l])) << 16;
  }
  if (half_way)
    each_active(mask, [&](int l) {
      d[l] = fma_bf16(a[l] & 0xffff, b[l] & 0xffff, c[l] & 0xffff) | fma_bf16(a[l] >> 16, b[l] >> 16, c[l] >> 16) << 16;
    });
  const U32* from = d;
  each(mask, row<U32>(w, i.operand[0]), [=](int l) { return from[l]; });
}

}  // namespace

void put_float(Table& t) {
  put_single(t);
  put_double(t);
  t["fma.rn.bf16x2"] = {&fma_pairs, "dwswswsw"};
  put<[](U16 a, U16 b, U16 c) { return static_cast<U16>(fma_bf16(a, b, c)); }, U16, U16, U16, U16>(t, "fma.rn.bf16");
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
