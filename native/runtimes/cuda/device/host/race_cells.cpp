// A cell keeps the last write, the reads since, and the atomics since. Of the reads of a block it keeps one record: of one thread, or of
// several of a warp or of the block, which barriers tell apart no further; of several blocks, a list. So nothing is forgotten that a
// later write may meet, save what is ordered before a later read.
#include "runtimes/cuda/device/host/race_cells.h"

#include "runtimes/cuda/device/host/race_memory.h"
#include "runtimes/cuda/device/host/race_reports.h"

namespace octet::cuda::host::races {
namespace {

struct Node {
  Record record;
  std::uint32_t next;  // 0: none
};
std::vector<Node> nodes(1);
std::uint32_t free_nodes = 0;

std::uint32_t new_node(const Record& record, std::uint32_t next) {
  if (free_nodes == 0) {
    nodes.push_back({record, next});
    return static_cast<std::uint32_t>(nodes.size() - 1);
  }
  const std::uint32_t node = free_nodes;
  free_nodes = nodes[node].next;
  nodes[node] = {record, next};
  return node;
}

// One access to a run of cells.
class Accessing {
 public:
  Accessing(Access kind, const void* at, std::size_t bytes, std::uint32_t pc)
      : kind_(kind), at_(at), bytes_(bytes), mine_(me(pc)), shared_(in_shared_memory(at)) {}

  void visit(Cell& cell) {
    if (kind_ == Access::kRead && same(cell.read)) return;
    const bool writing = kind_ != Access::kRead;
    check(cell.write, Access::kWrite, writing);
    if (writing) check(cell.read, Access::kRead, true);
    if (kind_ != Access::kAtomic) check(cell.atomics, Access::kAtomic, writing);
    if (kind_ == Access::kRead) return add(cell.read, false);
    if (kind_ == Access::kAtomic) return add(cell.atomics, true);
    drop(cell.read);
    drop(cell.atomics);
    cell.write = mine_;
  }

  void begin_copy(Cell& cell) {
    visit(cell);
    cell.write.pending = 1;
  }

  // Whoever met it since its issue has been reported.
  void land(Cell& cell) {
    drop(cell.read);
    drop(cell.atomics);
    cell.write = mine_;
  }

  // Of a copy: its source may not have changed since its issue.
  void read_late(Cell& cell, Time issued) {
    if (live(cell.write) && cell.write.time >= issued) report_race(mine_, Access::kRead, cell.write, Access::kWrite, at_, bytes_);
    else visit(cell);
  }

 private:
  bool live(const Record& record) const { return record.time != 0 && record.time >= floor() && !(shared_ && record.party != mine_.party); }
  bool same(const Record& record) const {
    return record.time == mine_.time && record.party == mine_.party && record.threads < kList && covers_me(record);
  }
  bool covers_me(const Record& record) const {
    return record.threads == mine_.threads || record.threads == kAnyOfBlock || record.threads == kAnyOfWarp + mine_.threads / 32;
  }

  void check(const Record& record, Access kind, bool writing) {
    if (!live(record)) return;
    if (record.threads != kList) return check_one(record, kind, writing);
    for (std::uint32_t node = record.party; node != 0; node = nodes[node].next) check_one(nodes[node].record, kind, writing);
  }
  void check_one(const Record& record, Access kind, bool writing) {
    if (record.pending || !ordered_before_me(record, mine_, writing, kind == Access::kAtomic)) report_race(mine_, kind_, record, kind, at_, bytes_);
  }

  void add(Record& to, bool atomics) {
    const auto ordered = [&](const Record& record) { return ordered_before_me(record, mine_, false, atomics); };
    if (!live(to)) {
      drop(to);
      to = mine_;
    } else if (to.threads != kList) {
      if (ordered(to)) to = mine_;
      else if (to.party == mine_.party) to = widened(to);
      else to = {.time = mine_.time, .threads = kList, .party = new_node(mine_, new_node(to, 0))};
    } else if (Record& first = nodes[to.party].record; first.party == mine_.party) {
      first = ordered(first) ? mine_ : widened(first);
      to.time = mine_.time;
    } else {
      bool all_ordered = true;
      for (std::uint32_t node = to.party; node != 0 && all_ordered; node = nodes[node].next) all_ordered = ordered(nodes[node].record);
      if (all_ordered) {
        drop(to);
        to = mine_;
      } else {
        to.party = new_node(mine_, to.party);
        to.time = mine_.time;
      }
    }
  }

  Record widened(const Record& record) const {
    Record both = mine_;
    const auto before = static_cast<std::uint32_t>(record.threads), warp = static_cast<std::uint32_t>(mine_.threads / 32);
    if (before != mine_.threads) both.threads = before < kAnyOfBlock && warp_of(before) == warp ? kAnyOfWarp + warp : kAnyOfBlock;
    return both;
  }

  void drop(Record& record) {
    if (record.threads == kList && record.time >= floor())
      for (std::uint32_t node = record.party; node != 0;) {
        const std::uint32_t next = nodes[node].next;
        nodes[node].next = free_nodes;
        free_nodes = node;
        node = next;
      }
    record = {};
  }

  Access kind_;
  const void* at_;
  std::size_t bytes_;
  Record mine_;
  bool shared_;
};

}  // namespace

void forget_lists() {
  nodes.resize(1);
  free_nodes = 0;
}

void access(Access kind, const void* at, std::size_t bytes, std::uint32_t pc) {
  if (!watched(at) || bytes == 0) return;
  const Locked lock;
  if (!check_bounds(kind, at, bytes, me(pc))) return;
  Accessing accessing(kind, at, bytes, pc);
  for (Cell& cell : cells_of(at, bytes)) accessing.visit(cell);
}

Issue copy_begins(const void* to, const void* from) {
  const std::uint32_t pc = place_of(__builtin_return_address(0));
  const Issue issue{.time = tick(), .pc = pc};
  if (from) access(Access::kRead, from, 16, pc);
  if (!watched(to) || !check_bounds(Access::kWrite, to, 16, me(pc))) return issue;
  Accessing accessing(Access::kWrite, to, 16, pc);
  for (Cell& cell : cells_of(to, 16)) accessing.begin_copy(cell);
  return issue;
}

void copy_lands(const void* to, const void* from, const Issue& issue) {
  if (from && watched(from)) {
    Accessing reading(Access::kRead, from, 16, issue.pc);
    for (Cell& cell : cells_of(from, 16)) reading.read_late(cell, issue.time);
  }
  if (!watched(to)) return;
  Accessing landing(Access::kWrite, to, 16, issue.pc);
  for (Cell& cell : cells_of(to, 16)) landing.land(cell);
}

void reads(const void* from, std::size_t bytes) { access(Access::kRead, from, bytes, place_of(__builtin_return_address(0))); }
void writes(const void* to, std::size_t bytes) { access(Access::kWrite, to, bytes, place_of(__builtin_return_address(0))); }

}  // namespace octet::cuda::host::races
