// The host as a device: memory is malloc's, work is done when it is asked for, or as late as a GPU might (host/deferral.h).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <thread>

#include "runtimes/cuda/device/calls.h"
#include "runtimes/cuda/device/host/deferral.h"
#include "runtimes/cuda/device/host/races.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {

namespace races = host::races;
using Clock = std::chrono::steady_clock;

namespace {

std::atomic<bool> deferring{false};

// A stream's work in its order. Belongs to the thread that uses the stream.
struct Queue {
  std::deque<std::function<void()>> work;
  std::uint64_t put = 0, done = 0;

  void add(std::function<void()> one) {
    work.push_back(std::move(one));
    ++put;
  }
  void run(std::uint64_t until) {
    while (done < until) {
      const std::function<void()> next = std::move(work.front());
      work.pop_front();
      ++done;
      next();
    }
  }
};

std::mutex queues_mutex;
std::vector<std::weak_ptr<Queue>> queues;  // of all streams that ever deferred work

void run_all() {
  std::vector<std::shared_ptr<Queue>> all;
  {
    const std::lock_guard lock(queues_mutex);
    std::erase_if(queues, [](const std::weak_ptr<Queue>& queue) { return queue.expired(); });
    for (const auto& queue : queues) all.push_back(queue.lock());
  }
  for (const auto& queue : all)
    if (queue) queue->run(queue->put);
}

}  // namespace

namespace host {

DeferredWork::DeferredWork() { deferring = true; }
DeferredWork::~DeferredWork() {
  run_all();
  deferring = false;
}

}  // namespace host

DeviceInfo device_info() {
  return {.name = "host", .multiprocessors = 4, .shared_bytes = 99 << 10, .free_bytes = std::size_t{8} << 30, .total_bytes = std::size_t{8} << 30};
}

namespace detail {

constexpr std::align_val_t kAlignment{256};

// Of exactly so many bytes, so that a memory checker sees what lies beyond.
void* allocate(std::size_t bytes) {
  wait_calls.add();
#ifdef OCTET_RACES
  void* const p = races::allocate(bytes);
#else
  void* const p = ::operator new(bytes, kAlignment);
#endif
  std::memset(p, 0xff, bytes);
  return p;
}
void release(void* p) noexcept {
  if (!p) return;
  wait_calls.add();
  if (deferring) run_all();
  races::host_waits_for_all();
#ifdef OCTET_RACES
  races::release(p);
#else
  ::operator delete(p, kAlignment);
#endif
}
void* allocate_pinned(std::size_t bytes) { return allocate(bytes); }
void release_pinned(void* p) noexcept { release(p); }
void download(void* to_host, const void* from, std::size_t bytes) {
  wait_calls.add();
  races::reads(from, bytes);
  std::memcpy(to_host, from, bytes);
}
void upload(void* to, const void* from_host, std::size_t bytes) {
  wait_calls.add();
  races::writes(to, bytes);
  std::memcpy(to, from_host, bytes);
}

}  // namespace detail

struct Graph::Body {
  std::vector<std::function<void()>> work;
};
Graph::Graph(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;
std::size_t Graph::nodes() const { return body_->work.size(); }

struct Event::Body {
  Clock::time_point at;
  std::shared_ptr<Queue> queue;  // that it was last recorded on, while work is deferred
  std::uint64_t place = 0;
  std::shared_ptr<const races::Reached> reached;
};
Event::Event() : body_(std::make_unique<Body>()) {}
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;
void Event::wait() const {
  detail::wait_calls.add();
  if (body_->queue) body_->queue->run(body_->place);
  races::host_waits(body_->reached.get());
}
double Event::ms_since(const Event& start) const {
  return std::chrono::duration<double, std::milli>(body_->at - start.body_->at).count();
}

struct Stream::Body {
  std::unique_ptr<Graph::Body> captured;
  std::shared_ptr<Queue> queue = std::make_shared<Queue>();
  std::shared_ptr<races::StreamOrder> order = races::new_stream_order();

  void put(std::function<void()> work) {
    work = races::in_order(order, std::move(work));
    if (deferring) queue->add(std::move(work));
    else work();
  }
};
Stream::Stream() : body_(std::make_unique<Body>()) {
  const std::lock_guard lock(queues_mutex);
  queues.push_back(body_->queue);
}
Stream::~Stream() { synchronize(); }

void run_on_host(Stream& stream, std::function<void()> work) {
  if (Graph::Body* captured = stream.body().captured.get()) return captured->work.push_back(std::move(work));
  detail::launch_calls.add();
  stream.body().put(std::move(work));
}

void Stream::synchronize() {
  detail::wait_calls.add();
  body_->queue->run(body_->queue->put);
  if constexpr (races::kOn) races::host_waits(*body_->order);
}
void Stream::copy(void* to, const void* from, std::size_t bytes) {
  run_on_host(*this, [=] {
    races::reads(from, bytes);
    races::writes(to, bytes);
    std::memmove(to, from, bytes);
  });
}
void Stream::copy_rows(void* to, const void* from, std::size_t bytes, std::size_t pitch, std::size_t rows) {
  run_on_host(*this, [=] {
    for (std::size_t row = 0; row < rows; ++row) {
      races::reads(static_cast<const std::byte*>(from) + row * pitch, bytes);
      races::writes(static_cast<std::byte*>(to) + row * pitch, bytes);
      std::memcpy(static_cast<std::byte*>(to) + row * pitch, static_cast<const std::byte*>(from) + row * pitch, bytes);
    }
  });
}
void Stream::fill(void* device, int byte, std::size_t bytes) {
  run_on_host(*this, [=] {
    races::writes(device, bytes);
    std::memset(device, byte, bytes);
  });
}
void Stream::copy_in(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }

void Stream::begin_capture() { body_->captured = std::make_unique<Graph::Body>(); }
Graph Stream::end_capture() { return Graph(std::move(body_->captured)); }
void Stream::launch(const Graph& graph) {
  detail::graph_calls.add();
  if constexpr (races::kOn) body_->put([] {});  // its first kernel overlaps nothing before the graph
  for (const auto& work : graph.body().work) body_->put(work);
}
void Stream::record(const Event& event) {
  body_->put([body = &event.body()] {
    body->at = Clock::now();
    body->reached = races::reached();
  });
  event.body().queue = body_->queue;
  event.body().place = body_->queue->put;
}

}  // namespace octet::cuda
