// The stand-in for the CUDA runtime: as late and as strict as a GPU's.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include <cuda_runtime_api.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faulty.h"

using namespace octet::ptx::cudart::testing;

namespace {

struct TestStream {
  cudaStream_t stream = nullptr;
  TestStream() { REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess); }
  ~TestStream() { cudaStreamDestroy(stream); }
  operator cudaStream_t() const { return stream; }
};

template <class T>
T* device_memory(std::size_t count) {
  void* p = nullptr;
  REQUIRE(cudaMalloc(&p, count * sizeof(T)) == cudaSuccess);
  return static_cast<T*>(p);
}
template <class T>
T* pinned_memory(std::size_t count) {
  void* p = nullptr;
  REQUIRE(cudaHostAlloc(&p, count * sizeof(T), cudaHostAllocMapped) == cudaSuccess);
  return static_cast<T*>(p);
}
int value_of(const int* device) {
  int x = 0;
  REQUIRE(cudaMemcpy(&x, device, sizeof x, cudaMemcpyDeviceToHost) == cudaSuccess);
  return x;
}

struct LaunchOf {
  const void* kernel = add_one_kernel();
  unsigned blocks = 1, threads = 32;
  std::size_t shared = 0;
  bool overlaps = false;
};
cudaError_t launch(cudaStream_t stream, int* p, int count, const LaunchOf& of = {}) {
  cudaLaunchAttribute overlap{};
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(of.blocks);
  config.blockDim = dim3(of.threads);
  config.dynamicSmemBytes = of.shared;
  config.stream = stream;
  config.attrs = &overlap;
  config.numAttrs = of.overlaps;
  void* arguments[] = {&p, &count};
  return cudaLaunchKernelExC(&config, of.kernel, arguments);
}

