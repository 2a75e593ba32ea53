// cp.async and its groups (PTX ISA, "Data Movement and Conversion Instructions: Asynchronous copy"). A copy reads its source and writes
// shared memory as late as it may: at the wait that covers it.
#include "ptx/addresses.h"
#include "ptx/spelling.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

/// Operands: shared address, global address, size, and where Sized the bytes that are read: the rest is filled with zeros.
template <class To, bool Sized, bool OnlySixteen>
void issue(Warp& w, const Instruction& i, U32 mask) {
  const Addresses to = addresses<To>(w, i.operand[0], i.offset[0], mask);
  Addresses from = addresses<U64>(w, i.operand[1], i.offset[1], mask);
  const U32* sizes = row<const U32>(w, i.operand[2]);
  const U32* read = row<const U32>(w, i.operand[Sized ? 3 : 2]);
  const std::size_t window = w.grid->shared.size();
  U32 readers = 0;
  each_active(mask, [&](int l) {
    const U32 bytes = sizes[l], from_bytes = read[l];
    if (OnlySixteen ? bytes != 16 : bytes != 4 && bytes != 8 && bytes != 16) fault(w, l, "cp.async of " + std::to_string(bytes) + " bytes");
    if (from_bytes > bytes) fault(w, l, "cp.async reads " + std::to_string(from_bytes) + " bytes of " + std::to_string(bytes));
    if (to.at[l] % bytes != 0 || to.at[l] + bytes > window)
      fault(w, l, "cp.async to shared address " + std::to_string(to.at[l]) + " of " + std::to_string(window) + " bytes: " +
                      (to.at[l] % bytes != 0 ? "not aligned" : "beyond the end"));
    check_global(w, l, from.at[l], from_bytes, bytes, "cp.async");
    if (from_bytes != 0) readers |= 1u << l;
    AsyncQueue& queue = w.async[l];
    queue.copies.push_back({static_cast<std::uintptr_t>(from.at[l]), static_cast<U32>(to.at[l]), queue.committed,
                            static_cast<std::uint8_t>(bytes), static_cast<std::uint8_t>(from_bytes)});
  });
  KernelCounts& counts = w.grid->counts;
  ++counts.async_copies;
  if (readers == 0) return;
  const U64 first = from.at[std::countr_zero(readers)];
  for (int l = 0; l < kLanes; ++l)
    if ((readers >> l & 1) == 0) from.at[l] = first;
  const Sectors sectors = sectors_of(from, sizes[std::countr_zero(readers)]);
  counts.async_sectors += sectors.touched;
  counts.async_sectors_ideal += sectors.fewest;
}

template <class To>
Handler issue_of(bool sized, bool only_sixteen) {
  if (only_sixteen) return sized ? &issue<To, true, true> : &issue<To, false, true>;
  return sized ? &issue<To, true, false> : &issue<To, false, false>;
}

/// The lane's copies of groups before `group`.
void complete(Warp& w, int lane, U32 group) {
  AsyncQueue& queue = w.async[lane];
  for (; queue.head < queue.copies.size() && queue.copies[queue.head].group < group; ++queue.head) {
    const AsyncCopy& copy = queue.copies[queue.head];
    std::byte* to = w.grid->shared.data() + copy.to;
    if (copy.from_bytes != 0) std::memcpy(to, pointer(copy.from), copy.from_bytes);
    std::memset(to + copy.from_bytes, 0, copy.bytes - copy.from_bytes);
    std::memset(w.grid->unshown.data() + copy.to / 4, 1, copy.bytes / 4);
    queue.landed.emplace_back(copy.to, copy.bytes);
  }
  if (!queue.empty()) return;
  queue.copies.clear();
  queue.head = 0;
}

void commit(Warp& w, const Instruction&, U32 mask) {
  each_active(mask, [&](int l) { ++w.async[l].committed; });
}

/// All but the latest N groups are done.
void wait_group(Warp& w, const Instruction& i, U32 mask) {
  const U32* pending = row<const U32>(w, i.operand[0]);
  each_active(mask, [&](int l) {
    const U32 committed = w.async[l].committed;
    complete(w, l, committed > pending[l] ? committed - pending[l] : 0);
  });
}

/// Committed or not.
void wait_all(Warp& w, const Instruction&, U32 mask) {
  each_active(mask, [&](int l) { complete(w, l, ++w.async[l].committed); });
}

}  // namespace

void put_async(Table& t) {
  t["cp.async.commit_group"] = {&commit, ""};
  t["cp.async.wait_group"] = {&wait_group, "sw"};
  t["cp.async.wait_all"] = {&wait_all, ""};
}

Form async_form(std::string_view spelling, std::string_view widths) {
  Spelling s(spelling);
  if (!s.take("cp") || !s.take("async")) return {};
  const bool sixteen = s.take("cg");
  if ((!sixteen && !s.take("ca")) || (!s.take("shared") && !s.take("shared::cta")) || !s.take("global")) return {};
  const bool policy = s.take("L2::cache_hint");
  for (const char* hint : {"L2::64B", "L2::128B", "L2::256B"}) s.take(hint);
  const std::size_t operands = widths.size() - (policy ? 1 : 0);
  if (!s.rest().empty() || (operands != 3 && operands != 4) || widths[1] != 'Q') return {};
  if (operands == 4 && widths[3] != 'w' && widths[3] != 'i') return {};  // a predicate to ignore the source
  const bool sized = operands == 4;
  Form form;
  form.run = widths[0] == 'W' ? issue_of<U32>(sized, sixteen) : issue_of<U64>(sized, sixteen);
  form.operands = std::string("m") + (widths[0] == 'W' ? 'w' : 'q') + "mqsw" + (sized ? "sw" : "") + (policy ? "sq" : "");
  form.space = Space::kShared;
  return form;
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
