// Streams, events, capture and graphs.
#include <unordered_set>
#include <utility>

#include "ptx/cudart/device.h"
#include "ptx/cudart/work.h"

namespace octet::ptx::cudart {
namespace {

// What was given out and lives: a handle that is none of these is refused, where the real runtime may crash.
template <class T>
std::unordered_set<T*>& living() {
  static auto* const all = new std::unordered_set<T*>;
  return *all;
}
template <class T>
bool lives(T* handle) {
  return living<T>().contains(handle);
}
template <class T>
T* give_out(std::unique_ptr<T> made) {
  living<T>().insert(made.get());
  return made.release();
}
template <class T>
std::unique_ptr<T> take_back(T* handle) {
  living<T>().erase(handle);
  return std::unique_ptr<T>(handle);
}

/// Waiting is not allowed while the stream is captured: it spoils the capture.
bool refuses_to_wait(CUstream_st& stream) {
  if (stream.capture) stream.capture_failed = true;
  return stream.capture != nullptr;
}

}  // namespace

CUstream_st* find_stream(cudaStream_t stream) {
  if (stream == nullptr || stream == cudaStreamLegacy) return &legacy_stream();
  return lives(stream) ? stream : nullptr;
}

}  // namespace octet::ptx::cudart

using namespace octet::ptx::cudart;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return call([&] {
    if (flags != cudaStreamNonBlocking) return cudaErrorNotSupported;  // streams that wait for the legacy one: not needed here
    *stream = give_out(std::make_unique<CUstream_st>());
    return cudaSuccess;
  });
}

// Its work is still done.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&] {
    if (!lives(stream)) return cudaErrorInvalidResourceHandle;
    leave_behind(take_back(stream)->queue);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return call([&] {
    CUstream_st* const stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (refuses_to_wait(*stream)) return cudaErrorStreamCaptureUnsupported;
    do_work(*stream->queue, stream->queue->put);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return call([&] {
    for (CUstream_st* const stream : living<CUstream_st>())
      if (refuses_to_wait(*stream)) return cudaErrorStreamCaptureUnsupported;
    do_all_work();
    return cudaSuccess;
  });
}

// Relaxed captures alone: others also restrict what this and other threads may call meanwhile.
cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return call([&] {
    CUstream_st* const stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (mode != cudaStreamCaptureModeRelaxed) return cudaErrorNotSupported;
    if (stream == &legacy_stream()) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture) return cudaErrorIllegalState;
    stream->capture = std::make_unique<CUgraph_st>();
    stream->capture_failed = false;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return call([&] {
    *graph = nullptr;
    if (!find_stream(stream)) return cudaErrorInvalidResourceHandle;
    if (!stream->capture) return cudaErrorIllegalState;
    const std::unique_ptr<CUgraph_st> captured = std::move(stream->capture);
    if (std::exchange(stream->capture_failed, false)) return cudaErrorStreamCaptureInvalidated;
    *graph = give_out(std::make_unique<CUgraph_st>(*captured));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return call([&] {
    if (!lives(graph)) return cudaErrorInvalidValue;
    if (nodes) return cudaErrorNotSupported;
    *count = graph->nodes.size();
    return cudaSuccess;
  });
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long flags) {
  return call([&] {
    if (!lives(graph) || flags != 0) return cudaErrorInvalidValue;
    *made = give_out(std::make_unique<CUgraphExec_st>(CUgraphExec_st{graph->nodes}));
    return cudaSuccess;
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call([&] { return lives(graph) ? (take_back(graph), cudaSuccess) : cudaErrorInvalidValue; });
}
// Launches under way keep their nodes.
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  return call([&] { return lives(graph) ? (take_back(graph), cudaSuccess) : cudaErrorInvalidValue; });
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t on) {
  return call([&] {
    CUstream_st* const stream = find_stream(on);
    if (!stream || !lives(graph)) return cudaErrorInvalidValue;
    if (refuses_to_wait(*stream)) return cudaErrorStreamCaptureUnsupported;
    for (const Work& node : graph->nodes) put(*stream, node);
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return call([&] {
    *event = give_out(std::make_unique<CUevent_st>());
    return cudaSuccess;
  });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&] { return lives(event) ? (take_back(event), cudaSuccess) : cudaErrorInvalidResourceHandle; });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t on) {
  return call([&] {
    CUstream_st* const stream = find_stream(on);
    if (!stream || !lives(event)) return cudaErrorInvalidResourceHandle;
    event->mark = std::make_shared<Mark>();  // what waits for the former one has its own
    event->mark->captured = stream->capture != nullptr;
    event->mark->queue = stream->queue;
    const cudaError_t error = put(*stream, [mark = event->mark] { mark->at = std::chrono::steady_clock::now(); });
    event->mark->place = stream->queue->put;
    return error;
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&] {
    if (!lives(event)) return cudaErrorInvalidResourceHandle;
    if (event->mark->captured) return cudaErrorCapturedEvent;
    if (event->mark->queue) do_work(*event->mark->queue, event->mark->place);  // never recorded: nothing to wait for
    return cudaSuccess;
  });
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  return call([&] {
    if (!lives(from) || !lives(to) || !from->mark->queue || !to->mark->queue) return cudaErrorInvalidResourceHandle;
    if (!from->mark->at || !to->mark->at) return cudaErrorNotReady;
    *ms = std::chrono::duration<float, std::milli>(*to->mark->at - *from->mark->at).count();
    return cudaSuccess;
  });
}

}  // extern "C"
