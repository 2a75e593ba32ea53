// An NVIDIA GPU as the device.
#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "runtimes/cuda/device/calls.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {
namespace {

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

constexpr std::size_t kLargestPitch = 0x7fffffff;  // of a two-dimensional copy (cudaDevAttrMaxPitch)

// Dense bf16 tensor-core operations a second: multiply-adds a clock and multiprocessor, by architecture.
double peak_bf16(const cudaDeviceProp& properties, int clock_khz) {
  const int capability = properties.major * 10 + properties.minor;
  const double products = capability >= 100 ? 8192 : capability >= 90 ? 4096 : capability == 80 ? 1024 : 512;
  return 2 * (capability >= 90 ? products / 2 : products) * properties.multiProcessorCount * clock_khz * 1e3;
}

// The device runs the code of the latest architecture built in that it knows, and only code for 9.0 and later waits for what it may overlap.
bool kernels_wait(int capability) {
  for (const int architecture : {__CUDA_ARCH_LIST__})
    if (architecture >= 900 && architecture <= capability * 10) return true;
  return false;
}

}  // namespace

DeviceInfo device_info() {
  constexpr int kDevice = 0;
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess || count == 0)
    throw std::runtime_error("no NVIDIA GPU with a driver for CUDA " + std::to_string(CUDART_VERSION / 1000) + " was found" +
                             (error == cudaSuccess ? "" : std::string(": ") + cudaGetErrorString(error)));
  // Which device is current belongs to a thread, and other users of CUDA in this process may have changed it in the thread that loads;
  // the engine's thread, which has never chosen, works on the first.
  check(cudaSetDevice(kDevice));
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, kDevice));
  int clock_khz = 0, shared = 0;
  if (cudaDeviceGetAttribute(&clock_khz, cudaDevAttrClockRate, kDevice) != cudaSuccess) clock_khz = 0;  // the peak is then unknown
  check(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, kDevice));
  DeviceInfo info{.name = properties.name, .multiprocessors = properties.multiProcessorCount};
  info.shared_bytes = static_cast<std::size_t>(shared);
  info.compute_capability = properties.major * 10 + properties.minor;
  if (info.compute_capability < 80)  // before minutes of loading: the kernels' code is for later ones only
    throw std::runtime_error("no NVIDIA GPU of compute capability 8.0 or later was found; " + info.name + " has " +
                             std::to_string(properties.major) + "." + std::to_string(properties.minor));
  info.peak_bf16_flops = peak_bf16(properties, clock_khz);
  check(cudaMemGetInfo(&info.free_bytes, &info.total_bytes));
  return info;
}

namespace detail {

void* allocate(std::size_t bytes) {
  wait_calls.add();
  void* p = nullptr;
  check(cudaMalloc(&p, bytes));
  return p;
}
void release(void* p) noexcept {
  if (p) wait_calls.add();
  cudaFree(p);
}
void* allocate_pinned(std::size_t bytes) {
  wait_calls.add();
  void* p = nullptr;
  check(cudaHostAlloc(&p, bytes, cudaHostAllocMapped | cudaHostAllocPortable));
  return p;
}
void release_pinned(void* p) noexcept {
  if (p) wait_calls.add();
  cudaFreeHost(p);
}
void download(void* to_host, const void* from, std::size_t bytes) {
  wait_calls.add();
  check(cudaMemcpy(to_host, from, bytes, cudaMemcpyDeviceToHost));
}
void upload(void* to, const void* from_host, std::size_t bytes) {
  wait_calls.add();
  check(cudaMemcpy(to, from_host, bytes, cudaMemcpyHostToDevice));
  // From pageable memory the call may return when the bytes are staged, before they have arrived; and this stream's work is not ordered
  // before that of streams made with cudaStreamNonBlocking.
  check(cudaStreamSynchronize(cudaStreamLegacy));
}

}  // namespace detail

