// Bounds, alignment and traffic of memory accesses.
#include <algorithm>
#include <sstream>

#include "ptx/addresses.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

std::string hex(U64 x) {
  std::ostringstream out;
  out << "0x" << std::hex << x;
  return out.str();
}

const char* verb(Access access) { return access == Access::kLoad ? "load" : access == Access::kStore ? "store" : "atomic"; }

[[noreturn]] void outside(const Warp& w, int lane, const char* what, const char* space, U64 address, U32 bytes, const std::string& where) {
  fault(w, lane, std::string(what) + " of " + std::to_string(bytes) + " bytes at " + space + " address " + hex(address) + ": " + where);
}

void check_alignment(const Warp& w, const Addresses& a, U32 mask, U32 bytes, const char* what, const char* space) {
  U64 low = 0;
  for (int l = 0; l < kLanes; ++l) low |= a.at[l];
  if ((low & (bytes - 1)) == 0) return;
  each_active(mask, [&](int l) {
    if ((a.at[l] & (bytes - 1)) != 0) outside(w, l, what, space, a.at[l], bytes, "not aligned");
  });
}

/// A window of `size` bytes from address 0.
void check_window(const Warp& w, const Addresses& a, U32 mask, U32 bytes, U64 size, const char* what, const char* space) {
  U64 most = 0;
  for (int l = 0; l < kLanes; ++l) most = a.at[l] > most ? a.at[l] : most;
  if (most < size && most + bytes <= size) return;
  each_active(mask, [&](int l) {
    if (a.at[l] >= size || a.at[l] + bytes > size)
      outside(w, l, what, space, a.at[l], bytes, "beyond the " + std::to_string(size) + " bytes that there are");
  });
}

bool in_range(const Warp& w, U64 address, U64 bytes) { return address >= w.range_begin && address + bytes <= w.range_end; }

void check_lane(Warp& w, int lane, U64 address, U32 bytes, const char* what) {
  if (in_range(w, address, bytes)) return;
  const auto use = [&](const Memory::Range& range) {
    w.range_begin = range.begin;
    w.range_end = range.end;
  };
  if (const Memory::Range* range = w.grid->memory->find(address)) use(*range);
  for (const Memory::Range& range : w.grid->own)
    if (address >= range.begin && address < range.end) use(range);
  if (!in_range(w, address, bytes))
    outside(w, lane, what, "global", address, bytes, address == 0 ? "a null pointer" : w.grid->memory->around(address));
}

void check_all_global(Warp& w, const Addresses& a, U32 mask, U32 bytes, const char* what) {
  U64 least = a.at[0], most = a.at[0];
  for (int l = 0; l < kLanes; ++l) {
    least = a.at[l] < least ? a.at[l] : least;
    most = a.at[l] > most ? a.at[l] : most;
  }
  if (least >= w.range_begin && most < w.range_end && most + bytes <= w.range_end) return;
  each_active(mask, [&](int l) { check_lane(w, l, a.at[l], bytes, what); });
}

void check_constant(Warp& w, const Addresses& a, U32 mask, Access access, Space space) {
  if (access != Access::kLoad) {
    each_active(mask, [&](int l) { w.grid->written.insert(a.at[l] / 32); });
  } else if (space == Space::kGlobalConstant && !w.grid->written.empty()) {
    each_active(mask, [&](int l) {
      if (w.grid->written.contains(a.at[l] / 32))
        fault(w, l, "ld.global.nc at " + hex(a.at[l]) + ", in a 32-byte sector that this launch has written");
    });
  }
}

}  // namespace

void check_global(Warp& w, int lane, U64 address, U32 bytes, U32 align, const char* what) {
  if ((address & (align - 1)) != 0) outside(w, lane, what, "global", address, bytes, "not aligned to " + std::to_string(align));
  if (bytes != 0) check_lane(w, lane, address, bytes, what);
}

