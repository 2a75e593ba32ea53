// Allocations, copies and fills.
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ptx/cudart/device.h"
#include "ptx/cudart/work.h"

using namespace octet::ptx::cudart;

namespace {

constexpr std::size_t kLargestPitch = 0x7fffffff;

/// Rows of bytes; one row for an ordinary copy.
struct Rows {
  std::byte* to;
  const std::byte* from;
  std::size_t bytes, rows = 1, to_pitch = 0, from_pitch = 0;

  std::size_t to_extent() const { return to_pitch * (rows - 1) + bytes; }
  std::size_t from_extent() const { return from_pitch * (rows - 1) + bytes; }
};

bool is(const void* p, std::size_t bytes, Place place) { return device().allocations.place_of(p, bytes) == place; }
bool on_host(const void* p, std::size_t bytes) { return is(p, bytes, Place::kPinned) || is(p, bytes, Place::kPageable); }

/// What the direction says must be so.
bool fits(const Rows& rows, cudaMemcpyKind kind) {
  const std::size_t to = rows.to_extent(), from = rows.from_extent();
  switch (kind) {
    case cudaMemcpyHostToDevice: return is(rows.to, to, Place::kDevice) && on_host(rows.from, from);
    case cudaMemcpyDeviceToHost: return on_host(rows.to, to) && is(rows.from, from, Place::kDevice);
    case cudaMemcpyDeviceToDevice:  // whose rows may not overlap
      return is(rows.to, to, Place::kDevice) && is(rows.from, from, Place::kDevice) &&
             (rows.to + to <= rows.from || rows.from + from <= rows.to || rows.rows > 1);
    default: return false;
  }
}

/// When it is done: memory may have been freed since it was asked for.
void copy(const Rows& rows) {
  for (std::size_t row = 0; row < rows.rows; ++row) {
    std::byte* const to = rows.to + row * rows.to_pitch;
    const std::byte* const from = rows.from + row * rows.from_pitch;
    if (is(to, rows.bytes, Place::kInvalid) || is(from, rows.bytes, Place::kInvalid))
      throw Broken(cudaErrorIllegalAddress, "a copy of memory that was freed before it");
    std::memcpy(to, from, rows.bytes);
  }
}

/// Puts the copy on a stream. Pageable memory is read at once; pinned memory when the copy is done.
cudaError_t copy_later(CUstream_st& stream, const Rows& rows, cudaMemcpyKind kind) {
  if (rows.bytes == 0 || rows.rows == 0) return cudaSuccess;
  if (!fits(rows, kind)) return cudaErrorInvalidValue;
  if (is(rows.from, rows.from_extent(), Place::kPageable)) {
    if (stream.capture) return cudaErrorStreamCaptureUnsupported;  // its bytes would be those of every replay
    const auto staged = std::make_shared<std::vector<std::byte>>(rows.from, rows.from + rows.from_extent());
    Rows from_stage = rows;
    from_stage.from = staged->data();
    return put(stream, [staged, from_stage] { copy(from_stage); });
  }
  if (is(rows.to, rows.to_extent(), Place::kPageable)) return cudaErrorNotSupported;  // nothing here asks for it
  return put(stream, [rows] { copy(rows); });
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  return call([&] {
    *p = bytes == 0 ? nullptr : device().allocations.allocate(bytes);
    return bytes == 0 || *p ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

// Frees at once: a GPU may wait for its work first (cuMemFree), and may not.
cudaError_t cudaFree(void* p) {
  return call([&] { return !p || device().allocations.release(p) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaHostAlloc(void** p, std::size_t bytes, unsigned flags) {
  return call([&] {
    if ((flags & ~(cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined)) != 0) return cudaErrorInvalidValue;
    *p = bytes == 0 ? nullptr : device().allocations.allocate_pinned(bytes);
    return cudaSuccess;
  });
}
cudaError_t cudaFreeHost(void* p) {
  return call([&] { return !p || device().allocations.release_pinned(p) ? cudaSuccess : cudaErrorInvalidValue; });
}

// On the legacy stream, for which streams made with cudaStreamNonBlocking do not wait. To the device it may return before the bytes are
// there, if they come from pageable memory: they have been staged then.
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return call([&] {
    const Rows rows{static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes};
    if (bytes == 0) return cudaSuccess;
    if (!fits(rows, kind)) return cudaErrorInvalidValue;
    CUstream_st& stream = legacy_stream();
    const bool waits = kind == cudaMemcpyDeviceToHost || is(from, bytes, Place::kPinned);
    if (!waits) return copy_later(stream, rows, kind);
    put(stream, [rows] { copy(rows); });
    do_work(*stream.queue, stream.queue->put);
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t on) {
  return call([&] {
    CUstream_st* const stream = find_stream(on);
    if (!stream) return cudaErrorInvalidResourceHandle;
    return copy_later(*stream, {static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes}, kind);
  });
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t on) {
  return call([&] {
    CUstream_st* const stream = find_stream(on);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (width > to_pitch || width > from_pitch || to_pitch > kLargestPitch || from_pitch > kLargestPitch) return cudaErrorInvalidPitchValue;
    return copy_later(*stream, {static_cast<std::byte*>(to), static_cast<const std::byte*>(from), width, height, to_pitch, from_pitch}, kind);
  });
}

cudaError_t cudaMemsetAsync(void* to, int byte, std::size_t bytes, cudaStream_t on) {
  return call([&] {
    CUstream_st* const stream = find_stream(on);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    if (!is(to, bytes, Place::kDevice)) return cudaErrorInvalidValue;
    return put(*stream, [=] {
      if (!is(to, bytes, Place::kDevice)) throw Broken(cudaErrorIllegalAddress, "a fill of memory that was freed before it");
      std::memset(to, byte, bytes);
    });
  });
}

}  // extern "C"
