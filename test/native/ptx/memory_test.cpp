// Loads and stores: types, spaces, poison, bounds, and what they cost.
#include "ptx/written.h"

using namespace octet::ptx;
using namespace octet::ptx::test;

TEST_CASE("PTX machine: narrow loads extend by their type's sign, vectors lie in order") {
  std::vector<std::uint32_t> buffer = {0x80ff7f01u, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  Written w(R"(
    ld.global.s8 %r1, [%d0+2]; st.global.u32 [%d0+16], %r1;
    ld.global.u8 %h1, [%d0+2]; cvt.u32.u16 %r1, %h1; st.global.u32 [%d0+20], %r1;
    ld.global.u16 %h1, [%d0+2]; st.global.u16 [%d0+24], %h1;
    ld.global.s32 %d1, [%d0]; st.global.u64 [%d0+32], %d1;
    ld.global.cg.v4.u32 {%r1, %r2, %r3, %r4}, [%d0]; st.global.v2.u32 [%d0+40], {%r4, %r3};
    ld.global.v2.u8 {%h1, %h2}, [%d0]; st.global.v4.u8 [%d0+48], {%h2, %h1, %h2, %h1};
    st.global.v2.u32 [%d0+8], {9, 10};
)", 1);
  w.launch.block = {1, 1, 1};
  // 64-bit loads and 16-byte vectors want their alignment
  alignas(16) static std::array<std::uint32_t, 14> memory;
  std::copy(buffer.begin(), buffer.end(), memory.begin());
  w.memory.add(memory.data(), sizeof memory, "memory");
  w.parameters.push_back(reinterpret_cast<std::uintptr_t>(memory.data()));
  w.run();
  CHECK(memory[4] == 0xffffffffu);
  CHECK(memory[5] == 0xff);
  CHECK(memory[6] == 0x80ff);
  CHECK(memory[8] == 0x80ff7f01u);
  CHECK(memory[9] == 0xffffffffu);
  CHECK(memory[10] == 4);
  CHECK(memory[11] == 3);
  CHECK(memory[12] == 0x017f017fu);
  CHECK(memory[2] == 9);
  CHECK(memory[3] == 10);
}

TEST_CASE("PTX machine: shared, local memory and registers begin poisoned, tables as they are written") {
  std::vector<std::uint32_t> out(32 * 4);
  Written w(R"(
    .local .align 4 .b8 depot[16]; .shared .align 4 .b8 fixed[8]; .reg .b64 %SPL;
    mov.u64 %SPL, depot; mov.u32 %r9, fixed; mov.u32 %r8, dynamic; add.s32 %r50, %r49, 0; setp.lt.u32 %p1, %r0, 4;
    @%p1 bra $ON; st.local.u32 [%SPL+12], %r0;
$ON: ld.local.u32 %r1, [%SPL+12]; ld.shared.u32 %r2, [%r8]; mov.u64 %d5, table; ld.global.nc.u32 %r3, [%d5+4]; sub.s32 %r8, %r8, %r9;
    shl.b64 %d6, %d90, 2; add.s64 %d6, %d6, %d0; st.global.u32 [%d6], %r1; st.global.u32 [%d6+4], %r2; st.global.u32 [%d6+8], %r3; add.s32 %r8, %r8, %r50;
    st.global.u32 [%d6+12], %r8;
)", 1, ".global .align 4 .b8 table[8] = {1, 0, 0, 0, 65, 144, 0, 128};");
  w.launch.dynamic_shared = 16;
  w.with(out).run();
  CHECK(out[4 * 3] == kPoison);
  CHECK(out[4 * 7] == 7);
  CHECK(out[4 * 31] == 31);
  CHECK(out[1] == kPoison);
  CHECK(out[2] == 0x80009041u);
  CHECK(out[3] == 16 + kPoison);  // the dynamic part begins at the next 16 bytes; %r49 was never written
  CHECK(static_shared_bytes(*w.module.find("k")) == 8);
}

TEST_CASE("PTX machine: accesses out of bounds or askew are faults that say where") {
  std::vector<std::uint32_t> a(32), b(8);
  const auto fault = [&](const std::string& body) {
    Written w(body, 2);
    w.launch.dynamic_shared = 64;
    return w.with(a, "rows").with(b, "eight").fault();
  };
  CHECK(fault("add.s64 %d5, %d0, %d90; st.global.u32 [%d5], 1;") == "");
  CHECK(holds(fault("add.s64 %d5, %d0, %d90; st.global.u32 [%d5+4], 1;"), "thread (31,0,0)"));
  CHECK(holds(fault("add.s64 %d5, %d0, %d90; st.global.u32 [%d5+4], 1;"), "0 bytes past the end of rows (128 bytes)"));
  CHECK(holds(fault("ld.global.u32 %r1, [%d0+-4];"), "4 bytes before rows"));
  CHECK(holds(fault("add.s64 %d5, %d1, %d90; ld.global.u32 %r1, [%d5];"), "thread (8,0,0)"));
  CHECK(holds(fault("ld.global.u32 %r1, [%d0+2];"), "not aligned"));
  CHECK(holds(fault("ld.global.v2.u32 {%r1, %r2}, [%d0+4];"), "load of 8 bytes"));
  CHECK(holds(fault("mov.u64 %d5, 0; ld.global.u32 %r1, [%d5];"), "a null pointer"));
  CHECK(holds(fault("atom.global.add.u32 %r1, [%d0+128], 1;"), "atomic of 4 bytes"));
  CHECK(holds(fault("mov.u32 %r1, dynamic; st.shared.u32 [%r1+64], 1;"), "beyond the 64 bytes that there are"));
  CHECK(holds(fault("mov.u32 %r1, dynamic; ld.shared.u32 %r2, [%r1+-4];"), "beyond"));
  CHECK(holds(fault("mov.u32 %r1, dynamic; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1+8];"), "not aligned"));
  CHECK(holds(fault("st.global.u32 [%d0], 1; ld.global.nc.u32 %r1, [%d0];"), "that this launch has written"));
  CHECK(fault("st.global.u32 [%d0], 1; ld.global.nc.u32 %r1, [%d1];") == "");
}

TEST_CASE("PTX machine: an access that begins within bounds and ends beyond them is a fault") {
  alignas(16) static std::array<std::uint32_t, 4> memory;
  Written global("ld.global.u32 %r1, [%d0]; ld.global.v2.u32 {%r1, %r2}, [%d0+8];", 1);
  global.memory.add(memory.data(), 12, "three");
  global.parameters.push_back(reinterpret_cast<std::uintptr_t>(memory.data()));
  CHECK(holds(global.fault(), "load of 8 bytes"));
  CHECK(holds(global.fault(), "4 bytes before the end of three (12 bytes)"));
  Written shared("mov.u32 %r1, dynamic; st.shared.v2.u32 [%r1+8], {1, 2};", 0);
  shared.launch.dynamic_shared = 12;
  CHECK(holds(shared.fault(), "beyond the 12 bytes that there are"));
}

TEST_CASE("PTX machine: sectors and wavefronts are counted") {
  alignas(32) static std::array<std::uint32_t, 32 * 33> memory;
  const auto count = [&](const std::string& body) {
    Written w(body, 1);
    w.launch.dynamic_shared = 32 * 33 * 4;
    w.memory.add(memory.data(), sizeof memory, "memory");
    w.parameters.push_back(reinterpret_cast<std::uintptr_t>(memory.data()));
    return w.run();
  };
  const auto loads = [&](int stride, int add, const char* type, const char* to) {
    return count("mul.wide.u32 %d5, %r0, " + std::to_string(stride) + "; add.s64 %d5, %d5, %d0; ld.global" + type + " " + to + ", [%d5+" + std::to_string(add) + "];");
  };
  CHECK(loads(4, 0, ".u32", "%r1").load_sectors == 4);
  CHECK(loads(4, 4, ".u32", "%r1").load_sectors == 5);
  CHECK(loads(4, 4, ".u32", "%r1").load_sectors_ideal == 4);
  CHECK(loads(0, 0, ".u32", "%r1").load_sectors == 1);
  CHECK(loads(0, 0, ".u32", "%r1").load_sectors_ideal == 1);
  CHECK(loads(128, 0, ".u32", "%r1").load_sectors == 32);
  CHECK(loads(128, 0, ".u32", "%r1").load_sectors_ideal == 4);
  CHECK(loads(16, 0, ".v4.u32", "{%r1, %r2, %r3, %r4}").load_sectors == 16);
  CHECK(count("mov.u32 %r5, 31; sub.s32 %r5, %r5, %r0; mul.wide.u32 %d5, %r5, 4; add.s64 %d5, %d5, %d0; st.global.u32 [%d5], %r0;").store_sectors == 4);
  // The 32 words in an order that goes up and down: lane l has word 9 l % 32.
  CHECK(count("mul.lo.s32 %r5, %r0, 9; and.b32 %r5, %r5, 31; mul.wide.u32 %d5, %r5, 4; add.s64 %d5, %d5, %d0; ld.global.u32 %r1, [%d5];")
            .load_sectors == 4);
  const auto shared = [&](int stride, const char* type, const char* to) {
    return count("mul.lo.s32 %r5, %r0, " + std::to_string(stride) + "; mov.u32 %r6, dynamic; add.s32 %r6, %r6, %r5; ld.shared" + type + " " + to + ", [%r6];");
  };
  CHECK(shared(4, ".u32", "%r1").shared_wavefronts == 1);
  CHECK(shared(8, ".u32", "%r1").shared_wavefronts == 2);
  CHECK(shared(128, ".u32", "%r1").shared_wavefronts == 32);
  CHECK(shared(132, ".u32", "%r1").shared_wavefronts == 1);
  CHECK(shared(0, ".u32", "%r1").shared_wavefronts == 1);
  CHECK(shared(2, ".u16", "%h1").shared_wavefronts == 1);
  CHECK(shared(8, ".v2.u32", "{%r1, %r2}").shared_wavefronts == 2);
  CHECK(shared(16, ".v4.u32", "{%r1, %r2, %r3, %r4}").shared_wavefronts == 4);
  CHECK(shared(32, ".v4.u32", "{%r1, %r2, %r3, %r4}").shared_wavefronts == 8);
  CHECK(shared(128, ".v4.u32", "{%r1, %r2, %r3, %r4}").shared_wavefronts == 32);
  CHECK(shared(128, ".v4.u32", "{%r1, %r2, %r3, %r4}").shared_wavefronts_ideal == 4);
}

TEST_CASE("PTX machine: memory knows its ranges") {
  Memory memory;
  std::array<std::byte, 64> bytes{};
  memory.add(bytes.data(), 16, "first");
  memory.add(bytes.data() + 32, 16, "second");
  const auto at = [&](int i) { return reinterpret_cast<std::uintptr_t>(bytes.data() + i); };
  CHECK(memory.find(at(15))->what == "first");
  CHECK(memory.find(at(16)) == nullptr);
  CHECK(memory.find(at(40))->what == "second");
  CHECK_THROWS_AS(memory.add(bytes.data() + 8, 30, "both"), std::invalid_argument);
  CHECK(memory.around(at(20)).find("4 bytes past the end of first (16 bytes), 12 bytes before second") != std::string::npos);
  memory.remove(bytes.data());
  CHECK(memory.find(at(3)) == nullptr);
  CHECK_THROWS_AS(memory.remove(bytes.data()), std::invalid_argument);
}
