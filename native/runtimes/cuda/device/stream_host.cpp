// The host as a device: memory is malloc's, work is done when it is asked for.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {

using Clock = std::chrono::steady_clock;

DeviceInfo device_info() {
  return {.name = "host", .multiprocessors = 4, .shared_bytes = 99 << 10, .free_bytes = std::size_t{8} << 30, .total_bytes = std::size_t{8} << 30};
}

namespace detail {

void* allocate(std::size_t bytes) {
  void* p = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!p) throw std::bad_alloc();
  std::memset(p, 0xff, bytes);
  return p;
}
void release(void* p) noexcept { std::free(p); }
void* allocate_pinned(std::size_t bytes) { return allocate(bytes); }
void release_pinned(void* p) noexcept { std::free(p); }
void download(void* to_host, const void* from, std::size_t bytes) { std::memcpy(to_host, from, bytes); }
void upload(void* to, const void* from_host, std::size_t bytes) { std::memcpy(to, from_host, bytes); }

}  // namespace detail

struct Graph::Body {
  std::vector<std::function<void()>> work;
};
Graph::Graph(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

struct Event::Body {
  Clock::time_point at;
};
Event::Event() : body_(std::make_unique<Body>()) {}
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;
void Event::wait() const {}
double Event::ms_since(const Event& start) const {
  return std::chrono::duration<double, std::milli>(body_->at - start.body_->at).count();
}

struct Stream::Body {
  std::unique_ptr<Graph::Body> captured;
};
Stream::Stream() : body_(std::make_unique<Body>()) {}
Stream::~Stream() = default;

void run_on_host(Stream& stream, std::function<void()> work) {
  if (Graph::Body* captured = stream.body().captured.get()) captured->work.push_back(std::move(work));
  else work();
}

void Stream::synchronize() {}
void Stream::copy(void* to, const void* from, std::size_t bytes) {
  run_on_host(*this, [=] { std::memmove(to, from, bytes); });
}
void Stream::copy_rows(void* to, const void* from, std::size_t bytes, std::size_t pitch, std::size_t rows) {
  run_on_host(*this, [=] {
    for (std::size_t row = 0; row < rows; ++row)
      std::memcpy(static_cast<std::byte*>(to) + row * pitch, static_cast<const std::byte*>(from) + row * pitch, bytes);
  });
}
void Stream::fill(void* device, int byte, std::size_t bytes) {
  run_on_host(*this, [=] { std::memset(device, byte, bytes); });
}
void Stream::copy_in(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }

void Stream::begin_capture() { body_->captured = std::make_unique<Graph::Body>(); }
Graph Stream::end_capture() { return Graph(std::move(body_->captured)); }
void Stream::launch(const Graph& graph) {
  for (const auto& work : graph.body().work) run_on_host(*this, work);
}
void Stream::record(const Event& event) {
  run_on_host(*this, [body = &event.body()] { body->at = Clock::now(); });
}

}  // namespace octet::cuda