/// What a process of its own, which may break its device or end by a signal, returns; -1 where it ended so.
template <class Body>
int apart(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(signal, SIG_DFL);  // not doctest's
    std::freopen("/dev/null", "w", stderr);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("cudart: memory begins poisoned and is aligned to 256 bytes, no more") {
  int* const p = device_memory<int>(3);
  CHECK(reinterpret_cast<std::uintptr_t>(p) % 512 == 256);
  CHECK(value_of(p) == -1);
  CHECK(cudaFree(p + 1) == cudaErrorInvalidValue);
  CHECK(cudaFreeHost(p) == cudaErrorInvalidValue);
  CHECK(cudaFree(p) == cudaSuccess);
  CHECK(cudaFree(p) == cudaErrorInvalidValue);
  CHECK(cudaFree(nullptr) == cudaSuccess);
  void* much = nullptr;
  CHECK(cudaMalloc(&much, std::size_t{1} << 40) == cudaErrorMemoryAllocation);
  std::size_t free_bytes = 0, total = 0, before = 0;
  cudaMemGetInfo(&before, &total);
  int* const held = device_memory<int>(1024);
  cudaMemGetInfo(&free_bytes, &total);
  CHECK(before - free_bytes == 4096);
  cudaFree(held);
}

TEST_CASE("cudart: work is done when it is waited for") {
  const TestStream stream, other;
  int* const p = device_memory<int>(1);
  CHECK(cudaMemsetAsync(p, 0, sizeof(int), stream) == cudaSuccess);
  CHECK(launch(stream, p, 1) == cudaSuccess);
  CHECK(value_of(p) == -1);  // a copy does not wait for this stream
  CHECK(cudaStreamSynchronize(other) == cudaSuccess);
  CHECK(value_of(p) == -1);
  cudaEvent_t first = nullptr, second = nullptr;
  cudaEventCreate(&first);
  cudaEventCreate(&second);
  CHECK(cudaEventRecord(first, stream) == cudaSuccess);
  CHECK(launch(stream, p, 1) == cudaSuccess);
  CHECK(cudaEventRecord(second, stream) == cudaSuccess);
  CHECK(cudaEventSynchronize(first) == cudaSuccess);
  CHECK(value_of(p) == 1);
  float ms = 0;
  CHECK(cudaEventElapsedTime(&ms, first, second) == cudaErrorNotReady);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(value_of(p) == 2);
  CHECK(cudaEventElapsedTime(&ms, first, second) == cudaSuccess);
  CHECK(ms > 0);
  cudaEventDestroy(first);
  CHECK(cudaEventRecord(first, stream) == cudaErrorInvalidResourceHandle);
  cudaEventDestroy(second);
  cudaFree(p);
}

TEST_CASE("cudart: copies read pageable memory at once, pinned memory when they are done; an upload may not have arrived") {
  const TestStream stream;
  int* const p = device_memory<int>(2);
  int pageable = 5;
  int* const pinned = pinned_memory<int>(1);
  *pinned = 6;
  CHECK(cudaMemcpyAsync(p, &pageable, sizeof(int), cudaMemcpyHostToDevice, stream) == cudaSuccess);
  CHECK(cudaMemcpyAsync(p + 1, pinned, sizeof(int), cudaMemcpyHostToDevice, stream) == cudaSuccess);
  pageable = 50;
  *pinned = 60;
  cudaStreamSynchronize(stream);
  CHECK(value_of(p) == 5);
  CHECK(value_of(p + 1) == 60);
  // Staged, but this stream runs before the legacy one's work.
  cudaMemcpy(p, &pageable, sizeof(int), cudaMemcpyHostToDevice);
  launch(stream, p, 1);
  cudaStreamSynchronize(stream);
  CHECK(value_of(p) == 50);
  cudaMemcpy(p, &pageable, sizeof(int), cudaMemcpyHostToDevice);
  cudaStreamSynchronize(cudaStreamLegacy);
  launch(stream, p, 1);
  cudaStreamSynchronize(stream);
  CHECK(value_of(p) == 51);
  cudaFreeHost(pinned);
  cudaFree(p);
}

TEST_CASE("cudart: copies outside of allocations or in another direction are refused") {
  const TestStream stream;
  char *const p = device_memory<char>(64), *const q = device_memory<char>(64);
  char host[128] = {};
  CHECK(cudaMemcpy(p, host, 65, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, p + 60, 8, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, p, 8, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(p, host, 8, cudaMemcpyDeviceToDevice, stream) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(p, p + 4, 8, cudaMemcpyDeviceToDevice, stream) == cudaErrorInvalidValue);  // overlaps
  CHECK(cudaMemcpyAsync(p, q, 64, cudaMemcpyDeviceToDevice, stream) == cudaSuccess);
  CHECK(cudaMemcpy2DAsync(p, 16, q, 16, 4, 4, cudaMemcpyDeviceToDevice, stream) == cudaSuccess);
  CHECK(cudaMemcpy2DAsync(p, 16, q, 16, 4, 5, cudaMemcpyDeviceToDevice, stream) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy2DAsync(p, 16, q, 16, 17, 2, cudaMemcpyDeviceToDevice, stream) == cudaErrorInvalidPitchValue);
  CHECK(cudaMemsetAsync(p, 0, 65, stream) == cudaErrorInvalidValue);
  cudaStreamSynchronize(stream);
  cudaFree(p);
  CHECK(cudaMemcpy(host, p, 8, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  cudaFree(q);
}

TEST_CASE("cudart: launches that a GPU would refuse") {
  const TestStream stream;
  int* const p = device_memory<int>(1);
  CHECK(launch(stream, p, 1, {.threads = 1025}) == cudaErrorInvalidConfiguration);
  CHECK(launch(stream, p, 1, {.threads = 0}) == cudaErrorInvalidConfiguration);
  CHECK(launch(stream, p, 1, {.blocks = 0}) == cudaErrorInvalidConfiguration);
  CHECK(launch(stream, p, 1, {.kernel = bounded_kernel(), .threads = 64}) == cudaSuccess);
  CHECK(launch(stream, p, 1, {.kernel = bounded_kernel(), .threads = 65}) == cudaErrorInvalidValue);
  CHECK(launch(stream, p, 1, {.kernel = p}) == cudaErrorInvalidDeviceFunction);
  int most = 0, capability = 0;
  cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0);
  cudaDeviceProp properties;
  cudaGetDeviceProperties(&properties, 0);
  capability = properties.major * 10 + properties.minor;
  CHECK(most == (capability == 80 ? 166912 : capability == 89 ? 101376 : 232448));
  const void* const kernel = add_one_kernel();
  CHECK(launch(stream, p, 1, {.shared = 48 << 10}) == cudaSuccess);
  CHECK(launch(stream, p, 1, {.shared = (48 << 10) + 16}) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most + 1) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most) == cudaSuccess);
  CHECK(launch(stream, p, 1, {.shared = static_cast<std::size_t>(most)}) == cudaSuccess);
  CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 48 << 10) == cudaSuccess);
  CHECK(launch(stream, p, 1, {.overlaps = true}) != cudaSuccess);  // it never waits
  const bool may_overlap = capability >= 90 && OCTET_PTX_ARCHITECTURE >= 90;  // older code knows no waiting
  CHECK((launch(stream, p, 1, {.kernel = waiting_kernel(), .overlaps = true}) == cudaSuccess) == may_overlap);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  cudaFree(p);
}

