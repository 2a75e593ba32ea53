// An NVIDIA GPU as the device.
#include <algorithm>

#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {
namespace {

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

// Dense bf16 tensor-core operations a second: multiply-adds a clock and multiprocessor, by architecture.
double peak_bf16(const cudaDeviceProp& properties, int clock_khz) {
  const int capability = properties.major * 10 + properties.minor;
  const double products = capability >= 100 ? 8192 : capability >= 90 ? 4096 : capability == 80 ? 1024 : 512;
  return 2 * (capability >= 90 ? products / 2 : products) * properties.multiProcessorCount * clock_khz * 1e3;
}

}  // namespace

DeviceInfo device_info() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0)
    throw std::runtime_error("no NVIDIA GPU with a driver for CUDA 13 was found");
  int device = 0;
  check(cudaGetDevice(&device));
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device));
  int clock_khz = 0, shared = 0;
  check(cudaDeviceGetAttribute(&clock_khz, cudaDevAttrClockRate, device));
  check(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  DeviceInfo info{.name = properties.name, .multiprocessors = properties.multiProcessorCount};
  info.shared_bytes = static_cast<std::size_t>(shared);
  info.compute_capability = properties.major * 10 + properties.minor;
  info.peak_bf16_flops = peak_bf16(properties, clock_khz);
  check(cudaMemGetInfo(&info.free_bytes, &info.total_bytes));
  return info;
}

namespace detail {

void* allocate(std::size_t bytes) {
  void* p = nullptr;
  check(cudaMalloc(&p, bytes));
  return p;
}
void release(void* p) noexcept { cudaFree(p); }
void* allocate_pinned(std::size_t bytes) {
  void* p = nullptr;
  check(cudaHostAlloc(&p, bytes, cudaHostAllocMapped | cudaHostAllocPortable));
  return p;
}
void release_pinned(void* p) noexcept { cudaFreeHost(p); }
void download(void* to_host, const void* from, std::size_t bytes) { check(cudaMemcpy(to_host, from, bytes, cudaMemcpyDeviceToHost)); }
void upload(void* to, const void* from_host, std::size_t bytes) { check(cudaMemcpy(to, from_host, bytes, cudaMemcpyHostToDevice)); }

}  // namespace detail

struct Graph::Body {
  cudaGraphExec_t graph = nullptr;
  ~Body() {
    if (graph) cudaGraphExecDestroy(graph);
  }
};
Graph::Graph(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

struct Event::Body {
  cudaEvent_t event = nullptr;
  ~Body() {
    if (event) cudaEventDestroy(event);
  }
};
Event::Event() : body_(std::make_unique<Body>()) { check(cudaEventCreate(&body_->event)); }
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;
void Event::wait() const { check(cudaEventSynchronize(body_->event)); }
double Event::ms_since(const Event& start) const {
  float ms = 0;
  check(cudaEventElapsedTime(&ms, start.body_->event, body_->event));
  return ms;
}

struct Stream::Body {
  cudaStream_t stream = nullptr;
  ~Body() {
    if (stream) cudaStreamDestroy(stream);
  }
};
Stream::Stream() : body_(std::make_unique<Body>()) { check(cudaStreamCreateWithFlags(&body_->stream, cudaStreamNonBlocking)); }
Stream::~Stream() = default;

void* native_stream(Stream& stream) { return stream.body().stream; }

bool may_overlap_launches() {
  static const bool may = device_info().compute_capability >= 90;
  return may;
}

void Stream::synchronize() { check(cudaStreamSynchronize(body_->stream)); }
void Stream::copy(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, body_->stream));
}
void Stream::copy_rows(void* to, const void* from, std::size_t bytes, std::size_t pitch, std::size_t rows) {
  check(cudaMemcpy2DAsync(to, pitch, from, pitch, bytes, rows, cudaMemcpyDeviceToDevice, body_->stream));
}
void Stream::fill(void* device, int byte, std::size_t bytes) { check(cudaMemsetAsync(device, byte, bytes, body_->stream)); }
void Stream::copy_in(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, body_->stream));
}

void Stream::begin_capture() { check(cudaStreamBeginCapture(body_->stream, cudaStreamCaptureModeThreadLocal)); }
Graph Stream::end_capture() {
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(body_->stream, &captured));
  auto body = std::make_unique<Graph::Body>();
  const cudaError_t error = cudaGraphInstantiate(&body->graph, captured, 0);
  cudaGraphDestroy(captured);
  check(error);
  return Graph(std::move(body));
}
void Stream::launch(const Graph& graph) { check(cudaGraphLaunch(graph.body().graph, body_->stream)); }
void Stream::record(const Event& event) { check(cudaEventRecord(event.body().event, body_->stream)); }

}  // namespace octet::cuda
