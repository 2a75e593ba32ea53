// Integer arithmetic and comparison (PTX ISA, "Integer Arithmetic Instructions").
#include "ptx/lanes.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

/// All that does not care for the sign, once for each spelling of the type.
template <class U>
void put_unsigned(Table& t, const std::string& type) {
  put<[](U a, U b) { return static_cast<U>(a + b); }, U, U, U>(t, "add." + type);
  put<[](U a, U b) { return static_cast<U>(a - b); }, U, U, U>(t, "sub." + type);
  put<[](U a, U b) { return static_cast<U>(U64{a} * b); }, U, U, U>(t, "mul.lo." + type);
  put<[](U a, U b, U c) { return static_cast<U>(U64{a} * b + c); }, U, U, U, U>(t, "mad.lo." + type);
}

// Division by zero gives an unspecified value on the device; all ones is what its code gives. MIN / -1 wraps.
template <class T>
T quotient(T a, T b) {
  using U = std::make_unsigned_t<T>;
  if (b == 0) return static_cast<T>(~U{0});
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return static_cast<T>(U{0} - static_cast<U>(a));
  return static_cast<T>(a / b);
}
template <class T>
T remainder(T a, T b) {
  if (b == 0) return a;
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
  return static_cast<T>(a % b);
}

template <class T>
void put_signed(Table& t, const std::string& type) {
  put_slow<[](T a, T b) { return quotient(a, b); }, T, T, T>(t, "div." + type);
  put_slow<[](T a, T b) { return remainder(a, b); }, T, T, T>(t, "rem." + type);
  put<[](T a, T b) { return a < b ? a : b; }, T, T, T>(t, "min." + type);
  put<[](T a, T b) { return b < a ? a : b; }, T, T, T>(t, "max." + type);
  put_compare<[](T a, T b) { return a < b; }, T>(t, "setp.lt." + type);
  put_compare<[](T a, T b) { return a <= b; }, T>(t, "setp.le." + type);
  put_compare<[](T a, T b) { return b < a; }, T>(t, "setp.gt." + type);
  put_compare<[](T a, T b) { return b <= a; }, T>(t, "setp.ge." + type);
}

template <class T>
void put_equal(Table& t, const std::string& type) {
  put_compare<[](T a, T b) { return a == b; }, T>(t, "setp.eq." + type);
  put_compare<[](T a, T b) { return a != b; }, T>(t, "setp.ne." + type);
}

template <class N, class W>
void put_wide(Table& t, const std::string& type) {
  put<[](N a, N b) { return static_cast<W>(W{a} * W{b}); }, W, N, N>(t, "mul.wide." + type);
  put<[](N a, N b, W c) {
    return static_cast<W>(static_cast<std::make_unsigned_t<W>>(W{a} * W{b}) + static_cast<std::make_unsigned_t<W>>(c));
  }, W, N, N, W>(t, "mad.wide." + type);
}

U64 high(U64 a, U64 b) {  // by halves
  const U64 al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32;
  const U64 middle = ah * bl + (al * bl >> 32), other = al * bh + (middle & 0xffffffffu);
  return ah * bh + (middle >> 32) + (other >> 32);
}

}  // namespace

void put_integer(Table& t) {
  for (const char* type : {"u16", "s16"}) put_unsigned<U16>(t, type);
  for (const char* type : {"u32", "s32"}) put_unsigned<U32>(t, type);
  for (const char* type : {"u64", "s64"}) put_unsigned<U64>(t, type);
  put_signed<U16>(t, "u16");
  put_signed<S16>(t, "s16");
  put_signed<U32>(t, "u32");
  put_signed<S32>(t, "s32");
  put_signed<U64>(t, "u64");
  put_signed<S64>(t, "s64");
  for (const char* type : {"u16", "s16", "b16"}) put_equal<U16>(t, type);
  for (const char* type : {"u32", "s32", "b32"}) put_equal<U32>(t, type);
  for (const char* type : {"u64", "s64", "b64"}) put_equal<U64>(t, type);
  put_wide<U16, U32>(t, "u16");
  put_wide<S16, S32>(t, "s16");
  put_wide<U32, U64>(t, "u32");
  put_wide<S32, S64>(t, "s32");
  put<[](U32 a, U32 b) { return static_cast<U32>(U64{a} * b >> 32); }, U32, U32, U32>(t, "mul.hi.u32");
  put<[](S32 a, S32 b) { return static_cast<S32>(S64{a} * b >> 32); }, S32, S32, S32>(t, "mul.hi.s32");
  put<[](U64 a, U64 b) { return high(a, b); }, U64, U64, U64>(t, "mul.hi.u64");
  put<[](U16 a) { return static_cast<U16>(0 - a); }, U16, U16>(t, "neg.s16");
  put<[](U32 a) { return 0u - a; }, U32, U32>(t, "neg.s32");
  put<[](U64 a) { return U64{0} - a; }, U64, U64>(t, "neg.s64");
  put<[](S32 a) { return static_cast<S32>(a < 0 ? 0u - static_cast<U32>(a) : static_cast<U32>(a)); }, S32, S32>(t, "abs.s32");
  put<[](S64 a) { return static_cast<S64>(a < 0 ? U64{0} - static_cast<U64>(a) : static_cast<U64>(a)); }, S64, S64>(t, "abs.s64");
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
