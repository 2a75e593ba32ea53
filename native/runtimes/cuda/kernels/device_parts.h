// One allocation of device memory given out in parts, so that its size can be told without making it.
#pragma once

#include <cstddef>

namespace octet::cuda {

/// With no memory, counts what the parts would take.
struct DeviceParts {
  std::byte* memory = nullptr;
  std::size_t used = 0;

  /// 256-byte aligned.
  template <class T>
  T* take(std::size_t count) {
    T* const part = memory ? reinterpret_cast<T*>(memory + used) : nullptr;
    used += (count * sizeof(T) + 255) / 256 * 256;
    return part;
  }
};

}  // namespace octet::cuda
