// The body of a row_kernels*.cpp. Written with the vector types of GCC and Clang, OCTET_VECTOR_BYTES wide; 4 means one
// plain float at a time. No inline function of another header may be called here: the linker could keep the copy
// compiled for an instruction set that the machine lacks.
//
// exp: 2^y = 2^n * 2^f with n = round(y), f = y - n in [-1/2, 1/2]. Adding 1.5 * 2^23 + 127 rounds y to an integer and
// leaves the biased exponent of 2^n in the low bits of the sum. 2^f is a polynomial of degree 5 (minimax, with 1 at
// f = 0 exactly): relative error at most 1.9e-7, its roundings included.

#include <cstring>
#include <limits>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace octet {
namespace {

#if OCTET_VECTOR_BYTES > 4
typedef float Floats __attribute__((vector_size(OCTET_VECTOR_BYTES)));
typedef std::int32_t Ints __attribute__((vector_size(OCTET_VECTOR_BYTES)));
typedef double Doubles __attribute__((vector_size(2 * OCTET_VECTOR_BYTES)));
#define OCTET_INLINE inline __attribute__((always_inline))
#else
typedef float Floats;
typedef std::int32_t Ints;
typedef double Doubles;
#define OCTET_INLINE inline
#endif

constexpr std::size_t kWidth = OCTET_VECTOR_BYTES / 4;
constexpr std::size_t kParts = kRowLanes / kWidth;  // vectors that make up the 16 lanes
constexpr float kInfinity = std::numeric_limits<float>::infinity();

OCTET_INLINE Floats load(const float* x) {
  Floats v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

OCTET_INLINE void store(float* x, Floats v) { std::memcpy(x, &v, sizeof v); }

OCTET_INLINE Floats splat(float x) { return Floats{} + x; }

OCTET_INLINE Floats larger(Floats a, Floats b) { return a > b ? a : b; }

OCTET_INLINE Doubles widened(Floats v) {
#if OCTET_VECTOR_BYTES > 4
  return __builtin_convertvector(v, Doubles);
#else
  return v;
#endif
}

OCTET_INLINE Floats exp_of(Floats x, float max, float scale) {
  constexpr float kRound = 12582912.0f + 127.0f;
  const Floats y = larger((x - max) * scale, splat(-127.0f));
  const Floats shifted = y + kRound;
  const Floats f = y - (shifted - kRound);
  Floats power = splat(1.32647273e-3f);
  power = power * f + 9.67151299e-3f;
  power = power * f + 5.55073358e-2f;
  power = power * f + 2.40222424e-1f;
  power = power * f + 6.93147004e-1f;
  power = power * f + 1.0f;
  Ints bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = bits << 23;
  Floats two_to_n;
  std::memcpy(&two_to_n, &bits, sizeof bits);
  return power * two_to_n;
}

// The 16 lanes, added up pairwise: independent of the vector width.
template <class T>
OCTET_INLINE T folded(const T* lanes) {
  T half[8];
  for (int i = 0; i < 8; ++i) half[i] = lanes[i] + lanes[i + 8];
  for (int i = 0; i < 4; ++i) half[i] += half[i + 4];
  return (half[0] + half[2]) + (half[1] + half[3]);
}

struct Total {
  Doubles parts[kParts] = {};

  OCTET_INLINE void add(const Floats* lanes) {
    for (std::size_t p = 0; p < kParts; ++p) parts[p] += widened(lanes[p]);
  }
  OCTET_INLINE double folded() const {
    double lanes[kRowLanes];
    std::memcpy(lanes, parts, sizeof lanes);
    return octet::folded(lanes);
  }
};

// A short last block, filled up with `padding`.
struct Tail {
  float values[kRowBlock];

  OCTET_INLINE Tail(const float* x, std::size_t n, float padding) {
    for (std::size_t i = 0; i < kRowBlock; ++i) values[i] = i < n ? x[i] : padding;
  }
};

OCTET_INLINE float largest(Floats v) {
#if OCTET_VECTOR_BYTES == 64
  v = larger(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
  v = larger(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7));
  v = larger(v, __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3));
  return larger(v, __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1))[0];
#elif OCTET_VECTOR_BYTES == 32
  v = larger(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7));
  v = larger(v, __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3));
  return larger(v, __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1))[0];
#elif OCTET_VECTOR_BYTES == 16
  v = larger(v, __builtin_shufflevector(v, v, 2, 3, 2, 3));
  return larger(v, __builtin_shufflevector(v, v, 1, 1, 1, 1))[0];
