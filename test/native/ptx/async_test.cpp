// cp.async: what a kernel sees before and behind the waits.
#include "ptx/written.h"

using namespace octet::ptx::test;

namespace {

// Each lane's 16 bytes in shared memory at %r3, in global memory at %d5 (of %d0) and %d6 (of %d1, the results).
const std::string kPlaces = R"(
    mov.u32 %r1, dynamic; shl.b32 %r2, %r0, 4; add.s32 %r3, %r1, %r2; mul.wide.u32 %d4, %r0, 16; add.s64 %d5, %d0, %d4; add.s64 %d6, %d1, %d4;
    st.shared.v4.u32 [%r3], {77, 77, 77, 77};
)";
const std::string kOut = "ld.shared.v4.u32 {%r10, %r11, %r12, %r13}, [%r3]; st.global.v4.u32 [%d6], {%r10, %r11, %r12, %r13};\n";

struct Copy {
  std::vector<std::uint32_t> in = std::vector<std::uint32_t>(256), out = std::vector<std::uint32_t>(128);
  Written w;
  explicit Copy(const std::string& body) : w(kPlaces + body, 2) {
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::uint32_t>(i);
    w.launch.dynamic_shared = 1024;
    w.with(in, "source").with(out);
  }
};

}  // namespace

TEST_CASE("PTX machine: an asynchronous copy lands at the wait that covers it and not before") {
  const std::string copy = "cp.async.cg.shared.global [%r3], [%d5], 16;\ncp.async.commit_group;\n";
  Copy early(copy + kOut + "cp.async.wait_group 0;"), late(copy + "cp.async.wait_group 0;\n" + kOut), all(copy + "cp.async.wait_all;\n" + kOut);
  early.w.run();
  late.w.run();
  all.w.run();
  for (std::uint32_t i = 0; i < 128; ++i) {
    REQUIRE(early.out[i] == 77);
    REQUIRE(late.out[i] == i);
    REQUIRE(all.out[i] == i);
  }
  CHECK(late.w.counts.kernels["k"].async_copies == 1);
  CHECK(late.w.counts.kernels["k"].async_sectors >= 16);
}

TEST_CASE("PTX machine: wait_group N leaves the latest N groups, and what no commit closed, open") {
  const std::string two = "cp.async.cg.shared.global [%r3], [%d5], 16;\ncp.async.commit_group;\n"
                          "cp.async.cg.shared.global [%r3+512], [%d5+512], 16;\ncp.async.commit_group;\n";
  const std::string second = "ld.shared.v4.u32 {%r10, %r11, %r12, %r13}, [%r3+512]; st.global.v4.u32 [%d6], {%r10, %r11, %r12, %r13};\n";
  Copy first(two + "cp.async.wait_group 1;\n" + kOut + "cp.async.wait_group 0;"),
      open("st.shared.v4.u32 [%r3+512], {78, 78, 78, 78};\n" + two + "cp.async.wait_group 1;\n" + second + "cp.async.wait_group 0;"),
      uncommitted("cp.async.cg.shared.global [%r3], [%d5], 16;\ncp.async.wait_group 0;\n" + kOut + "cp.async.wait_all;");
  first.w.run();
  open.w.run();
  uncommitted.w.run();
  CHECK(first.out[5] == 5);
  CHECK(open.out[5] == 78);
  CHECK(uncommitted.out[5] == 77);
}

TEST_CASE("PTX machine: a copy reads its source late, and fills with zeros what it does not read") {
  Copy late("cp.async.cg.shared.global [%r3], [%d5], 16;\ncp.async.commit_group;\nst.global.u32 [%d5], 500;\ncp.async.wait_group 0;\n" + kOut);
  late.w.run();
  CHECK(late.out[4] == 500);
  // Lane l reads l % 17 bytes; those that read none may have any address.
  Copy filled("rem.u32 %r5, %r0, 17; createpolicy.fractional.L2::evict_first.b64 %d9; setp.eq.u32 %p1, %r5, 0; selp.b64 %d5, 0, %d5, %p1;\n"
              "cp.async.cg.shared.global.L2::cache_hint [%r3], [%d5], 16, %r5, %d9;\ncp.async.commit_group;\ncp.async.wait_group 0;\n" + kOut);
  filled.in.assign(256, 0x01010101u);
  filled.w.run();
  for (std::uint32_t l = 0; l < 32; ++l)
    for (std::uint32_t byte = 0; byte < 16; ++byte)
      REQUIRE((filled.out[4 * l + byte / 4] >> (8 * (byte % 4)) & 0xff) == (byte < l % 17 ? 1u : 0u));
}

TEST_CASE("PTX machine: copies that no wait covers, stray or lie askew are faults") {
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3], [%d5], 16;").w.fault(), "that no wait covers"));
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3], [%d5], 16;\ncp.async.commit_group;\ncp.async.wait_group 1;").w.fault(), "that no wait covers"));
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3], [%d5+1024], 16;").w.fault(), "0 bytes past the end of source (1024 bytes)"));
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3], [%d5+8], 16;").w.fault(), "not aligned to 16"));
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3+8], [%d5], 16;").w.fault(), "shared address 8 of 1024 bytes: not aligned"));
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3+1024], [%d5], 16;").w.fault(), "beyond the end"));
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3], [%d5], 8;").w.fault(), "cp.async of 8 bytes"));
  CHECK(holds(Copy("cp.async.cg.shared.global [%r3], [%d5], 16, 17;").w.fault(), "reads 17 bytes of 16"));
}
