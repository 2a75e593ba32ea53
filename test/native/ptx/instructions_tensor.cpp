// mma.sync and ldmatrix (PTX ISA, "Warp Level Matrix Multiply-Accumulate Instructions": "Matrix Fragments for mma.m16n8k16 with
// floating point type", "ldmatrix"). With group = lane / 4 and within = lane % 4:
//   A (16 x 16, eight elements in four registers): row = group, or group + 8 for elements 2, 3, 6, 7; column = within * 2 + element % 2, and
//     8 more for elements 4 to 7
//   B (16 x 8, four elements in two registers): row = within * 2 + element % 2, and 8 more for elements 2, 3; column = group
//   C, D (16 x 8, four float32): row = group, or group + 8 for elements 2, 3; column = within * 2 + element % 2
// Elements of 16 bits lie in a register the lower first. Sums: the exact product is added to the accumulator, C first, in ascending k,
// with one rounding to float32 for each.
#include "ptx/addresses.h"
#include "ptx/small_floats.h"
#include "ptx/spelling.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

/// c += a b. Eight rows at a time, whose sums do not wait for each other.
void multiply(const float (&a)[16][16], const float (&b)[16][8], float (&c)[16][8]) {
#if defined(__AVX2__) && defined(__FMA__)
  for (int first = 0; first < 16; first += 8) {
    __m256 sum[8];
    for (int m = 0; m < 8; ++m) sum[m] = _mm256_load_ps(c[first + m]);
    for (int k = 0; k < 16; ++k) {
      const __m256 line = _mm256_load_ps(b[k]);
      for (int m = 0; m < 8; ++m) sum[m] = _mm256_fmadd_ps(_mm256_broadcast_ss(&a[first + m][k]), line, sum[m]);
    }
    for (int m = 0; m < 8; ++m) _mm256_store_ps(c[first + m], sum[m]);
  }
#else
  for (int m = 0; m < 16; ++m)
    for (int k = 0; k < 16; ++k)
      for (int n = 0; n < 8; ++n) c[m][n] = std::fma(a[m][k], b[k][n], c[m][n]);
#endif
}

template <float (*Decode)(U32)>
void mma(Warp& w, const Instruction& i, U32 /*all*/) {
  alignas(32) float a[16][16], b[16][8], c[16][8];
  for (int r = 0; r < 4; ++r) {  // register r of A holds elements 2 r and 2 r + 1, of C and D element r
    const U32* from = row<const U32>(w, i.operand[4 + r]);
    const float* sum = row<const float>(w, i.operand[10 + r]);
    const int down = r % 2 * 8, right = r / 2 * 8;
    for (int lane = 0; lane < kLanes; ++lane) {
      const int group = lane / 4, within = lane % 4;
      a[group + down][within * 2 + right] = Decode(from[lane] & 0xffff);
      a[group + down][within * 2 + right + 1] = Decode(from[lane] >> 16);
      c[group + right][within * 2 + r % 2] = sum[lane];
    }
  }
  for (int r = 0; r < 2; ++r) {
    const U32* from = row<const U32>(w, i.operand[8 + r]);
    for (int lane = 0; lane < kLanes; ++lane) {
      const int group = lane / 4, within = lane % 4;
      b[within * 2 + 8 * r][group] = Decode(from[lane] & 0xffff);
      b[within * 2 + 8 * r + 1][group] = Decode(from[lane] >> 16);
    }
  }
  multiply(a, b, c);
  for (int e = 0; e < 4; ++e) {
    float* d = row<float>(w, i.operand[e]);
    for (int lane = 0; lane < kLanes; ++lane) d[lane] = canonical(c[lane / 4 + (e >= 2 ? 8 : 0)][lane % 4 * 2 + (e & 1)]);
  }
  ++w.grid->counts.mma;
}

/// Lanes 8 m to 8 m + 7 give the addresses of matrix m's rows (8 elements of 16 bits each); register m of lane l gets elements
/// 2 (l % 4) and the next of row l / 4, or, transposed, of column l / 4.
template <class Base, bool Transposed>
void ldmatrix(Warp& w, const Instruction& i, U32 /*all*/) {
  const int matrices = i.elements;
  const U32 readers = matrices == 4 ? ~0u : (1u << (8 * matrices)) - 1;
  Addresses a = addresses<Base>(w, i.operand[matrices], i.offset[0], readers);
  ++w.grid->counts.ldmatrix;
  resolve(w, a, readers, 16, Space::kShared, Access::kLoad);
  for (int m = 0; m < matrices; ++m) {
    U16 element[8][8];
    for (int r = 0; r < 8; ++r) std::memcpy(element[r], pointer(a.at[8 * m + r]), 16);
    U32* d = row<U32>(w, i.operand[m]);
    for (int l = 0; l < kLanes; ++l) {
      const int major = l / 4, minor = l % 4 * 2;
      const U16 low = Transposed ? element[minor][major] : element[major][minor];
      const U16 high = Transposed ? element[minor + 1][major] : element[major][minor + 1];
      d[l] = low | U32{high} << 16;
    }
  }
}

}  // namespace

void put_tensor(Table& t) {
  const char* operands = "dwdwdwdwswswswswswswswswswsw";
  t["mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"] = {&mma<from_bf16>, operands, Kind::kWarpSync};
  t["mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"] = {&mma<from_f16>, operands, Kind::kWarpSync};
}

Form ldmatrix_form(std::string_view spelling, std::string_view widths) {
  Spelling s(spelling);
  if (!s.take("ldmatrix") || !s.take("sync") || !s.take("aligned") || !s.take("m8n8")) return {};
  Form form;
  form.elements = s.take("x1") ? 1 : s.take("x2") ? 2 : s.take("x4") ? 4 : 0;
  const bool transposed = s.take("trans");
  if (form.elements == 0 || (!s.take("shared") && !s.take("shared::cta")) || s.rest() != "b16") return {};
  if (widths.size() != form.elements + 1u) return {};
  const bool narrow = widths.back() == 'W';
  form.run = narrow ? transposed ? &ldmatrix<U32, true> : &ldmatrix<U32, false> : transposed ? &ldmatrix<U64, true> : &ldmatrix<U64, false>;
  for (int m = 0; m < form.elements; ++m) form.operands += "dw";
  form.operands += narrow ? "mw" : "mq";
  form.kind = Kind::kWarpSync;
  form.space = Space::kShared;
  return form;
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
