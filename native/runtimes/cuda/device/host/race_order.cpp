#include "runtimes/cuda/device/host/race_order.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>

#include "runtimes/cuda/device/host/race_memory.h"
#include "runtimes/cuda/device/host/race_published.h"
#include "runtimes/cuda/device/host/race_reports.h"

namespace octet::cuda::host::races {
namespace {
std::recursive_mutex mutex;
}

Locked::Locked() { mutex.lock(); }
Locked::~Locked() { mutex.unlock(); }

struct Reached {
  Known known;
};

struct StreamOrder {
  int stream;
  Known complete;  // what is done once the last operation is
  Known early;     // what is done when a kernel that may overlap that one starts
  StreamOrder();
  ~StreamOrder();
};

namespace {

struct ThreadState {
  Knowledge has;
  // What this thread's own atomics have read, and what of others it knew at its own last fence: both are this thread's alone, whatever
  // barriers it passes.
  Payload taken, published;
  Time fence = 0, block_synced_at_fence = 0, warp_synced_at_fence = 0;
  bool waited = false, has_come_to_wait = false, changed = false;
};

struct BlockState {
  std::uint32_t party = 0;
  const Block* block = nullptr;
  Time synced = 0;
  std::vector<Time> warp_synced;
  std::vector<ThreadState> threads;
  Knowledge has;
  bool waited = false, triggered = false;
};

struct GridState {
  Launch launch;
  Known before, after;  // wait_for_previous()
  bool triggers_unwaited = false;
};

struct Operation {
  StreamOrder* stream = nullptr;
  Known complete, early;
  std::uint32_t party = 0;
  bool runs_grid = false;
};

Time clock_time = 1, floor_time = 0;
std::deque<Party> parties{Party{}};
Known host_known;
std::vector<StreamOrder*> streams{nullptr};  // by number; the host's is none
int under_way = 0;                           // operations put on streams and not begun

Operation* operation = nullptr;
GridState grid;
BlockState block;
std::vector<std::pair<const void*, Payload>> places;  // atomics' on global memory

Payload& published_at(const void* place) {
  for (auto& [at, payload] : places)
    if (at == place) return payload;
  return places.emplace_back(place, nullptr).second;
}

std::uint32_t add_party(const Party& one) {
  parties.push_back(one);
  return static_cast<std::uint32_t>(parties.size() - 1);
}

ThreadState& thread() { return block.threads[static_cast<std::size_t>(running->thread)]; }
bool waited() { return block.waited || thread().waited; }

/// Once the host has waited for all there was, what was done so far matters no more.
void forget_if_all_is_known() {
  if (under_way > 0 || operation) return;
  for (const StreamOrder* stream : streams)
    if (stream && stream->complete.of(stream->stream) > host_known.of(stream->stream)) return;
  floor_time = tick();
  parties.resize(1);
  places.clear();
  forget_lists();
}

}  // namespace

Time floor() { return floor_time; }
Time now() { return clock_time; }
Time tick() { return ++clock_time; }
const Party& party(std::uint32_t index) { return parties[index]; }

Record me(std::uint32_t pc) {
  Record record{.time = clock_time, .pc = pc};
  if (running) {
    record.threads = static_cast<std::uint64_t>(running->thread);
    record.party = block.party;
  } else if (operation) {
    record.party = operation->party;
  }
  return record;
}

bool ordered_before_me(const Record& record, const Record& mine, bool writing, bool record_is_atomic) {
  if (record.party == mine.party) {
    if (!running || record.threads == mine.threads || record.time < block.synced) return true;
    const auto warp = static_cast<std::uint32_t>(running->thread / 32);
    if (record.threads < kAnyOfBlock && warp_of(static_cast<std::uint32_t>(record.threads)) == warp && record.time < block.warp_synced[warp]) return true;
  }
  const int stream = parties[record.party].stream;
  if (!running) return record.time < (operation ? operation->complete : host_known).of(stream);
  if (record.time < (waited() ? grid.after : grid.before).of(stream)) return true;
  const ThreadState& t = thread();
  if (covers(t.has.known, record, record_is_atomic) || covers(block.has.known, record, record_is_atomic)) return true;
  return writing && (covers(t.has.pending, record, record_is_atomic) || covers(block.has.pending, record, record_is_atomic));
}

StreamOrder::StreamOrder() {
  const std::lock_guard lock(mutex);
  const auto free = std::find(streams.begin() + 1, streams.end(), nullptr);
  stream = static_cast<int>(free - streams.begin());
  if (free == streams.end()) streams.push_back(this);
  else *free = this;
}

StreamOrder::~StreamOrder() {
  const std::lock_guard lock(mutex);
  streams[static_cast<std::size_t>(stream)] = nullptr;
}

std::shared_ptr<StreamOrder> new_stream_order() { return std::make_shared<StreamOrder>(); }

std::function<void()> in_order(const std::shared_ptr<StreamOrder>& stream, std::function<void()> work) {
  const std::lock_guard lock(mutex);
  Known put = host_known;
  put.raise(0, tick());
  ++under_way;
  return [stream, put = std::move(put), work = std::move(work)] {
    const std::lock_guard running_lock(mutex);
    --under_way;
    Operation mine{.stream = stream.get(), .complete = stream->complete, .early = stream->early};
    mine.complete.join(put);
    mine.early.join(put);
    mine.party = add_party({.stream = stream->stream});
    operation = &mine;
    work();
    operation = nullptr;
    mine.complete.raise(stream->stream, tick());
    if (!mine.runs_grid) mine.early = mine.complete;
    stream->complete = std::move(mine.complete);
    stream->early = std::move(mine.early);
  };
}

std::shared_ptr<const Reached> reached() { return std::make_shared<Reached>(Reached{operation->complete}); }

void host_waits(const Reached* point) {
  if (!point) return;
  const std::lock_guard lock(mutex);
  host_known.join(point->known);
  forget_if_all_is_known();
}

void host_waits(const StreamOrder& stream) {
  const std::lock_guard lock(mutex);
  host_known.join(stream.complete);
  forget_if_all_is_known();
}

void host_waits_for_all() {
  const std::lock_guard lock(mutex);
  for (const StreamOrder* stream : streams)
    if (stream) host_known.join(stream->complete);
  forget_if_all_is_known();
}

void begin_grid(const Launch& launch) {
  grid = {.launch = launch, .before = launch.overlaps_previous ? operation->early : operation->complete, .after = operation->complete};
  operation->runs_grid = true;
}

void end_grid() {
  operation->early = grid.triggers_unwaited ? grid.before : grid.after;
}

void begin_block(const Block& one) {
  const auto threads = static_cast<std::size_t>(one.threads);
  block = {.party = add_party({.stream = operation->stream->stream, .kernel = grid.launch.kernel, .block = one.index}), .block = &one};
  block.warp_synced.assign(threads / 32, 0);
  block.threads.resize(threads);
  block.waited = !grid.launch.overlaps_previous;
  tick();
}

void end_block() {
  bool waits = block.waited;
  for (const ThreadState& t : block.threads) waits |= t.has_come_to_wait;
  if (!waits) report_block("a block ended without wait_for_previous(), so that its grid may end before the one it depends on", me(0));
}

void block_synced(const void* caller) {
  if (is_without(caller)) return;
  block.synced = tick();
  for (ThreadState& t : block.threads) {
    block.waited |= t.waited;
    if (!t.changed) continue;
    block.has.join(t.has);
    t.has = {};
    t.changed = false;
  }
}

void warp_synced(int warp, const void* caller) {
  if (is_without(caller)) return;
  block.warp_synced[static_cast<std::size_t>(warp)] = tick();
  Knowledge all;
  bool changed = false, waited_any = false;
  const std::size_t first = static_cast<std::size_t>(warp) * 32;
  for (std::size_t i = first; i < first + 32; ++i) {
    ThreadState& t = block.threads[i];
    waited_any |= t.waited;
    if (!t.changed) continue;
    changed = true;
    all.join(t.has);
  }
  for (std::size_t i = first; i < first + 32; ++i) block.threads[i].waited |= waited_any;
  if (!changed) return;
  for (std::size_t i = first; i < first + 32; ++i) {
    ThreadState& t = block.threads[i];
    t.has = all;
    t.changed = true;
  }
}

void fence() {
  if (is_without(__builtin_return_address(0))) return;
  ThreadState& t = thread();
  t.has.known = joined(joined(t.has.known, block.has.known), t.taken);
  t.published = t.has.known;
  t.fence = tick();
  t.block_synced_at_fence = block.synced;
  t.warp_synced_at_fence = block.warp_synced[static_cast<std::size_t>(running->thread / 32)];
  t.changed = true;
}

void atomic(const void* at, std::size_t bytes, const void* caller) {
  access(Access::kAtomic, at, bytes, place_of(caller));
  if (!running || in_shared_memory(at)) return;
  ThreadState& t = thread();
  const auto self = static_cast<std::size_t>(running->thread), warp = self / 32;
  auto times = std::make_shared<std::vector<Time>>(block.threads.size());
  for (std::size_t i = 0; i < times->size(); ++i) {
    Time& time = (*times)[i];
    time = t.block_synced_at_fence;
    if (i / 32 == warp) time = std::max(time, t.warp_synced_at_fence);
    if (i == self) time = std::max(time, t.fence);
  }
  Payload& payload = published_at(at);
  t.has.pending = joined(joined(t.has.pending, block.has.pending), payload);
  t.taken = joined(t.taken, payload);
  t.changed = true;
  auto mine = std::make_shared<std::vector<Published>>();
  mine->push_back({.party = block.party, .atomics = tick(), .by_thread = std::move(times)});
  payload = joined(joined(payload, mine), t.published);
}

void let_next_start() {
  if (block.triggered) return;
  block.triggered = true;
  grid.triggers_unwaited |= !waited();
}

void wait_for_previous() {
  thread().has_come_to_wait = true;
  if (!is_without(__builtin_return_address(0))) thread().waited = true;
}

}  // namespace octet::cuda::host::races
