// Attention, one row and head at a time: the plain form. Exact in float32, the reference for faster ones, and fast enough for
// short contexts; it reads a shared prompt once for every row and head, not once in all.
#pragma once

#include "runtimes/cuda/kernels/layers.h"

namespace octet::cuda {

/// out [rows][heads][head_dim] (Bf16 or float) = softmax(q k^T / sqrt(head_dim)) v over the cells of positions 0 .. position
/// of each row's lane; head h attends with keys and values of head h / (heads / kv_heads). Zeros for inactive rows. What lies
/// in cells beyond a row's position is never read. head_dim up to 256.
void attend_rows(Stream& stream, const Batch& batch, const HeadShape& shape, const void* q, const void* keys, const void* values,
                 Precision precision, void* out);

}  // namespace octet::cuda
