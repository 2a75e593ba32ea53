#include "runtimes/cuda/device/host/race_published.h"

#include <algorithm>

namespace octet::cuda::host::races {

Payload joined(const Payload& a, const Payload& b) {
  if (!a || a == b) return b;
  if (!b) return a;
  auto all = std::make_shared<std::vector<Published>>(*a);
  for (const Published& one : *b) {
    const auto same = std::find_if(all->begin(), all->end(), [&](const Published& mine) { return mine.party == one.party; });
    if (same == all->end()) {
      all->push_back(one);
      continue;
    }
    same->atomics = std::max(same->atomics, one.atomics);
    if (same->by_thread == one.by_thread) continue;
    auto times = std::make_shared<std::vector<Time>>(*same->by_thread);
    for (std::size_t i = 0; i < times->size(); ++i) (*times)[i] = std::max((*times)[i], (*one.by_thread)[i]);
    same->by_thread = std::move(times);
  }
  return all;
}

bool covers(const Payload& payload, const Record& record, bool record_is_atomic) {
  if (!payload) return false;
  for (const Published& one : *payload) {
    if (one.party != record.party) continue;
    if (record_is_atomic) return record.time < one.atomics;
    const auto& times = *one.by_thread;
    std::size_t first = record.threads, last = first;
    if (record.threads >= kAnyOfBlock) first = 0, last = times.size() - 1;
    else if (record.threads >= kAnyOfWarp) first = warp_of(record.threads) * 32, last = first + 31;
    return std::all_of(times.begin() + static_cast<std::ptrdiff_t>(first), times.begin() + static_cast<std::ptrdiff_t>(last) + 1,
                       [&](Time until) { return record.time < until; });
  }
  return false;
}

}  // namespace octet::cuda::host::races
