// The race detector and memory checker of kernels run on the host: what the executor (block.cpp), the streams (stream_host.cpp) and the
// intrinsics tell it. In ordinary builds all of this is empty.
//
// Built with OCTET_RACES, sources are compiled with -fsanitize=thread, whose calls at every load and store race_hooks.cpp answers in place
// of libtsan: a block's fibers share one thread of the system, and what orders them is CUDA's alone (race_order.h). Two accesses of one
// place, one of them a write, that nothing orders are reported, in whatever order they were done (race_cells.cpp); so is what lies
// outside allocations and shared memory (race_memory.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace octet::cuda::host {

struct Block;
struct Launch;

namespace races {

/// When and where an asynchronous copy was asked for.
struct Issue {
  std::uint64_t time = 0;
  std::uint32_t pc = 0;
};

#ifdef OCTET_RACES
#define OCTET_UNCHECKED __attribute__((no_sanitize("thread"), noinline))
#define OCTET_CALLER __builtin_return_address(0)

constexpr bool kOn = true;

void* allocate(std::size_t bytes);  ///< Of exactly so many bytes, amid memory that nobody may touch.
void release(void* p);
std::byte* shared_memory(std::size_t bytes);  ///< Of the blocks that this thread of the system runs from now on.

/// Whether OCTET_RACES_WITHOUT names the line of this call (FILE:LINE), so that what it orders is taken for missing; a wait for
/// copies then lets the youngest group that copies something be under way. OCTET_RACES_SITES lists such lines for each test case.
bool is_without(const void* return_address);

// What a running block does.
void begin_grid(const Launch& launch);
void end_grid();
void begin_block(const Block& block);
void end_block();
void block_synced(const void* caller);         ///< All threads have come to block_sync, and go on now.
void warp_synced(int warp, const void* caller);  ///< The same of warp_sync.
void fence();
void atomic(const void* at, std::size_t bytes, const void* caller);
void let_next_start();
void wait_for_previous();
Issue copy_begins(const void* to, const void* from);  ///< `from` null: zeros.
void copy_lands(const void* to, const void* from, const Issue& issue);

// What an operation of a stream, or the host, does without instrumented code.
void reads(const void* from, std::size_t bytes);
void writes(const void* to, std::size_t bytes);

/// A stream's work in its order, and how far the host has waited for it.
struct StreamOrder;
std::shared_ptr<StreamOrder> new_stream_order();
/// `work`, put on the stream now, to be called when the stream comes to it.
std::function<void()> in_order(const std::shared_ptr<StreamOrder>& stream, std::function<void()> work);
/// A point of a stream's work, for events.
struct Reached;
std::shared_ptr<const Reached> reached();  ///< By the operation that runs.
void host_waits(const Reached* point);
void host_waits(const StreamOrder& stream);
void host_waits_for_all();

/// How many different reports there were; what they say, while one of these lives, is kept from the error output and not counted.
int reports();
void name_test(const char* name);
class Expected {
 public:
  Expected();
  ~Expected();
  const std::vector<std::string>& reports() const { return reports_; }

 private:
  std::vector<std::string> reports_;
};

#else
#define OCTET_UNCHECKED
#define OCTET_CALLER nullptr

constexpr bool kOn = false;

inline bool is_without(const void*) { return false; }
inline void begin_grid(const Launch&) {}
inline void end_grid() {}
inline void begin_block(const Block&) {}
inline void end_block() {}
inline void block_synced(const void*) {}
inline void warp_synced(int, const void*) {}
inline void fence() {}
inline void atomic(const void*, std::size_t, const void*) {}
inline void let_next_start() {}
inline void wait_for_previous() {}
inline Issue copy_begins(const void*, const void*) { return {}; }
inline void copy_lands(const void*, const void*, const Issue&) {}
inline void reads(const void*, std::size_t) {}
inline void writes(const void*, std::size_t) {}
struct StreamOrder {};
inline std::shared_ptr<StreamOrder> new_stream_order() { return nullptr; }
inline std::function<void()> in_order(const std::shared_ptr<StreamOrder>&, std::function<void()> work) { return work; }
struct Reached {};
inline std::shared_ptr<const Reached> reached() { return nullptr; }
inline void host_waits(const Reached*) {}
inline void host_waits(const StreamOrder&) {}
inline void host_waits_for_all() {}

#endif

/// The atomics of kernels: `*at` becomes change(*at); returns what it was.
template <class T, class Change>
OCTET_UNCHECKED T atomically(T* at, Change change) {
  atomic(at, sizeof(T), OCTET_CALLER);
  const T before = *at;
  *at = change(before);
  return before;
}

}  // namespace races
}  // namespace octet::cuda::host
