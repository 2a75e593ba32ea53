// Streams of the host as lazy as a GPU's: work waits in its stream until the host waits for it. For tests of a host that runs ahead.
#pragma once

namespace octet::cuda::host {

/// While one lives, what is put on a stream is done when it, or something behind it, is waited for (Event::wait,
/// Stream::synchronize), or when device memory is freed, as on a GPU. Plain copies between host and device wait for nothing: they
/// see what was done so far. One at a time.
class DeferredWork {
 public:
  DeferredWork();
  ~DeferredWork();
  DeferredWork(const DeferredWork&) = delete;
};

}  // namespace octet::cuda::host
