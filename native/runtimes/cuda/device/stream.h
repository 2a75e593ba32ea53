// Device memory, an ordered queue of work, and graphs recorded from it. The same interface over CUDA (stream_cuda.cu) and
// over the host (stream_host.cpp: work is done at once; a graph is a list of closures). Every call throws
// std::runtime_error with CUDA's own words if the device fails.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace octet::cuda {

struct DeviceInfo {
  std::string name;                ///< "NVIDIA H200", or "host" where kernels run on the CPU.
  int multiprocessors = 1;
  std::size_t shared_bytes = 0;    ///< Shared memory one block may ask for.
  std::size_t free_bytes = 0, total_bytes = 0;
  int compute_capability = 0;      ///< 90 for sm_90; 0 on the host.
  double peak_bf16_flops = 0;      ///< Dense tensor-core peak, operations a second; 0 where unknown.
};

/// The device kernels run on. Throws std::runtime_error ("no NVIDIA GPU ...") where there is none.
DeviceInfo device_info();

namespace detail {
void* allocate(std::size_t bytes);         ///< Device memory, 256-byte aligned.
void release(void* p) noexcept;
void* allocate_pinned(std::size_t bytes);  ///< Host memory that the device can write to.
void release_pinned(void* p) noexcept;
void download(void* to_host, const void* from, std::size_t bytes);
void upload(void* to, const void* from_host, std::size_t bytes);
}  // namespace detail

/// An array in device memory. New memory is not initialised (on the host: poisoned with NaN).
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  explicit DeviceArray(std::size_t size) : memory_(size ? detail::allocate(size * sizeof(T)) : nullptr), size_(size) {}
  explicit DeviceArray(std::span<const T> host) : DeviceArray(host.size()) { upload(host); }
  explicit DeviceArray(const std::vector<T>& host) : DeviceArray(std::span<const T>(host)) {}
  DeviceArray(DeviceArray&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~DeviceArray() { detail::release(memory_); }

  T* data() const { return static_cast<T*>(memory_); }
  std::size_t size() const { return size_; }

  /// Synchronous copies, for loading and tests.
  void upload(std::span<const T> host, std::size_t offset = 0) { detail::upload(data() + offset, host.data(), host.size_bytes()); }
  std::vector<T> download() const {
    std::vector<T> host(size_);
    if (size_) detail::download(host.data(), data(), size_ * sizeof(T));
    return host;
  }

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

/// An array in host memory that kernels may read and write directly.
template <class T>
class PinnedArray {
 public:
  PinnedArray() = default;
  explicit PinnedArray(std::size_t size) : memory_(detail::allocate_pinned(size * sizeof(T))), size_(size) {}
  PinnedArray(PinnedArray&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PinnedArray& operator=(PinnedArray&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PinnedArray() { detail::release_pinned(memory_); }
  T* data() const { return static_cast<T*>(memory_); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) const { return data()[i]; }

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

class Graph {
 public:
  struct Body;  ///< cudaGraphExec_t, or closures.
  explicit Graph(std::unique_ptr<Body> body);
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  ~Graph();
  std::size_t nodes() const;  ///< Kernels, copies and fills.
  Body& body() const { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

/// A point in a stream that the host can wait for.
class Event {
 public:
  Event();
  Event(Event&&) noexcept;
  Event& operator=(Event&&) noexcept;
  ~Event();
  void wait() const;  ///< Until the stream has come there; at once if it was never recorded.
  /// Milliseconds from `start` to this; both were recorded and waited for.
  double ms_since(const Event& start) const;
  struct Body;
  Body& body() const { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;

  void synchronize();
  void copy(void* to_device, const void* from_device, std::size_t bytes);
  /// `rows` runs of `bytes`, each `pitch` bytes behind the one before, in both. They may not overlap.
  void copy_rows(void* to_device, const void* from_device, std::size_t bytes, std::size_t pitch, std::size_t rows);
  void fill(void* device, int byte, std::size_t bytes);
  /// `from_pinned` is read when the stream comes there.
  void copy_in(void* to_device, const void* from_pinned, std::size_t bytes);

  void begin_capture();
  Graph end_capture();
  void launch(const Graph& graph);
  void record(const Event& event);

  struct Body;
  Body& body() const { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

}  // namespace octet::cuda
