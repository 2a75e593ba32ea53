// Logic, shifts, bit fields, selection and moves (PTX ISA, "Logic and Shift Instructions", bfe, bfi, prmt, selp, mov).
#include "ptx/lanes.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

template <class U>
void put_logic(Table& t, const std::string& type) {
  constexpr U32 bits = sizeof(U) * 8;
  put<[](U a, U b) { return static_cast<U>(a & b); }, U, U, U>(t, "and." + type);
  put<[](U a, U b) { return static_cast<U>(a | b); }, U, U, U>(t, "or." + type);
  put<[](U a, U b) { return static_cast<U>(a ^ b); }, U, U, U>(t, "xor." + type);
  put<[](U a) { return static_cast<U>(~a); }, U, U>(t, "not." + type);
  // Amounts beyond the width count as the width.
  put<[](U a, U32 n) { return n < bits ? static_cast<U>(U64{a} << (n & 63)) : U{0}; }, U, U, U32>(t, "shl." + type);
}

template <class T>
void put_right(Table& t, const std::string& type) {
  constexpr U32 bits = sizeof(T) * 8;
  if constexpr (std::is_signed_v<T>)
    put<[](T a, U32 n) { return static_cast<T>(a >> (n < bits ? n : bits - 1)); }, T, T, U32>(t, "shr." + type);
  else
    put<[](T a, U32 n) { return n < bits ? static_cast<T>(a >> (n & (bits - 1))) : T{0}; }, T, T, U32>(t, "shr." + type);
}

/// b with `length` bits from `position` on replaced by a's lowest; what lies beyond the last bit is dropped.
template <class U>
U inserted(U a, U b, U32 position, U32 length) {
  constexpr U32 bits = sizeof(U) * 8;
  position &= 0xff;
  length &= 0xff;
  if (position >= bits || length == 0) return b;
  const U field = static_cast<U>((length >= bits ? ~U{0} : (U{1} << length) - 1) << position);
  return (b & ~field) | (static_cast<U>(a << position) & field);
}

template <class T>
T extracted(T a, U32 position, U32 length) {
  using U = std::make_unsigned_t<T>;
  constexpr U32 bits = sizeof(T) * 8, last = bits - 1;
  position &= 0xff;
  length &= 0xff;
  const U32 sign_at = position + length == 0 ? 0 : position + length - 1 < last ? position + length - 1 : last;
  const bool sign = std::is_signed_v<T> && length != 0 && (static_cast<U>(a) >> sign_at & 1) != 0;
  U d = 0;
  for (U32 i = 0; i <= last; ++i) {
    const bool bit = i < length && position + i <= last ? (static_cast<U>(a) >> (position + i) & 1) != 0 : sign;
    d |= static_cast<U>(bit) << i;
  }
  return static_cast<T>(d);
}

/// Bytes 0-3 of a, 4-7 of b; a selector's bit 3 spreads the byte's sign.
U32 permuted(U32 a, U32 b, U32 selector) {
  const U64 bytes = U64{b} << 32 | a;
  U32 d = 0;
  for (int i = 0; i < 4; ++i) {
    const U32 nibble = selector >> (4 * i) & 15;
    U32 byte = static_cast<U32>(bytes >> (8 * (nibble & 7))) & 0xff;
    if ((nibble & 8) != 0) byte = (byte & 0x80) != 0 ? 0xff : 0;
    d |= byte << (8 * i);
  }
  return d;
}

/// Any function of three bits, as the table of its values: bit 4a + 2b + c of `table`.
U32 looked_up(U32 a, U32 b, U32 c, U32 table) {
  U32 d = 0;
  for (U32 i = 0; i < 8; ++i)
    d |= ((table >> i & 1) != 0 ? ~0u : 0u) & ((i & 4) != 0 ? a : ~a) & ((i & 2) != 0 ? b : ~b) & ((i & 1) != 0 ? c : ~c);
  return d;
}

template <class U>
void select(Warp& w, const Instruction& i, U32 mask) {
  const U *a = row<const U>(w, i.operand[1]), *b = row<const U>(w, i.operand[2]);
  const U32 p = predicate(w, i.operand[3]);
  each(mask, row<U>(w, i.operand[0]), [=](int l) { return (p >> l & 1) != 0 ? a[l] : b[l]; });
}

template <class U>
void put_select(Table& t, const std::string& type) {
  const char c = width<U>();
  t["selp." + type] = {&select<U>, std::string{'d', c, 's', c, 's', c, 's', 'p'}};
  put<[](U a) { return a; }, U, U>(t, "mov." + type);
}

/// Half to whole, the first operand lowest.
template <class N, class W>
void pack(Warp& w, const Instruction& i, U32 mask) {
  const N *a = row<const N>(w, i.operand[1]), *b = row<const N>(w, i.operand[2]);
  each(mask, row<W>(w, i.operand[0]), [=](int l) { return static_cast<W>(W{a[l]} | W{b[l]} << (sizeof(N) * 8)); });
}
template <class N, class W>
void unpack(Warp& w, const Instruction& i, U32 mask) {
  W a[kLanes];
  std::memcpy(a, row<const W>(w, i.operand[2]), sizeof a);
  const W* from = a;
  each(mask, row<N>(w, i.operand[0]), [=](int l) { return static_cast<N>(from[l]); });
  each(mask, row<N>(w, i.operand[1]), [=](int l) { return static_cast<N>(from[l] >> (sizeof(N) * 8)); });
}

