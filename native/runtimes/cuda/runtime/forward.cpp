#include "runtimes/cuda/runtime/forward.h"

#include "runtimes/cuda/kernels/attention_rows.h"
#include "runtimes/cuda/kernels/layers.h"

namespace octet::cuda {
namespace {

std::size_t element_bytes(Precision precision) { return precision == Precision::kFloat32 ? 4 : 2; }

HeadShape heads_of(const Architecture& shape) { return {shape.heads, shape.kv_heads, shape.head_dim}; }

bool on_tensor_cores(const Architecture& shape, Precision precision) {
  return precision == Precision::kBf16 && attends_on_tensor_cores(heads_of(shape));
}

}  // namespace

Activations::Activations(const Architecture& shape, Precision precision, int rows, const DeviceInfo& device)
    : rows_(rows),
      precision_(precision),
      residual_(static_cast<std::size_t>(rows) * shape.width),
      qkv_(static_cast<std::size_t>(rows) * (shape.heads + 2 * shape.kv_heads) * shape.head_dim),
      x_(static_cast<std::size_t>(rows) * shape.width * element_bytes(precision)),
      q_(static_cast<std::size_t>(rows) * shape.heads * shape.head_dim * element_bytes(precision)),
      attended_(q_.size()),
      hidden_(static_cast<std::size_t>(rows) * shape.feed_forward * element_bytes(precision)),
      products_(device) {
  if (on_tensor_cores(shape, precision)) attention_.emplace(heads_of(shape), rows, device);
}

std::size_t Activations::bytes(const Architecture& shape, Precision precision, int rows, const DeviceInfo& device) {
  const auto wide = [](int value) { return static_cast<std::size_t>(value); };
  const std::size_t floats = wide(shape.width) + wide((shape.heads + 2 * shape.kv_heads) * shape.head_dim);
  const std::size_t elements = wide(shape.width) + 2 * wide(shape.heads * shape.head_dim) + wide(shape.feed_forward);
  const std::size_t attention = on_tensor_cores(shape, precision) ? AttentionWorkspace::bytes(heads_of(shape), rows, device) : 0;
  return wide(rows) * (floats * sizeof(float) + elements * element_bytes(precision)) + GemmWorkspace::bytes(device) + attention;
}

void Forward::pass(Stream& stream, const Batch& batch) const {
  if (memory_.attention_) plan_attention(stream, *memory_.attention_, batch, heads_of(shape()), form_);
  embed(stream, network_.embedding.matrix, batch, memory_.residual_.data());
  for (std::size_t i = 0; i < network_.layers.size(); ++i) layer(stream, batch, static_cast<int>(i));
}

void Forward::layer(Stream& stream, const Batch& batch, int index) const {
  const Architecture& shape = network_.architecture;
  const NetworkLayer& layer = network_.layers[static_cast<std::size_t>(index)];
  const HeadShape heads = heads_of(shape);
  const Precision precision = memory_.precision_;
  const int rows = batch.rows();
  float* const residual = memory_.residual_.data();
  const auto product = [&](const Matrix& weights, const void* x, Epilogue epilogue, void* y, int stride, const float* bias = nullptr) {
    gemm(stream, memory_.products_,
         {.weights = weights, .x = x, .n = rows, .epilogue = epilogue, .bias = bias, .y = y, .y_stride = stride, .precision = precision});
  };
  rms_norm(stream, residual, layer.attention_norm.data(), shape.norm_epsilon, rows, shape.width, precision, memory_.x_.data());
  for (const JointProduct::Part& part : layer.qkv.parts) {
    const float* const bias = layer.qkv.bias.size() ? layer.qkv.bias.data() + part.first_row : nullptr;
    product(part.matrix.matrix, memory_.x_.data(), Epilogue::kStore, memory_.qkv_.data() + part.first_row, layer.qkv.rows, bias);
  }
  rope_and_store(stream, batch,
                 {.shape = heads, .product = memory_.qkv_.data(), .q_norm = layer.q_norm.data(), .k_norm = layer.k_norm.data(),
                  .epsilon = shape.norm_epsilon, .rope = shape.rope, .rope_factors = network_.rope_factors.data(), .precision = precision,
                  .q = memory_.q_.data(), .keys = cache_.keys(index), .values = cache_.values(index)});
  const void *const q = memory_.q_.data(), *const keys = cache_.keys(index), *const values = cache_.values(index);
  if (memory_.attention_) attend(stream, *memory_.attention_, batch, heads, q, keys, values, memory_.attended_.data());
  else attend_rows(stream, batch, heads, q, keys, values, precision, memory_.attended_.data());
  product(layer.attention_output.matrix, memory_.attended_.data(), Epilogue::kAdd, residual, shape.width);
  rms_norm(stream, residual, layer.feed_forward_norm.data(), shape.norm_epsilon, rows, shape.width, precision, memory_.x_.data());
  product(layer.gate_up.matrix, memory_.x_.data(), Epilogue::kSwiGlu, memory_.hidden_.data(), shape.feed_forward);
  product(layer.down.matrix, memory_.hidden_.data(), Epilogue::kAdd, residual, shape.width);
}

void Forward::logits(Stream& stream, const Batch& batch, int first, int count, float* logits) const {
  const Architecture& shape = network_.architecture;
  const int rows = batch.lanes * count;
  const float* wanted = memory_.residual_.data();
  if (count != batch.rows_per_lane) {
    gather_rows(stream, memory_.residual_.data(), batch.lanes, batch.rows_per_lane, first, count, shape.width, memory_.qkv_.data());
    wanted = memory_.qkv_.data();
  }
  rms_norm(stream, wanted, network_.output_norm.data(), shape.norm_epsilon, rows, shape.width, memory_.precision_, memory_.x_.data());
  gemm(stream, memory_.products_,
       {.weights = network_.output_matrix(), .x = memory_.x_.data(), .n = rows, .epilogue = Epilogue::kStore, .y = logits,
        .y_stride = shape.vocabulary, .precision = memory_.precision_});
}

}  // namespace octet::cuda
