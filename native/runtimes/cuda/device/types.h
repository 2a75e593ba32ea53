// Storage types and conversions that mean the same to nvcc and to the host's compiler.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "runtimes/cuda/device/keywords.h"

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace octet::cuda {

/// Brain floating point: the upper half of a float32.
struct Bf16 {
  std::uint16_t bits;
};

/// IEEE 754 binary16.
struct Half {
  std::uint16_t bits;
};

/// 16 bytes, aligned so that one load or store moves them.
struct alignas(16) Vector16 {
  std::uint32_t word[4];
};

struct alignas(8) Vector8 {
  std::uint32_t word[2];
};

OCTET_BOTH float bits_to_float(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

OCTET_BOTH std::uint32_t float_to_bits(float x) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(x);
#else
  return std::bit_cast<std::uint32_t>(x);
#endif
}

OCTET_BOTH float to_float(float x) { return x; }
OCTET_BOTH float to_float(Bf16 x) { return bits_to_float(std::uint32_t{x.bits} << 16); }

OCTET_BOTH float to_float(Half x) {
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(x.bits));
#else
  const std::uint32_t sign = std::uint32_t{x.bits & 0x8000u} << 16, rest = x.bits & 0x7fffu;
  if (rest >= 0x7c00u) return bits_to_float(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  // Moving the exponent by a multiplication makes subnormals right too.
  return bits_to_float(sign | float_to_bits(bits_to_float(rest << 13) * 0x1p112f));
#endif
}

/// Round to nearest, ties to even; NaN stays NaN.
OCTET_BOTH Bf16 to_bf16(float x) {
#ifdef __CUDA_ARCH__
  return {__bfloat16_as_ushort(__float2bfloat16_rn(x))};
#else
  const std::uint32_t bits = float_to_bits(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
#endif
}

/// Two floats as a word of bf16, `low` in the lower half.
OCTET_BOTH std::uint32_t pack_bf16(float low, float high) {
#ifdef __CUDA_ARCH__
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const std::uint32_t*>(&pair);
#else
  return std::uint32_t{to_bf16(low).bits} | std::uint32_t{to_bf16(high).bits} << 16;
#endif
}

OCTET_BOTH float low_bf16(std::uint32_t pair) { return bits_to_float(pair << 16); }
OCTET_BOTH float high_bf16(std::uint32_t pair) { return bits_to_float(pair & 0xffff0000u); }

/// float32 to an activation's or a cache's element.
template <class T>
OCTET_BOTH T from_float(float x) {
  if constexpr (sizeof(T) == sizeof(float)) return x;
  else return to_bf16(x);
}

}  // namespace octet::cuda
