#include "ptx/counts.h"

namespace octet::ptx {

KernelCounts& KernelCounts::operator+=(const KernelCounts& other) {
  for (const auto field : {&KernelCounts::launches, &KernelCounts::blocks, &KernelCounts::instructions, &KernelCounts::lane_instructions,
                           &KernelCounts::mma, &KernelCounts::ldmatrix, &KernelCounts::barriers, &KernelCounts::atomics,
                           &KernelCounts::shared_requests, &KernelCounts::shared_wavefronts, &KernelCounts::shared_wavefronts_ideal,
                           &KernelCounts::global_loads, &KernelCounts::load_sectors, &KernelCounts::load_sectors_ideal,
                           &KernelCounts::global_stores, &KernelCounts::store_sectors, &KernelCounts::store_sectors_ideal,
                           &KernelCounts::async_copies, &KernelCounts::async_sectors, &KernelCounts::async_sectors_ideal})
    this->*field += other.*field;
  return *this;
}

}  // namespace octet::ptx
