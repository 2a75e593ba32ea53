// A graph of what a function puts on a stream.
#pragma once

#include <exception>
#include <functional>

#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {

/// Throws what `put` throws; the stream can be used again then.
inline Graph record_graph(Stream& stream, const std::function<void()>& put) {
  stream.begin_capture();
  try {
    put();
  } catch (...) {
    try {
      stream.end_capture();  // or the stream could not be used again
    } catch (const std::exception&) {
    }
    throw;
  }
  return stream.end_capture();
}

}  // namespace octet::cuda