#else
  return v;
#endif
}

struct Finite {
  Ints parts[kParts];

  OCTET_INLINE Finite() {
    for (Ints& part : parts) part = Ints{} - 1;
  }
  OCTET_INLINE bool all() const {
    std::int32_t lanes[kRowLanes], good = -1;
    std::memcpy(lanes, parts, sizeof lanes);
    for (const std::int32_t lane : lanes) good &= lane;
    return good != 0;
  }
};

OCTET_INLINE Floats block_maximum(const float* x, Finite& finite) {
  Floats best[kParts];
  for (std::size_t i = 0; i < kRowBlock; i += kRowLanes)
    for (std::size_t p = 0; p < kParts; ++p) {
      const Floats v = load(x + i + p * kWidth);
      best[p] = i == 0 ? v : larger(v, best[p]);
      finite.parts[p] &= v < kInfinity;
    }
  for (std::size_t p = 1; p < kParts; ++p) best[0] = larger(best[p], best[0]);
  return best[0];
}

float block_maxima(const float* x, std::size_t n, float* maxima) {
  Finite finite;
  Floats row = splat(-kInfinity);
  const auto take = [&](const float* block) {
    const Floats best = block_maximum(block, finite);
    *maxima++ = largest(best);
    row = larger(best, row);
  };
  for (; n >= kRowBlock; x += kRowBlock, n -= kRowBlock) take(x);
  if (n > 0) take(Tail(x, n, -kInfinity).values);
  return finite.all() ? largest(row) : std::numeric_limits<float>::quiet_NaN();
}

// Float32 sums over one block a lane (4 elements), float64 over blocks.
template <int kScales>
OCTET_INLINE void add_block(const float* x, float max, const float* scales, Total* totals) {
  Floats sums[kScales][kParts];
  for (std::size_t i = 0; i < kRowBlock; i += kRowLanes)
    for (std::size_t p = 0; p < kParts; ++p) {
      const Floats v = load(x + i + p * kWidth);
      for (int s = 0; s < kScales; ++s) {
        const Floats e = exp_of(v, max, scales[s]);
        sums[s][p] = i == 0 ? e : sums[s][p] + e;
      }
    }
  for (int s = 0; s < kScales; ++s) totals[s].add(sums[s]);
}

template <int kScales>
OCTET_INLINE void sum_exps(const float* x, std::size_t n, float max, const float* scales, double* sums) {
  Total totals[kScales];
  for (; n >= kRowBlock; x += kRowBlock, n -= kRowBlock) add_block<kScales>(x, max, scales, totals);
  if (n > 0) add_block<kScales>(Tail(x, n, -kInfinity).values, max, scales, totals);
  for (int s = 0; s < kScales; ++s) sums[s] = totals[s].folded();
}

double sum_exp(const float* x, std::size_t n, float max, float scale) {
  double sum;
  sum_exps<1>(x, n, max, &scale, &sum);
  return sum;
}

void sum_exp_pair(const float* x, std::size_t n, float max, const float scales[2], double sums[2]) {
  sum_exps<2>(x, n, max, scales, sums);
}

OCTET_INLINE void exps_of_block(const float* x, float max, float scale, float* out, Total& total) {
  Floats sums[kParts];
  for (std::size_t i = 0; i < kRowBlock; i += kRowLanes)
    for (std::size_t p = 0; p < kParts; ++p) {
      const Floats e = exp_of(load(x + i + p * kWidth), max, scale);
      store(out + i + p * kWidth, e);
      sums[p] = i == 0 ? e : sums[p] + e;
    }
  total.add(sums);
}

double exps(const float* x, std::size_t n, float max, float scale, float* out) {
  Total total;
  for (; n >= kRowBlock; x += kRowBlock, out += kRowBlock, n -= kRowBlock) exps_of_block(x, max, scale, out, total);
  if (n > 0) {
    Tail tail(x, n, -kInfinity);
    exps_of_block(tail.values, max, scale, tail.values, total);
    std::memcpy(out, tail.values, n * sizeof(float));
  }
  return total.folded();
}

// Writes those of kChunk elements that reach the cutoff, and their indices from `first` on, to the front of `values`
// and `indices`, where all kChunk have room; returns how many. Free of branches: which elements do is hard to predict.
#if defined(__AVX512VL__)
constexpr std::size_t kChunk = 16;

