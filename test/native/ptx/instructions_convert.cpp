// cvt (PTX ISA, "Data Movement and Conversion Instructions: cvt").
#include <limits>

#include "ptx/small_floats.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

template <class D, class S>
D saturated(S x) {
  if constexpr (std::is_signed_v<S>) {
    if (x < 0 && std::is_unsigned_v<D>) return 0;
    if (std::is_signed_v<D> && S64{x} < S64{std::numeric_limits<D>::min()}) return std::numeric_limits<D>::min();
  }
  if (!(x < 0) && U64(x) > U64(std::numeric_limits<D>::max())) return std::numeric_limits<D>::max();
  return static_cast<D>(x);
}

template <class D, class S>
void put_integers(Table& t, const std::string& to, const std::string& from) {
  put<[](S x) { return static_cast<D>(x); }, D, S>(t, "cvt." + to + "." + from);
  put<[](S x) { return saturated<D, S>(x); }, D, S>(t, "cvt.sat." + to + "." + from);
}
template <class D>
void put_integers_to(Table& t, const std::string& to) {
  put_integers<D, U16>(t, to, "u16");
  put_integers<D, S16>(t, to, "s16");
  put_integers<D, U32>(t, to, "u32");
  put_integers<D, S32>(t, to, "s32");
  put_integers<D, U64>(t, to, "u64");
  put_integers<D, S64>(t, to, "s64");
  put<[](U16 x) { return static_cast<D>(static_cast<std::uint8_t>(x)); }, D, U16>(t, "cvt." + to + ".u8");  // a byte lies in 16 bits
  put<[](S16 x) { return static_cast<D>(static_cast<std::int8_t>(x)); }, D, S16>(t, "cvt." + to + ".s8");
}
template <class S>
void put_bytes_from(Table& t, const std::string& from) {
  put<[](S x) { return static_cast<U16>(static_cast<std::uint8_t>(x)); }, U16, S>(t, "cvt.u8." + from);
  put<[](S x) { return static_cast<S16>(static_cast<std::int8_t>(x)); }, S16, S>(t, "cvt.s8." + from);
}

enum Rounding { kNearest, kZero, kDown, kUp };
template <Rounding R, class F>
F integral(F x) {
  return R == kNearest ? std::nearbyint(x) : R == kZero ? std::trunc(x) : R == kDown ? std::floor(x) : std::ceil(x);
}

/// What lies outside the integer's range is clamped to it. NaN gives 0, or the top bit where either side has 64 bits.
template <Rounding R, class D, class F>
D to_integer(F x) {
  if (x != x) return sizeof(F) == 8 || sizeof(D) == 8 ? static_cast<D>(std::make_unsigned_t<D>{1} << (sizeof(D) * 8 - 1)) : D{0};
  const F r = integral<R>(x);
  const F beyond = std::ldexp(F{1}, std::numeric_limits<D>::digits);  // max + 1, exact
  if (r >= beyond) return std::numeric_limits<D>::max();
  if (r < (std::is_signed_v<D> ? -beyond : F{0})) return std::numeric_limits<D>::min();
  return static_cast<D>(r);
}

template <class F, class D>
void put_float_to(Table& t, const std::string& to, const std::string& from) {
  const std::string types = "." + to + "." + from;
  put_slow<[](F x) { return to_integer<kNearest, D>(x); }, D, F>(t, "cvt.rni" + types);
  put_slow<[](F x) { return to_integer<kZero, D>(x); }, D, F>(t, "cvt.rzi" + types);
  put_slow<[](F x) { return to_integer<kDown, D>(x); }, D, F>(t, "cvt.rmi" + types);
  put_slow<[](F x) { return to_integer<kUp, D>(x); }, D, F>(t, "cvt.rpi" + types);
  put<[](D x) { return static_cast<F>(x); }, F, D>(t, "cvt.rn." + from + "." + to);
}
template <class F>
void put_float(Table& t, const std::string& type) {
  put_float_to<F, U16>(t, "u16", type);
  put_float_to<F, S16>(t, "s16", type);
  put_float_to<F, U32>(t, "u32", type);
  put_float_to<F, S32>(t, "s32", type);
  put_float_to<F, U64>(t, "u64", type);
  put_float_to<F, S64>(t, "s64", type);
  const std::string types = "." + type + "." + type;
  put<[](F x) { return integral<kNearest>(x); }, F, F>(t, "cvt.rni" + types);
  put<[](F x) { return integral<kZero>(x); }, F, F>(t, "cvt.rzi" + types);
  put<[](F x) { return integral<kDown>(x); }, F, F>(t, "cvt.rmi" + types);
  put<[](F x) { return integral<kUp>(x); }, F, F>(t, "cvt.rpi" + types);
  put<[](F x) { return 0 < x ? (x < 1 ? x : F{1}) : F{0}; }, F, F>(t, "cvt.sat" + types);  // to [0, 1]; NaN gives 0
}

}  // namespace

void put_convert(Table& t) {
  put_integers_to<U16>(t, "u16");
  put_integers_to<S16>(t, "s16");
  put_integers_to<U32>(t, "u32");
  put_integers_to<S32>(t, "s32");
  put_integers_to<U64>(t, "u64");
  put_integers_to<S64>(t, "s64");
  put_bytes_from<U16>(t, "u16");
  put_bytes_from<U32>(t, "u32");
  put_bytes_from<U32>(t, "s32");
  put_bytes_from<U64>(t, "u64");
  put_float<float>(t, "f32");
  put_float<double>(t, "f64");
  put<[](float x) { return static_cast<double>(x); }, double, float>(t, "cvt.f64.f32");
  put<[](double x) { return static_cast<float>(x); }, float, double>(t, "cvt.rn.f32.f64");
  put<[](U16 x) { return from_f16(x); }, float, U16>(t, "cvt.f32.f16");
  put<[](U16 x) { return from_bf16(x); }, float, U16>(t, "cvt.f32.bf16");
  put<[](float x) { return static_cast<U16>(to_f16(x)); }, U16, float>(t, "cvt.rn.f16.f32");
  put<[](float x) { return static_cast<U16>(to_bf16(x)); }, U16, float>(t, "cvt.rn.bf16.f32");
  // The first source goes to the upper half.
  put<[](float a, float b) { return to_bf16(a) << 16 | to_bf16(b); }, U32, float, float>(t, "cvt.rn.bf16x2.f32");
  put<[](float a, float b) { return to_f16(a) << 16 | to_f16(b); }, U32, float, float>(t, "cvt.rn.f16x2.f32");
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
