// Modules: what is refused, parameters, scopes, lines.
#include "ptx/written.h"

using namespace octet::ptx;
using namespace octet::ptx::test;

namespace {

std::string refusal(const std::string& body, const std::string& before = "") {
  try {
    Module module(written(body, 1, before));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("PTX machine: what the module holds and the machine does not know is refused by name and line") {
  CHECK(refusal("") == "");
  CHECK(holds(refusal("add.u32 %r1, %r2, %r3;\nfrob.u32 %r1, %r2;"), "PTX line 13: unknown instruction 'frob.u32' (operands: ww)"));
  CHECK(holds(refusal("add.s32 %r1, %r2;"), "other operands than are known of 'add.s32'"));
  CHECK(holds(refusal("add.s32 %r1, %r2, %d3;"), "a register of another width: 'add.s32'"));
  CHECK(holds(refusal("add.rz.ftz.f32 %f1, %f2, %f3;"), "unknown instruction"));
  CHECK(holds(refusal("ld.u32 %r1, [%d0];"), "unknown instruction 'ld.u32'"));
  CHECK(holds(refusal("mov.u32 %r1, %nosuch;"), "unknown register '%nosuch'"));
  CHECK(holds(refusal("mov.u32 %r1, nosuch;"), "unknown name 'nosuch'"));
  CHECK(holds(refusal("bra $NOSUCH;"), "unknown label '$NOSUCH'"));
  CHECK(holds(refusal("bar.sync 1;"), "a barrier other than 0"));
  CHECK(holds(refusal("", ".func f() { ret; }"), "unknown directive '.func'"));
  CHECK(holds(refusal("mov.u32 %r100, 1;"), "unknown register '%r100'"));
}

TEST_CASE("PTX machine: parameters lie as their types say, structures are read by their bytes") {
  const Module module(R"(.version 9.0
.target sm_80
.address_size 64
.visible .entry many(.param .u32 a, .param .u64 b, .param .align 8 .b8 c[20], .param .u8 d, .param .f32 e)
.maxntid 64, 2, 1
.minnctapersm 1
{ .reg .b64 %rd<8>; .reg .b32 %r<9>; .reg .f32 %f<2>; .reg .b16 %rs<3>;
  ld.param.u64 %rd1, [b]; ld.param.u32 %r1, [a]; mov.b64 %rd3, c; ld.param.v2.u32 {%r2, %r3}, [%rd3+8]; ld.param.u8 %rs1, [d]; ld.param.f32 %f1, [e];
  cvt.u32.u16 %r4, %rs1; { .reg .b32 %r<3>; mov.u32 %r1, 12345; } mov.b32 %r5, %f1;
  st.global.u32 [%rd1], %r1; st.global.u32 [%rd1+4], %r2; st.global.u32 [%rd1+8], %r3; st.global.u32 [%rd1+12], %r4; st.global.u32 [%rd1+16], %r5;
})");
  const Kernel& kernel = *module.find("many");
  CHECK(module.find("few") == nullptr);
  CHECK(max_threads(kernel) == 128);
  REQUIRE(parameters(kernel).size() == 5);
  CHECK(parameters(kernel)[1].offset == 8);
  CHECK(parameters(kernel)[2].offset == 16);
  CHECK(parameters(kernel)[2].size == 20);
  CHECK(parameters(kernel)[3].offset == 36);
  CHECK(parameters(kernel)[4].offset == 40);
  CHECK(parameter_bytes(kernel) == 44);
  std::vector<std::uint32_t> out(5), block(11);
  const auto pointer = reinterpret_cast<std::uintptr_t>(out.data());
  block[0] = 1;
  std::memcpy(&block[2], &pointer, 8);
  block[6] = 6, block[7] = 7, block[9] = 0x77665508, block[10] = bits(2.5f);
  Memory memory;
  memory.add(out.data(), 20, "out");
  Counts counts;
  Launch launch;
  launch.parameters = std::as_bytes(std::span(block));
  octet::ptx::run(kernel, launch, memory, counts);
  CHECK(out == std::vector<std::uint32_t>{1, 6, 7, 8, bits(2.5f)});
  CHECK(counts.kernels["many"].instructions == 15);
}

TEST_CASE("PTX machine: a fault names the line of the source and the calls around it") {
  Written w(".loc 1 12 3\n.loc 2 7 9, function_name $S0, inlined_at 1 12 3\nld.global.u32 %r1, [%d0];", 0,
            ".file 1 \"/a/b/kernel.cu\"\n.file 2 \"/a/inner.cuh\"\n");
  CHECK(holds(w.fault(), "inner.cuh:7, inlined at kernel.cu:12 (PTX line "));
  CHECK(holds(w.fault(), "kernel k, block (0,0,0), thread (0,0,0)"));
}

TEST_CASE("PTX machine: counts by line, of the innermost one in a folder of kernels, and where shared memory conflicts") {
  // Every lane to a word of its own in one bank: 32 wavefronts where one would do.
  const std::string body = ".loc 1 12 3\nshl.b32 %r1, %r0, 7;\n.loc 3 5 1, function_name $S0, inlined_at 2 8 1\nadd.u32 %r2, %r1, 1;\n"
                           ".loc 2 7 9, function_name $S0, inlined_at 1 12 3\nst.shared.u32 [%r1], %r2;";
  const std::string files = ".file 1 \"/a/kernels/kernel.cu\"\n.file 2 \"/a/kernels/inner.cuh\"\n.file 3 \"/a/device/intrinsics.h\"\n";
  Written w(body, 0, files);
  w.launch.dynamic_shared = 4096;
  w.counts.lines_of = "other";
  w.run();
  CHECK(w.counts.lines.empty());
  w.counts.lines_of = "k";
  w.run();
  CHECK(w.counts.lines.at("kernel.cu:12").instructions == 1);
  CHECK(w.counts.lines.at("inner.cuh:8").instructions == 1);
  CHECK(w.counts.lines.at("inner.cuh:7").instructions == 2);  // ret is of the last line too
  CHECK(w.counts.lines.at("inner.cuh:7").conflicts == 31);
  CHECK(w.counts.lines.at("kernel.cu:12").conflicts == 0);
}