Sectors sectors_of(const Addresses& a, U32 bytes) {
  Addresses sorted;
  const U64* at = a.at;
  bool ascending = true;
  for (int l = 1; l < kLanes; ++l) ascending &= at[l - 1] <= at[l];
  if (!ascending) {
    sorted = a;
    std::sort(sorted.at, sorted.at + kLanes);
    at = sorted.at;
  }
  U32 distinct = 1, sectors = 1;
  for (int l = 1; l < kLanes; ++l) {
    distinct += at[l] != at[l - 1];
    sectors += at[l] / 32 != at[l - 1] / 32;
  }
  return {sectors, (distinct * bytes + 31) / 32};
}

Wavefronts wavefronts_of(const Addresses& a, U32 mask, U32 bytes) {
  const U32 unit = bytes < 4 ? 4 : bytes, banks = 128 / unit;  // a bank here is as wide as a lane's access
  Wavefronts sum{0, 0};
  for (U32 first = 0; first < kLanes; first += banks) {
    U32 lanes = mask & (banks == 32 ? ~0u : ((1u << banks) - 1) << first);
    if (lanes == 0) continue;
    std::uint8_t words[32] = {};
    U32 seen[32][32], most = 0;
    for (; lanes != 0; lanes &= lanes - 1) {
      const U32 word = static_cast<U32>(a.at[std::countr_zero(lanes)] / unit), bank = word & (banks - 1);
      U32 n = 0;
      while (n < words[bank] && seen[bank][n] != word) ++n;
      if (n < words[bank]) continue;
      seen[bank][n] = word;
      words[bank] = static_cast<std::uint8_t>(n + 1);
      most = std::max(most, n + 1);
    }
    sum.taken += most;
    ++sum.fewest;
  }
  return sum;
}

bool resolve(Warp& w, Addresses& a, U32 mask, U32 bytes, Space space, Access access) {
  const bool row = one_after_another(a, bytes);
  const char* what = verb(access);
  KernelCounts& counts = w.grid->counts;
  if (space == Space::kShared) {
    check_alignment(w, a, mask, bytes, what, "shared");
    check_window(w, a, mask, bytes, w.grid->shared.size(), what, "shared");
    if (access != Access::kAtomic) {
      const U32 least = bytes <= 4 ? 1 : bytes / 4;
      const Wavefronts wavefronts = row && bytes >= 4 ? Wavefronts{least, least} : wavefronts_of(a, mask, bytes);
      ++counts.shared_requests;
      counts.shared_wavefronts += wavefronts.taken;
      counts.shared_wavefronts_ideal += wavefronts.fewest;
    }
    const U64 base = reinterpret_cast<std::uintptr_t>(w.grid->shared.data());
    for (int l = 0; l < kLanes; ++l) a.at[l] += base;
  } else if (space == Space::kLocal) {
    check_alignment(w, a, mask, bytes, what, "local");
    check_window(w, a, mask, bytes, w.local_bytes, what, "local");
    const U64 base = reinterpret_cast<std::uintptr_t>(w.local);
    for (int l = 0; l < kLanes; ++l) a.at[l] += base + static_cast<U64>(l) * w.local_bytes;
    return false;
  } else if (space == Space::kParameter) {
    check_alignment(w, a, mask, bytes, what, "parameter");
    check_window(w, a, mask, bytes, w.grid->launch->parameters.size(), what, "parameter");
    const U64 base = reinterpret_cast<std::uintptr_t>(w.grid->launch->parameters.data());
    for (int l = 0; l < kLanes; ++l) a.at[l] += base;
  } else {
    check_alignment(w, a, mask, bytes, what, "global");
    check_all_global(w, a, mask, bytes, what);
    if (w.grid->kernel->reads_constant) check_constant(w, a, mask, access, space);
    if (access == Access::kAtomic) return row;
    const Sectors sectors = row ? Sectors{static_cast<U32>((a.at[31] + bytes - 1) / 32 - a.at[0] / 32 + 1), bytes} : sectors_of(a, bytes);
    const bool load = access == Access::kLoad;
    ++(load ? counts.global_loads : counts.global_stores);
    (load ? counts.load_sectors : counts.store_sectors) += sectors.touched;
    (load ? counts.load_sectors_ideal : counts.store_sectors_ideal) += sectors.fewest;
  }
  return row;
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