TEST_CASE("cudart: a capture records and does nothing else; waiting spoils it") {
  const TestStream stream;
  int* const p = device_memory<int>(1);
  cudaMemsetAsync(p, 0, sizeof(int), stream);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaErrorIllegalState);
  CHECK(launch(stream, p, 1) == cudaSuccess);
  CHECK(launch(stream, p, 1) == cudaSuccess);
  int host = 0;
  CHECK(cudaMemcpyAsync(p, &host, sizeof(int), cudaMemcpyHostToDevice, stream) == cudaErrorStreamCaptureUnsupported);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  std::size_t nodes = 0;
  CHECK(cudaGraphGetNodes(graph, nullptr, &nodes) == cudaSuccess);
  CHECK(nodes == 2);
  cudaGraphExec_t replay = nullptr;
  REQUIRE(cudaGraphInstantiate(&replay, graph, 0) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaGraphLaunch(replay, stream) == cudaSuccess);
  CHECK(cudaGraphLaunch(replay, stream) == cudaSuccess);
  CHECK(cudaGraphExecDestroy(replay) == cudaSuccess);  // under way: not stopped
  CHECK(cudaGraphLaunch(replay, stream) == cudaErrorInvalidValue);
  cudaStreamSynchronize(stream);
  CHECK(value_of(p) == 4);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
  CHECK(launch(stream, p, 1) == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorIllegalState);
  CHECK(launch(stream, p, 1) == cudaSuccess);
  cudaStreamSynchronize(stream);
  CHECK(value_of(p) == 5);
  cudaFree(p);
}

TEST_CASE("cudart: a fault breaks the device for good") {
  const int result = apart([] {
    TestStream stream;
    int* const p = device_memory<int>(4);
    if (launch(stream, p, 4, {.kernel = read_behind_kernel(), .threads = 1}) != cudaSuccess) return 1;
    if (cudaStreamSynchronize(stream) != cudaErrorIllegalAddress) return 2;
    if (cudaMalloc(reinterpret_cast<void**>(&stream), 4) != cudaErrorIllegalAddress) return 3;
    return 0;
  });
  CHECK(result == 0);
}

TEST_CASE("cudart: memory that is freed before its work is done is a fault") {
  const int result = apart([] {
    const TestStream stream;
    int* const p = device_memory<int>(4);
    launch(stream, p, 1);
    cudaFree(p);
    device_memory<int>(4);  // not at the same address
    return cudaStreamSynchronize(stream) == cudaErrorIllegalAddress ? 0 : 1;
  });
  CHECK(result == 0);
}

TEST_CASE("cudart: a host that follows a device's pointer ends by a signal") {
  CHECK(apart([] {
          volatile int* const p = device_memory<int>(4);
          return *p == -1 ? 0 : 1;
        }) == -1);
}