OCTET_INLINE std::size_t compress(const float* x, float cutoff, std::int32_t first, float* values,
                                  std::int32_t* indices) {
  const __m512i counting = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512 v = _mm512_loadu_ps(x);
  const __mmask16 mask = _mm512_cmp_ps_mask(v, _mm512_set1_ps(cutoff), _CMP_GE_OQ);
  _mm512_storeu_ps(values, _mm512_maskz_compress_ps(mask, v));
  _mm512_storeu_si512(indices, _mm512_maskz_compress_epi32(mask, _mm512_add_epi32(counting, _mm512_set1_epi32(first))));
  return static_cast<std::size_t>(__builtin_popcount(mask));
}
#elif defined(__AVX2__)
constexpr std::size_t kChunk = 8;

// For every set of lanes, these lanes in order, a byte each.
struct Compressions {
  std::uint64_t lanes[256];
  constexpr Compressions() : lanes{} {
    for (int mask = 0; mask < 256; ++mask)
      for (int lane = 0, shift = 0; lane < 8; ++lane)
        if (mask >> lane & 1) {
          lanes[mask] |= static_cast<std::uint64_t>(lane) << shift;
          shift += 8;
        }
  }
};
constexpr Compressions kCompressions;

OCTET_INLINE std::size_t compress(const float* x, float cutoff, std::int32_t first, float* values,
                                  std::int32_t* indices) {
  const __m256 v = _mm256_loadu_ps(x);
  const int mask = _mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_set1_ps(cutoff), _CMP_GE_OQ));
  const auto packed = static_cast<long long>(kCompressions.lanes[mask]);
  const __m256i lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(packed));
  _mm256_storeu_ps(values, _mm256_permutevar8x32_ps(v, lanes));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(indices), _mm256_add_epi32(lanes, _mm256_set1_epi32(first)));
  return static_cast<std::size_t>(__builtin_popcount(mask));
}
#else
constexpr std::size_t kChunk = 1;

OCTET_INLINE std::size_t compress(const float* x, float cutoff, std::int32_t first, float* values,
                                  std::int32_t* indices) {
  *values = *x;
  *indices = first;
  return *x >= cutoff;
}
#endif

std::size_t gather(const float* x, std::size_t n, const float* maxima, float cutoff, float* values,
                   std::int32_t* indices) {
  std::size_t count = 0;
  for (std::size_t first = 0; first < n; first += kRowBlock, ++maxima) {
    if (*maxima < cutoff) continue;
    std::size_t i = first;
    const std::size_t end = first + kRowBlock < n ? first + kRowBlock : n;
    for (; i + kChunk <= end; i += kChunk)
      count += compress(x + i, cutoff, static_cast<std::int32_t>(i), values + count, indices + count);
    for (; i < end; ++i) {
      values[count] = x[i];
      indices[count] = static_cast<std::int32_t>(i);
      count += x[i] >= cutoff;
    }
  }
  return count;
}

double sum_below(const float* x, std::size_t n, float limit) {
  Floats sums[kParts] = {};
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes)
    for (std::size_t p = 0; p < kParts; ++p) {
      const Floats v = load(x + i + p * kWidth);
      sums[p] += v < limit ? v : Floats{};
    }
  Total total;
  total.add(sums);
  double sum = total.folded();
  for (; i < n; ++i) sum += x[i] < limit ? x[i] : 0.0f;
  return sum;
}

void multiply(float* x, std::size_t n, float factor) {
  for (; n >= kWidth; x += kWidth, n -= kWidth) store(x, load(x) * factor);
  for (; n > 0; ++x, --n) *x *= factor;
}

double block_sum(const float* x, std::size_t n) {
  Total total;
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes)
    for (std::size_t p = 0; p < kParts; ++p) total.parts[p] += widened(load(x + i + p * kWidth));
  double sum = total.folded();
  for (; i < n; ++i) sum += x[i];
  return sum;
}

double block_residual(const float* x, const float* y, std::size_t n) {
  Total total;
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes)
    for (std::size_t p = 0; p < kParts; ++p) {
      const std::size_t at = i + p * kWidth;
      total.parts[p] += widened(larger(load(x + at) - load(y + at), Floats{}));
    }
  double sum = total.folded();
  for (; i < n; ++i) sum += x[i] > y[i] ? x[i] - y[i] : 0.0f;
  return sum;
}

constexpr RowKernels kernels(const char* name) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  constexpr bool kFused = true;
#else
  constexpr bool kFused = false;
#endif
  return {name, kFused, block_maxima, sum_exp, sum_exp_pair, exps, gather, sum_below, multiply, block_sum,
          block_residual};
}

}  // namespace
}  // namespace octet