struct Graph::Body {
  cudaGraphExec_t graph = nullptr;
  std::size_t nodes = 0;
  ~Body() {  // a graph under way is not stopped: it is freed when it has ended (cuGraphExecDestroy)
    if (graph) cudaGraphExecDestroy(graph);
  }
};
Graph::Graph(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;
std::size_t Graph::nodes() const { return body_->nodes; }

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
void Event::wait() const {
  detail::wait_calls.add();
  check(cudaEventSynchronize(body_->event));
}
double Event::ms_since(const Event& start) const {
  float ms = 0;
  check(cudaEventElapsedTime(&ms, start.body_->event, body_->event));
  return ms;
}

struct Stream::Body {
  cudaStream_t stream = nullptr;
  bool recording = false;
  void count_launch() const {
    if (!recording) detail::launch_calls.add();
  }
  ~Body() {
    if (stream) cudaStreamDestroy(stream);
  }
};
Stream::Stream() : body_(std::make_unique<Body>()) { check(cudaStreamCreateWithFlags(&body_->stream, cudaStreamNonBlocking)); }
Stream::~Stream() = default;

void* native_stream(Stream& stream) { return stream.body().stream; }
void count_launch(Stream& stream) { stream.body().count_launch(); }

bool may_overlap_launches() {
  static const bool may = [] {
    const char* const asked = std::getenv("OCTET_CUDA_OVERLAP");  // 0: never, to tell faults of overlapping from others
    return kernels_wait(device_info().compute_capability) && !(asked && std::string_view(asked) == "0");
  }();
  return may;
}

// A multiprocessor divides one memory between first-level cache and shared memory, and by default every kernel has the split that suits its
// own occupancy. A launch with another preference than the one before it may have to wait until the device has drained
// (cudaFuncSetCacheConfig). So all kernels ask for the same: most for shared memory, which products and attention live on; the others stream
// what they read and want little cache.
void prepare_kernel(const void* kernel, std::size_t shared_bytes) {
  static const bool one_split = [] {
    const char* const asked = std::getenv("OCTET_CUDA_ONE_SPLIT");  // 0: the driver's choice for each kernel, to compare
    return !(asked && std::string_view(asked) == "0");
  }();
  constexpr std::size_t kUnasked = 48u << 10;
  static std::mutex mutex;
  static std::unordered_map<const void*, std::size_t> prepared;  // the most shared memory of each kernel so far
  const std::lock_guard lock(mutex);
  const auto found = prepared.find(kernel);
  if (found == prepared.end() && one_split)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared));
  if (shared_bytes > (found == prepared.end() ? kUnasked : found->second))
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)));
  if (found == prepared.end()) prepared.emplace(kernel, std::max(shared_bytes, kUnasked));
  else found->second = std::max(shared_bytes, found->second);
}

void Stream::synchronize() {
  detail::wait_calls.add();
  check(cudaStreamSynchronize(body_->stream));
}
void Stream::copy(void* to, const void* from, std::size_t bytes) {
  body_->count_launch();
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, body_->stream));
}
void Stream::copy_rows(void* to, const void* from, std::size_t bytes, std::size_t pitch, std::size_t rows) {
  if (pitch > kLargestPitch) {
    for (std::size_t row = 0; row < rows; ++row)
      copy(static_cast<std::byte*>(to) + row * pitch, static_cast<const std::byte*>(from) + row * pitch, bytes);
    return;
  }
  body_->count_launch();
  check(cudaMemcpy2DAsync(to, pitch, from, pitch, bytes, rows, cudaMemcpyDeviceToDevice, body_->stream));
}
void Stream::fill(void* device, int byte, std::size_t bytes) {
  body_->count_launch();
  check(cudaMemsetAsync(device, byte, bytes, body_->stream));
}
void Stream::copy_in(void* to, const void* from, std::size_t bytes) {
  body_->count_launch();
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, body_->stream));
}

// Relaxed: a kernel's first use loads its code, and its shared memory is asked for, which stricter modes may refuse within a capture. Other
// threads' calls are no concern of this stream's.
void Stream::begin_capture() {
  check(cudaStreamBeginCapture(body_->stream, cudaStreamCaptureModeRelaxed));
  body_->recording = true;
}
Graph Stream::end_capture() {
  body_->recording = false;
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(body_->stream, &captured));
  auto body = std::make_unique<Graph::Body>();
  cudaError_t error = cudaGraphGetNodes(captured, nullptr, &body->nodes);
  if (error == cudaSuccess) error = cudaGraphInstantiate(&body->graph, captured, 0);
  cudaGraphDestroy(captured);
  check(error);
  return Graph(std::move(body));
}
void Stream::launch(const Graph& graph) {
  detail::graph_calls.add();
  check(cudaGraphLaunch(graph.body().graph, body_->stream));
}
void Stream::record(const Event& event) { check(cudaEventRecord(event.body().event, body_->stream)); }

}  // namespace octet::cuda
