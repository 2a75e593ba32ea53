// What fences and atomics hand from block to block: which accesses of a block whoever reads an atomic, and fences, then knows of.
#pragma once

#include <memory>
#include <vector>

#include "runtimes/cuda/device/host/race_order.h"

namespace octet::cuda::host::races {

/// What threads of one block have published: accesses before these times, by thread, and atomics before `atomics`.
struct Published {
  std::uint32_t party;
  Time atomics;
  std::shared_ptr<const std::vector<Time>> by_thread;
};
using Payload = std::shared_ptr<const std::vector<Published>>;

/// All that both say; null says nothing.
Payload joined(const Payload& a, const Payload& b);

/// Whether the access, of another block, is among what was published.
bool covers(const Payload& payload, const Record& record, bool record_is_atomic);

/// What fences and atomics have brought a thread, or, since the last barrier, its block.
struct Knowledge {
  Payload known, pending;  // pending: read by an atomic, without a fence
  void join(const Knowledge& other) {
    known = joined(known, other.known);
    pending = joined(pending, other.pending);
  }
};

}  // namespace octet::cuda::host::races
