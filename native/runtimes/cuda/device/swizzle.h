// How rows of activations lie in shared memory for products by warpgroups (wgmma.h): 64 columns of bf16 a row, so 128 bytes, in groups of eight
// rows that begin at a multiple of 1,024. The 16-byte chunks of a row are exchanged by the row's number, so that a column of chunks lies in
// all banks: PTX's 128-byte swizzle.
#pragma once

#include <cstdint>

#include "runtimes/cuda/device/keywords.h"

namespace octet::cuda {

constexpr int kSwizzledRow = 128, kSwizzleAlignment = 1024;

/// Byte of chunk 0 to 7 of a row, from where row 0 begins.
OCTET_BOTH constexpr int swizzled(int row, int chunk) { return row * kSwizzledRow + ((chunk ^ (row & 7)) << 4); }

/// The descriptor of rows that begin at `address` of shared memory, its lower word: bits 0 to 13 the address by 16. (Bits 16 to 29 mean nothing
/// in this layout and are 1 by custom.) The exchange of chunks is one of addresses, so that the next 16 columns of the same 64 begin
/// kNextColumns on.
OCTET_BOTH constexpr std::uint32_t descriptor_word(std::uint32_t address) { return (address & 0x3ffffu) >> 4 | 1u << 16; }
constexpr std::uint32_t kNextColumns = 2;

/// All of it: bits 32 to 45 the bytes from eight rows to the next by 16, bits 62 and 63 the swizzle.
OCTET_BOTH constexpr std::uint64_t descriptor_of(std::uint32_t word) {
  return word | std::uint64_t{8 * kSwizzledRow / 16} << 32 | std::uint64_t{1} << 62;
}

}  // namespace octet::cuda
