// mma and ldmatrix against plain loops, with the fragments as the ISA's tables place them: written down here element by element, apart
// from the machine's own.
#include "ptx/written.h"

using namespace octet::ptx::test;

namespace {

struct At {
  int row, column;
};
// "Matrix Fragments for mma.m16n8k16 with floating point type", elements a0 to a7, b0 to b3, c0 to c3.
At of_a(int lane, int i) {
  const int group = lane >> 2, within = lane % 4;
  return {(0 <= i && i < 2) || (4 <= i && i < 6) ? group : group + 8, i < 4 ? within * 2 + (i & 1) : within * 2 + (i & 1) + 8};
}
At of_b(int lane, int i) {
  const int group = lane >> 2, within = lane % 4;
  return {i < 2 ? within * 2 + (i & 1) : within * 2 + (i & 1) + 8, group};
}
At of_c(int lane, int i) {
  const int group = lane >> 2, within = lane % 4;
  return {i < 2 ? group : group + 8, within * 2 + (i & 1)};
}

}  // namespace

TEST_CASE("PTX machine: mma.m16n8k16 of bf16 is the product of the matrices that the fragments hold") {
  std::mt19937 random(5);
  float a[16][16], b[16][8], c[16][8];
  const auto small = [&] { return static_cast<float>(static_cast<int>(random() % 33) - 16) / 4; };  // sums are exact
  for (auto& row : a) for (auto& x : row) x = small();
  for (auto& row : b) for (auto& x : row) x = small();
  for (auto& row : c) for (auto& x : row) x = small();
  std::vector<Lanes> in(10);
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 8; ++i) in[i / 2][lane] |= bits(a[of_a(lane, i).row][of_a(lane, i).column]) >> 16 << (16 * (i & 1));
    for (int i = 0; i < 4; ++i) in[4 + i / 2][lane] |= bits(b[of_b(lane, i).row][of_b(lane, i).column]) >> 16 << (16 * (i & 1));
    for (int i = 0; i < 4; ++i) in[6 + i][lane] = bits(c[of_c(lane, i).row][of_c(lane, i).column]);
  }
  for (int i = 0; i < 4; ++i) {
    const Lanes got = by_lane("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f20, %f21, %f22, %f23}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, "
                              "{%f7, %f8, %f9, %f10}; mov.b32 %r99, %f2" + std::to_string(i) + ";", in);
    for (int lane = 0; lane < 32; ++lane) {
      const At at = of_c(lane, i);
      float sum = c[at.row][at.column];
      for (int k = 0; k < 16; ++k) sum += a[at.row][k] * b[k][at.column];
      REQUIRE(real(got[lane]) == sum);
    }
  }
}

TEST_CASE("PTX machine: an mma that gives no number gives the one NaN of the device") {
  std::vector<Lanes> in(10);
  for (Lanes& lanes : in) lanes.fill(0x7f807f80u);  // infinities, but for the first sum
  in[6].fill(0xff800000u);
  CHECK(by_lane("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f20, %f21, %f22, %f23}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, "
                "{%f7, %f8, %f9, %f10}; mov.b32 %r99, %f20;", in)[7] == 0x7fffffffu);
}

TEST_CASE("PTX machine: mma adds its exact products to the accumulator and may write where it reads") {
  std::vector<Lanes> in(7);
  for (auto& lanes : in) lanes.fill(0);
  for (int lane = 0; lane < 32; ++lane) {
    if (lane % 4 == 0) in[0][lane] = in[1][lane] = bits(1 + 0x1p-7f) >> 16;  // k = 0 alone
    if (lane % 4 == 0) in[4][lane] = bits(1 + 0x1p-7f) >> 16;
    in[6][lane] = bits(-1);
  }
  const Lanes got = by_lane("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f7, %f8, %f9, %f10}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, "
                            "{%f7, %f7, %f7, %f7}; add.f32 %f7, %f7, %f10; mov.b32 %r99, %f7;", in);
  for (const std::uint32_t x : got) CHECK(real(x) == 2 * (0x1p-6f + 0x1p-14f));
}

TEST_CASE("PTX machine: ldmatrix hands out rows, transposed columns, from the addresses of eight lanes each") {
  for (const bool transposed : {false, true})
    for (const int count : {1, 2, 4})
      for (int m = 0; m < count; ++m) {
        CAPTURE(transposed);
        CAPTURE(count);
        CAPTURE(m);
        // Row r of matrix m at 80 (8 m + (5 r) % 8) bytes, so that no order of rows goes by chance; element = 256 m + 16 r + c.
        Lanes address, fill;
        for (int l = 0; l < 32; ++l) address[l] = static_cast<std::uint32_t>(80 * (8 * (l / 8) + 5 * (l % 8) % 8));
        for (int l = 0; l < 32; ++l) fill[l] = static_cast<std::uint32_t>(256 * (l / 8) + 16 * (l % 8));
        std::string text = "mov.u32 %r50, dynamic; add.s32 %r51, %r50, %r1;\n";
        for (int c = 0; c < 8; ++c)
          text += "add.s32 %r52, %r2, " + std::to_string(c) + "; cvt.u16.u32 %h1, %r52; st.shared.u16 [%r51+" + std::to_string(2 * c) + "], %h1;\n";
        text += "bar.warp.sync -1;\nldmatrix.sync.aligned.m8n8.x" + std::to_string(count) + (transposed ? ".trans" : "") + ".shared.b16 {";
        for (int i = 0; i < count; ++i) text += (i == 0 ? "%r6" : ", %r6") + std::to_string(i);
        text += "}, [%r51];\nmov.b32 %r99, %r6" + std::to_string(m) + ";";
        const Lanes got = by_lane(text, {address, fill}, 32 * 80);
        for (int l = 0; l < 32; ++l)
          for (int half = 0; half < 2; ++half) {
            const int major = l / 4, minor = 2 * (l % 4) + half, row = transposed ? minor : major, column = transposed ? major : minor;
            REQUIRE((got[l] >> (16 * half) & 0xffff) == static_cast<std::uint32_t>(256 * m + 16 * row + column));
          }
      }
}
