#include "ptx/cudart/work.h"

#include <cstdio>

#include "ptx/cudart/device.h"
#include "ptx/machine.h"

namespace octet::ptx::cudart {
namespace {

std::vector<std::weak_ptr<Queue>>& all_queues() {
  static auto* const all = new std::vector<std::weak_ptr<Queue>>;
  return *all;
}
std::vector<std::shared_ptr<Queue>>& left_behind() {  // queues of destroyed streams, until they are done
  static auto* const all = new std::vector<std::shared_ptr<Queue>>;
  return *all;
}

void break_device(cudaError_t error, const char* what) {
  device().broken = error;
  std::fprintf(stderr, "PTX machine: %s\n", what);
}

}  // namespace

std::shared_ptr<Queue> new_queue() {
  std::erase_if(all_queues(), [](const std::weak_ptr<Queue>& queue) { return queue.expired(); });
  auto queue = std::make_shared<Queue>();
  all_queues().push_back(queue);
  return queue;
}

void do_work(Queue& queue, std::uint64_t up_to) {
  if (queue.done >= up_to) return;
  const Allocations::Open open(device().allocations);
  while (queue.done < up_to && device().broken == cudaSuccess) {
    const Work work = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    ++queue.done;
    try {
      work();
    } catch (const Broken& error) {
      break_device(error.error, error.what());
    } catch (const std::exception& error) {
      break_device(cudaErrorLaunchFailure, error.what());
    }
  }
}

void do_all_work() {
  for (const std::weak_ptr<Queue>& known : std::vector(all_queues()))
    if (const std::shared_ptr<Queue> queue = known.lock()) do_work(*queue, queue->put);
  left_behind().clear();
}

CUstream_st& legacy_stream() {
  static auto* const stream = new CUstream_st;
  return *stream;
}

cudaError_t put(CUstream_st& stream, Work work) {
  if (stream.capture_failed) return cudaErrorStreamCaptureInvalidated;
  if (stream.capture) {
    stream.capture->nodes.push_back(std::move(work));
    return cudaSuccess;
  }
  stream.queue->waiting.push_back(std::move(work));
  ++stream.queue->put;
  return cudaSuccess;
}

void leave_behind(std::shared_ptr<Queue> queue) {
  if (queue->done < queue->put) left_behind().push_back(std::move(queue));
}

}  // namespace octet::ptx::cudart
