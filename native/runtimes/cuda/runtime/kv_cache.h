// Keys and values of one network: [layer][keys, values][cells][kv_heads][head_dim].
#pragma once

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/network_source.h"
#include "runtimes/cuda/runtime/prompt_store.h"
#include "runtimes/cuda/tables.h"

namespace octet::cuda {

class KvCache {
 public:
  KvCache(const Architecture& shape, int cells, Precision precision)
      : layers_(shape.layers), cell_bytes_(cell_bytes(shape, precision)), plane_bytes_(cell_bytes_ * cells),
        memory_(bytes(shape, cells, precision)) {}

  /// Device bytes it takes.
  static std::size_t bytes(const Architecture& shape, int cells, Precision precision) {
    return cell_bytes(shape, precision) * static_cast<std::size_t>(cells) * 2 * static_cast<std::size_t>(shape.layers);
  }

  void* keys(int layer) const { return memory_.data() + plane_bytes_ * (2 * layer); }
  void* values(int layer) const { return memory_.data() + plane_bytes_ * (2 * layer + 1); }

  /// The first `count` of the copy's cells (fewer where this network has computed fewer).
  void copy(Stream& stream, const PromptStore::Copy& cells, int count) const {
    if (count > 0)
      stream.copy_rows(memory_.data() + cell_bytes_ * cells.to, memory_.data() + cell_bytes_ * cells.from, cell_bytes_ * count, plane_bytes_,
                       static_cast<std::size_t>(2 * layers_));
  }

 private:
  static std::size_t cell_bytes(const Architecture& shape, Precision precision) {
    return static_cast<std::size_t>(shape.kv_heads) * shape.head_dim * (precision == Precision::kFloat32 ? 4 : 2);
  }

  int layers_;
  std::size_t cell_bytes_, plane_bytes_;
  DeviceArray<std::byte> memory_;
};

}  // namespace octet::cuda
