#include "ptx/memory.h"

#include <algorithm>
#include <stdexcept>

namespace octet::ptx {
namespace {
const auto kByBegin = [](std::uintptr_t address, const Memory::Range& range) { return address < range.begin; };
}

void Memory::add(const void* p, std::size_t bytes, std::string what) {
  const auto begin = reinterpret_cast<std::uintptr_t>(p), end = begin + bytes;
  const auto at = std::upper_bound(ranges_.begin(), ranges_.end(), begin, kByBegin);
  if ((at != ranges_.end() && at->begin < end) || (at != ranges_.begin() && std::prev(at)->end > begin))
    throw std::invalid_argument("memory of " + what + " is already known");
  ranges_.insert(at, {begin, end, std::move(what)});
}

void Memory::remove(const void* p) {
  const auto begin = reinterpret_cast<std::uintptr_t>(p);
  const auto at = std::find_if(ranges_.begin(), ranges_.end(), [&](const Range& range) { return range.begin == begin; });
  if (at == ranges_.end()) throw std::invalid_argument("no memory is known at this address");
  ranges_.erase(at);
}

const Memory::Range* Memory::find(std::uintptr_t address) const {
  auto at = std::upper_bound(ranges_.begin(), ranges_.end(), address, kByBegin);
  if (at == ranges_.begin()) return nullptr;
  --at;
  return address < at->end ? &*at : nullptr;
}

std::string Memory::around(std::uintptr_t address) const {
  const auto named = [](const Range& range) { return range.what + " (" + std::to_string(range.end - range.begin) + " bytes)"; };
  if (const Range* range = find(address))
    return std::to_string(range->end - address) + " bytes before the end of " + named(*range);
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address, kByBegin);
  std::string text = "in no memory that is known";
  if (after != ranges_.begin())
    text += ", " + std::to_string(address - std::prev(after)->end) + " bytes past the end of " + named(*std::prev(after));
  if (after != ranges_.end()) text += ", " + std::to_string(after->begin - address) + " bytes before " + named(*after);
  return text;
}

}  // namespace octet::ptx
