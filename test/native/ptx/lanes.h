// How an instruction reaches the rows of its operands. Compiled once for each instruction set: everything here is in the level's own
// namespace, so that the linker never takes one level's copy for another's.
#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "ptx/program.h"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__GNUC__) && !defined(__clang__)
#define OCTET_PTX_LANES _Pragma("GCC ivdep")  // a row is another row or the same: no lane depends on another
#else
#define OCTET_PTX_LANES
#endif

namespace octet::ptx::OCTET_PTX_LEVEL {

using Table = std::unordered_map<std::string, Form>;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;

template <class T>
T* row(const Warp& w, U32 operand) {
  return reinterpret_cast<T*>(w.base[operand >> 31] + (operand & ~kConstant));
}

inline U32& predicate(const Warp& w, U32 operand) { return *row<U32>(w, operand); }

template <class F>
void each_active(U32 mask, F f) {
  if (mask == ~0u) {
    for (int l = 0; l < kLanes; ++l) f(l);
    return;
  }
  for (; mask != 0; mask &= mask - 1) f(std::countr_zero(mask));
}

/// d[lane] = f(lane) for the lanes of the mask; f must be harmless for the others.
template <class D, class F>
void each(U32 mask, D* d, F f) {
  if (mask == ~0u) {
    OCTET_PTX_LANES
    for (int l = 0; l < kLanes; ++l) d[l] = f(l);
  } else {
    D t[kLanes];
    OCTET_PTX_LANES
    for (int l = 0; l < kLanes; ++l) t[l] = f(l);
    OCTET_PTX_LANES
    for (int l = 0; l < kLanes; ++l) d[l] = (mask >> l & 1) != 0 ? t[l] : d[l];
  }
}

/// Bit l of the result is flags[l] != 0; flags are 0 or all ones.
inline U32 packed(const U32* flags) {
#if defined(__AVX2__)
  U32 bits = 0;
  for (int i = 0; i < 4; ++i)
    bits |= static_cast<U32>(_mm256_movemask_ps(_mm256_loadu_ps(reinterpret_cast<const float*>(flags + 8 * i)))) << (8 * i);
  return bits;
#else
  U32 bits = 0;
  for (int l = 0; l < kLanes; ++l) bits |= (flags[l] & 1u) << l;
  return bits;
#endif
}

inline void set_predicate(U32& p, U32 mask, U32 bits) { p = (p & ~mask) | (bits & mask); }

template <auto F, bool Slow, class D, class... S, std::size_t... I>
void apply_to(Warp& w, const Instruction& i, U32 mask, std::index_sequence<I...>) {
  D* d = row<D>(w, i.operand[0]);
  [&](const S*... s) {
    if constexpr (Slow)
      each_active(mask, [&](int l) { d[l] = F(s[l]...); });
    else
      each(mask, d, [=](int l) -> D { return F(s[l]...); });
  }(row<const S>(w, i.operand[1 + I])...);
}
template <auto F, bool Slow, class D, class... S>
void apply(Warp& w, const Instruction& i, U32 mask) {
  apply_to<F, Slow, D, S...>(w, i, mask, std::index_sequence_for<S...>{});
}

template <auto F, class A>
void compare(Warp& w, const Instruction& i, U32 mask) {
  const A *a = row<const A>(w, i.operand[1]), *b = row<const A>(w, i.operand[2]);
  alignas(32) U32 flags[kLanes];
  OCTET_PTX_LANES
  for (int l = 0; l < kLanes; ++l) flags[l] = F(a[l], b[l]) ? ~0u : 0u;
  set_predicate(predicate(w, i.operand[0]), mask, packed(flags));
}

template <class T>
constexpr char width() {
  return sizeof(T) == 2 ? 'h' : sizeof(T) == 4 ? 'w' : 'q';
}

/// d = F(s...) by lane. A slow one is called for active lanes alone.
template <auto F, class D, class... S>
void put(Table& table, const std::string& name) {
  std::string operands{'d', width<D>()};
  ((operands += 's', operands += width<S>()), ...);
  table[name] = {&apply<F, false, D, S...>, operands};
}
template <auto F, class D, class... S>
void put_slow(Table& table, const std::string& name) {
  std::string operands{'d', width<D>()};
  ((operands += 's', operands += width<S>()), ...);
  table[name] = {&apply<F, true, D, S...>, operands};
}
template <auto F, class A>
void put_compare(Table& table, const std::string& name) {
  table[name] = {&compare<F, A>, std::string("dps") + width<A>() + 's' + width<A>()};
}

void put_integer(Table& table);
void put_bits(Table& table);
void put_float(Table& table);
void put_convert(Table& table);
void put_warp(Table& table);
void put_async(Table& table);
void put_tensor(Table& table);
void put_wgmma(Table& table);
/// Those that take addresses, whose forms depend on the operands' widths. run is null where the spelling is not theirs.
Form memory_form(std::string_view spelling, std::string_view widths);    // ld, st
Form atomic_form(std::string_view spelling, std::string_view widths);    // atom, red
Form async_form(std::string_view spelling, std::string_view widths);     // cp.async
Form ldmatrix_form(std::string_view spelling, std::string_view widths);

Form find(std::string_view spelling, std::string_view widths);

}  // namespace octet::ptx::OCTET_PTX_LEVEL
