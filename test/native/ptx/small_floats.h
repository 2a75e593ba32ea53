// bf16 and f16 on the host, from their definitions.
#pragma once

#include <bit>
#include <cmath>

#include "ptx/lanes.h"

namespace octet::ptx::OCTET_PTX_LEVEL {

/// Any NaN that an operation gives is this one, whatever the host makes of it (CUDA C++ Programming Guide, "Floating-Point Standard").
inline float canonical(float x) { return x != x ? std::bit_cast<float>(0x7fffffffu) : x; }

inline float from_bf16(U32 bits) { return std::bit_cast<float>(bits << 16); }

/// To nearest, ties to even; any NaN becomes 0x7fff.
inline U32 to_bf16(float x) {
  const U32 u = std::bit_cast<U32>(x);
  const U32 rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
  return (u & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : rounded;
}

inline float from_f16(U32 bits) {
  const U32 exponent = bits >> 10 & 31, fraction = bits & 1023;
  float x = static_cast<float>(fraction) * 0x1p-24f;
  if (exponent == 31) x = std::bit_cast<float>(0x7f800000u | fraction << 13);
  else if (exponent != 0) x = std::bit_cast<float>((exponent + 112) << 23 | fraction << 13);
  return std::bit_cast<float>(std::bit_cast<U32>(x) | (bits & 0x8000u) << 16);
}

inline U32 to_f16(float x) {
  const U32 u = std::bit_cast<U32>(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return 0x7fffu;
  if (a >= 0x477ff000u) return sign | 0x7c00u;  // 65520 and more round to infinity
  if (a < 0x38800000u) return sign | static_cast<U32>(std::nearbyint(std::bit_cast<float>(a) * 0x1p24f));
  return sign | (a - 0x38000000u + 0xfffu + (a >> 13 & 1u)) >> 13;
}

/// a * b + c in one rounding to bf16: the sum is rounded to odd twice on the way (to double, to float), which leaves the last
/// rounding as if it had seen the exact sum.
inline U32 fma_bf16(U32 a, U32 b, U32 c) {
  const double product = double{from_bf16(a)} * double{from_bf16(b)}, addend = from_bf16(c);
  const double sum = product + addend, back = sum - product, error = (product - (sum - back)) + (addend - back);
  U64 bits = std::bit_cast<U64>(sum);
  const bool inexact = (error < 0 || error > 0) && (bits & 1) == 0;
  bits += inexact ? ((error > 0) == (sum > 0) ? U64{1} : ~U64{0}) : U64{0};
  const double odd = std::bit_cast<double>(bits);
  const float near = static_cast<float>(odd);
  U32 n = std::bit_cast<U32>(near);
  const double off = odd - double{near};
  if ((off < 0 || off > 0) && (n & 1) == 0) {
    if (near == 0) n = off < 0 ? 0x80000001u : 1u;
    else n += (off > 0) == (near > 0) ? 1u : ~0u;
  }
  return to_bf16(std::bit_cast<float>(n));
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
