// A decoded kernel, and the state of the warps that run it. Inside the machine only.
//
// A register is a row of 32 lanes: 64, 128 or 256 bytes for 16, 32 and 64 bits, a predicate is one 32-bit mask. An operand is a row's
// byte offset in the warp's register file or, with kConstant, in the kernel's constants, so that an instruction sees no difference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ptx/machine.h"

namespace octet::ptx {

constexpr int kLanes = 32;
constexpr std::uint32_t kConstant = 0x80000000u;
constexpr std::uint32_t kNone = 0xffffffffu;
constexpr std::size_t kMostOperands = 45;  // wgmma of 72 columns: 36 + 4 + 1 + 1 + 3; mma has 14

struct Warp;
struct Instruction;
/// Does one instruction for the lanes of `mask`, which is never 0.
using Handler = void (*)(Warp& warp, const Instruction& instruction, std::uint32_t mask);

enum class Kind : std::uint8_t { kPlain, kBranch, kReturn, kBarrier, kWarpSync };
enum class Space : std::uint8_t { kNone, kGlobal, kGlobalConstant, kShared, kLocal, kParameter };

struct Instruction {
  Handler run = nullptr;
  std::array<std::int64_t, 2> offset{};  // added to the registers of the memory operands, in their order
  Kind kind = Kind::kPlain;
  bool guard_negated = false;
  Space space = Space::kNone;
  std::uint8_t elements = 1;         // of a vector load or store
  std::uint32_t guard = kNone;       // predicate's row
  std::uint32_t target = 0;          // of a branch
  std::uint32_t members = kNone;     // row of the lanes that take part; kNone: all 32
  std::uint32_t place = kNone, line = 0, spelling = 0;
  std::array<std::uint32_t, kMostOperands> operand{};
};

/// A line of the source; `parent` is the call that it was inlined at.
struct Place {
  std::uint32_t file, line, column, parent;
};

struct SpecialRow {
  int which;          // 0-2 tid, 3-5 ctaid, 6-8 ntid, 9-11 nctaid, 12 laneid, 13 warpid
  std::uint32_t row;
};

struct ModuleData;

struct Kernel {
  std::string name;
  const ModuleData* module = nullptr;
  std::vector<ParameterPlace> parameters;
  std::size_t parameter_bytes = 0, static_shared = 0, dynamic_align = 1, local_bytes = 0, register_bytes = 0;
  int max_threads = 1024;
  bool reads_constant = false;  // has ld.global.nc
  std::vector<Instruction> code;
  std::vector<std::byte> constants;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> poisoned;  // rows (offset, bytes) that may be read before they are written
  std::vector<SpecialRow> specials;
  std::vector<Place> places;
  std::vector<std::string> spellings;
};

struct AsyncCopy {
  std::uintptr_t from;
  std::uint32_t to, group;
  std::uint8_t bytes, from_bytes;
};

/// Of one lane, in the order of issue.
struct AsyncQueue {
  std::vector<AsyncCopy> copies;
  std::size_t head = 0;
  std::uint32_t committed = 0;  // groups
  std::vector<std::pair<std::uint32_t, std::uint32_t>> landed;  // offset and bytes, not yet shown to the asynchronous proxy
  bool empty() const { return head == copies.size(); }
};

/// wgmma.mma_async of one warp (instructions_wgmma.cpp), with what its registers of A held.
struct AsyncProduct {
  std::uint64_t b = 0;
  std::uint32_t group = 0;
  int tiles = 0;
  float sign = 1;
  bool adds = true;
  std::array<std::uint32_t, 36> d{};  // rows
  std::array<std::array<std::uint32_t, kLanes>, 4> a{};
};
/// D of products under way, whose registers are poisoned meanwhile.
struct HeldSums {
  std::uint32_t first;  // row of d[0]
  std::vector<std::array<float, kLanes>> c;
};
struct AsyncProducts {
  std::vector<AsyncProduct> pending;
  std::vector<HeldSums> held;
  std::vector<std::byte> fenced;    // all registers as they were at the last wgmma.fence
  std::uint32_t committed = 0;      // groups
  std::size_t issued = 0;           // products
};

struct Group {
  std::uint32_t pc, mask;
  bool waiting;
};

struct GridRun {
  const Kernel* kernel;
  const Launch* launch;
  const Memory* memory;
  KernelCounts counts;
  std::vector<Counts::Line> by_instruction;     // empty where nobody asks
  std::vector<Memory::Range> own;               // the module's variables
  std::unordered_set<std::uintptr_t> written;   // 32-byte sectors, where the kernel has ld.global.nc
  std::array<std::uint32_t, 3> block{};         // %ctaid
  std::vector<std::byte> shared;                // static, then dynamic
  std::vector<std::uint8_t> unshown;            // of each 4 bytes: a copy has landed that the asynchronous proxy does not see
  std::vector<std::vector<std::uint64_t>> descriptors;  // by warpgroup, of its products
};

struct Warp {
  std::array<std::byte*, 2> base{};  // registers, constants
  GridRun* grid = nullptr;
  std::uint32_t index = 0, pc = 0;
  std::uint32_t exist = 0, live = 0;  // lanes that the block has, that have not returned
  std::uintptr_t range_begin = 1, range_end = 0;  // of Memory, last used
  std::byte* local = nullptr;
  std::size_t local_bytes = 0;
  std::vector<Group> groups;
  bool at_barrier = false;
  std::array<AsyncQueue, kLanes> async;
  AsyncProducts products;
  std::vector<std::byte> registers, frames;
};

/// Names the kernel, the block, the lane's thread and the line that warp.pc comes from.
[[noreturn]] void fault(const Warp& warp, int lane, const std::string& what);

/// What the decoder has to know of an instruction. `operands`: two letters for each operand, flattened: d(estination), s(ource) and p, h,
/// w, q for predicate, 16, 32 and 64 bits; u(pdated): read and written; "m" + w or q or c for the base of an address; "o" + p: a destination that may be left out
/// ("d|p"); 'k' + w: a source that names the lanes that take part.
struct Form {
  Handler run = nullptr;
  std::string operands;
  Kind kind = Kind::kPlain;
  Space space = Space::kNone;
  std::uint8_t elements = 1;
};

/// The form of a spelling, for operands of these widths (p, h, w, q; i where it is an immediate; m: an address). run is null where the
/// machine knows none.
Form find_form(std::string_view spelling, std::string_view widths);

}  // namespace octet::ptx
