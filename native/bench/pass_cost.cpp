#include "bench/pass_cost.h"

namespace octet::bench {
namespace {

double bytes_of(const cuda::Matrix& matrix) { return static_cast<double>(cuda::file_row_bytes(matrix.format, matrix.columns)) * matrix.rows; }

}  // namespace

PassCost pass_cost(const cuda::Network& network) {
  const cuda::Architecture& shape = network.architecture;
  PassCost cost{.weight_bytes = bytes_of(network.output_matrix()), .cell_bytes = 2.0 * 2.0 * shape.layers * shape.kv_heads * shape.head_dim,
                .operations_per_row = cuda::operations_per_row(shape)};
  for (const cuda::NetworkLayer& layer : network.layers) {
    for (const auto& part : layer.qkv.parts) cost.weight_bytes += bytes_of(part.matrix.matrix);
    for (const cuda::PackedMatrix* matrix : {&layer.attention_output, &layer.gate_up, &layer.down}) cost.weight_bytes += bytes_of(matrix->matrix);
  }
  return cost;
}

}  // namespace octet::bench
