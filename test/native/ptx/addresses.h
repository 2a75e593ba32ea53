// From the addresses of a warp's lanes to host pointers: bounds, alignment and what the access costs in wavefronts or sectors.
#pragma once

#include "ptx/lanes.h"

namespace octet::ptx::OCTET_PTX_LEVEL {

enum class Access : std::uint8_t { kLoad, kStore, kAtomic };

/// Base plus offset of each lane; a lane out of the mask has the address of the first that is in it.
struct Addresses {
  alignas(32) U64 at[kLanes];
};

template <class Base>
Addresses addresses(const Warp& w, U32 operand, std::int64_t offset, U32 mask) {
  Addresses a;
  const Base* base = row<const Base>(w, operand);
  const Base add = static_cast<Base>(offset), first = static_cast<Base>(base[std::countr_zero(mask)] + add);
  if (mask == ~0u)
    for (int l = 0; l < kLanes; ++l) a.at[l] = static_cast<Base>(base[l] + add);
  else
    for (int l = 0; l < kLanes; ++l) a.at[l] = (mask >> l & 1) != 0 ? static_cast<Base>(base[l] + add) : first;
  return a;
}

/// Checks an access of `bytes` at each address and turns the addresses into host pointers in place. `a` as addresses() gives it.
/// Counts the traffic of loads and stores. Whether all 32 lanes' accesses lie one after another.
bool resolve(Warp& w, Addresses& a, U32 mask, U32 bytes, Space space, Access access);

/// `address` must be aligned to `align` and lie, with `bytes` from there on, in one range of global memory.
void check_global(Warp& w, int lane, U64 address, U32 bytes, U32 align, const char* what);

struct Sectors {
  U32 touched, fewest;  ///< 32-byte sectors; the fewest that would hold the distinct bytes.
};
Sectors sectors_of(const Addresses& a, U32 bytes);

/// Wavefronts of the active lanes' access of `bytes` (up to 16) each, and without conflicts.
struct Wavefronts {
  U32 taken, fewest;
};
Wavefronts wavefronts_of(const Addresses& a, U32 mask, U32 bytes);

inline bool one_after_another(const Addresses& a, U32 bytes) {
  U64 off = 0;
  for (int l = 0; l < kLanes; ++l) off |= a.at[l] - a.at[0] - static_cast<U64>(l) * bytes;
  return off == 0;
}

inline std::byte* pointer(U64 address) { return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(address)); }

}  // namespace octet::ptx::OCTET_PTX_LEVEL