template <auto F>
void on_masks(Warp& w, const Instruction& i, U32 mask) {
  set_predicate(predicate(w, i.operand[0]), mask, F(predicate(w, i.operand[1]), predicate(w, i.operand[2])));
}
template <auto F>
void on_mask(Warp& w, const Instruction& i, U32 mask) {
  set_predicate(predicate(w, i.operand[0]), mask, F(predicate(w, i.operand[1])));
}

}  // namespace

void put_bits(Table& t) {
  put_logic<U16>(t, "b16");
  put_logic<U32>(t, "b32");
  put_logic<U64>(t, "b64");
  put_right<U16>(t, "u16");
  put_right<U16>(t, "b16");
  put_right<S16>(t, "s16");
  put_right<U32>(t, "u32");
  put_right<U32>(t, "b32");
  put_right<S32>(t, "s32");
  put_right<U64>(t, "u64");
  put_right<U64>(t, "b64");
  put_right<S64>(t, "s64");
  for (const char* type : {"b16", "u16", "s16", "f16"}) put_select<U16>(t, type);
  for (const char* type : {"b32", "u32", "s32", "f32"}) put_select<U32>(t, type);
  for (const char* type : {"b64", "u64", "s64", "f64"}) put_select<U64>(t, type);
  put<[](U32 a, U32 b, U32 c, U32 d) { return inserted(a, b, c, d); }, U32, U32, U32, U32, U32>(t, "bfi.b32");
  put<[](U64 a, U64 b, U32 c, U32 d) { return inserted(a, b, c, d); }, U64, U64, U64, U32, U32>(t, "bfi.b64");
  put<[](U32 a, U32 b, U32 c) { return extracted(a, b, c); }, U32, U32, U32, U32>(t, "bfe.u32");
  put<[](S32 a, U32 b, U32 c) { return extracted(a, b, c); }, S32, S32, U32, U32>(t, "bfe.s32");
  put<[](U64 a, U32 b, U32 c) { return extracted(a, b, c); }, U64, U64, U32, U32>(t, "bfe.u64");
  put<[](S64 a, U32 b, U32 c) { return extracted(a, b, c); }, S64, S64, U32, U32>(t, "bfe.s64");
  put<[](U32 a, U32 b, U32 c) { return permuted(a, b, c); }, U32, U32, U32, U32>(t, "prmt.b32");
  put<[](U32 a, U32 b, U32 c, U32 table) { return looked_up(a, b, c, table); }, U32, U32, U32, U32, U32>(t, "lop3.b32");
  put<[](U32 a) { return static_cast<U32>(std::popcount(a)); }, U32, U32>(t, "popc.b32");
  put<[](U64 a) { return static_cast<U32>(std::popcount(a)); }, U32, U64>(t, "popc.b64");
  put<[](U32 a) { return static_cast<U32>(std::countl_zero(a)); }, U32, U32>(t, "clz.b32");
  put<[](U64 a) { return static_cast<U32>(std::countl_zero(a)); }, U32, U64>(t, "clz.b64");
  put<[](U32 a) {
    U32 d = 0;
    for (int i = 0; i < 32; ++i) d |= (a >> i & 1u) << (31 - i);
    return d;
  }, U32, U32>(t, "brev.b32");
  put<[](U32 a, U32 b, U32 n) { return static_cast<U32>((U64{b} << 32 | a) << (n & 31) >> 32); }, U32, U32, U32, U32>(t, "shf.l.wrap.b32");
  put<[](U32 a, U32 b, U32 n) { return static_cast<U32>((U64{b} << 32 | a) >> (n & 31)); }, U32, U32, U32, U32>(t, "shf.r.wrap.b32");
  t["mov.b32/pack"] = {&pack<U16, U32>, "dwshsh"};
  t["mov.b64/pack"] = {&pack<U32, U64>, "dqswsw"};
  t["mov.b32/unpack"] = {&unpack<U16, U32>, "dhdhsw"};
  t["mov.b64/unpack"] = {&unpack<U32, U64>, "dwdwsq"};
  t["mov.pred"] = {&on_mask<[](U32 a) { return a; }>, "dpsp"};
  t["not.pred"] = {&on_mask<[](U32 a) { return ~a; }>, "dpsp"};
  t["and.pred"] = {&on_masks<[](U32 a, U32 b) { return a & b; }>, "dpspsp"};
  t["or.pred"] = {&on_masks<[](U32 a, U32 b) { return a | b; }>, "dpspsp"};
  t["xor.pred"] = {&on_masks<[](U32 a, U32 b) { return a ^ b; }>, "dpspsp"};
  t["cvta.to.global.u64"] = t["cvta.global.u64"] = t["mov.u64"];  // generic addresses of other spaces are not known here
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
