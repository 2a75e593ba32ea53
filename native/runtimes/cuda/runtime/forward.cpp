#include "runtimes/cuda/runtime/forward.h"

#include <algorithm>
#include <stdexcept>

#include "runtimes/cuda/kernels/attention_rows.h"
#include "runtimes/cuda/kernels/layers.h"

namespace octet::cuda {
namespace {

std::size_t element_bytes(Precision precision) { return precision == Precision::kFloat32 ? 4 : 2; }

bool on_tensor_cores(const Architecture& shape, Precision precision) {
  return precision == Precision::kBf16 && attends_on_tensor_cores(heads_of(shape));
}

std::size_t squares_of(const Architecture& shape, int rows) {
  const auto of = [&](int most) {
    const int folded = std::min(rows, most);
    return static_cast<std::size_t>(folded) * static_cast<std::size_t>(shape.width / norm_group(shape.width, folded));
  };
  return std::max(of(kFewRows), of(kMostFoldedRows));
}

bool takes(const PackedMatrix& packed) { return takes_tensor_cores(packed.matrix); }
bool takes(const JointProduct& joint) {
  return std::all_of(joint.parts.begin(), joint.parts.end(), [](const JointProduct::Part& part) { return takes(part.matrix); });
}

bool may_fold_norms(const Network& network) {
  return network.architecture.width % kNormGroup == 0 && takes_tensor_cores(network.output_matrix()) &&
         std::all_of(network.layers.begin(), network.layers.end(), [](const NetworkLayer& layer) {
           return takes(layer.qkv) && takes(layer.attention_output) && takes(layer.gate_up) && takes(layer.down);
         });
}

// Norms of queries and keys want whole heads, which a thread of a product does not have.
bool may_fuse_heads(const NetworkLayer& layer) { return takes(layer.qkv) && layer.q_norm.size() == 0; }
bool may_fuse_heads(const LayerSource& layer) {
  const auto takes = [](const TensorSource& tensor) {
    return takes_tensor_cores({.format = tensor.format, .rows = tensor.rows, .columns = tensor.columns});
  };
  return takes(layer.q) && takes(layer.k) && takes(layer.v) && !layer.q_norm.present();
}

PassNeeds pass_needs_of(const auto& network, Precision precision) {
  return {network.architecture, precision == Precision::kBf16 && heads_of(network.architecture).pairs_rows() &&
                                    std::all_of(network.layers.begin(), network.layers.end(), [](const auto& layer) { return may_fuse_heads(layer); })};
}

// Floats of the product of queries, keys and values, where that has no place of its own.
std::size_t product_floats(const PassNeeds& shape, int rows) {
  return shape.fuses_heads ? 0 : static_cast<std::size_t>(rows) * static_cast<std::size_t>(heads_of(shape.architecture).rows());
}

// Bytes of the hidden layer, or of as many rows of the residual stream.
std::size_t hidden_bytes(const Architecture& shape, Precision precision, int rows) {
  const std::size_t hidden = static_cast<std::size_t>(shape.feed_forward) * element_bytes(precision), residual = static_cast<std::size_t>(shape.width) * sizeof(float);
  return static_cast<std::size_t>(rows) * std::max(hidden, residual);
}

}  // namespace

PassNeeds pass_needs(const Network& network, Precision precision) { return pass_needs_of(network, precision); }
PassNeeds pass_needs(const NetworkSource& source, Precision precision) { return pass_needs_of(source, precision); }

Activations::Activations(const PassNeeds& pass, Precision precision, int rows, const DeviceInfo& device, const GemmChoices* choices)
    : Activations(pass.architecture, product_floats(pass, rows), precision, rows, device, choices) {}

Activations::Activations(const Architecture& shape, std::size_t product_floats, Precision precision, int rows, const DeviceInfo& device,
                         const GemmChoices* choices)
    : rows_(rows),
      precision_(precision),
      residual_(static_cast<std::size_t>(rows) * shape.width),
      squares_(precision == Precision::kBf16 ? squares_of(shape, rows) : 0),
      qkv_(product_floats),
      cells_(static_cast<std::size_t>(rows)),
      turns_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(pairs_of(shape).turned)),
      x_(static_cast<std::size_t>(rows) * shape.width * element_bytes(precision)),
      q_(static_cast<std::size_t>(rows) * shape.heads * shape.head_dim * element_bytes(precision)),
      attended_(q_.size()),
      hidden_(hidden_bytes(shape, precision, rows)),
      products_(device, wgmma_asked(), choices) {
  if (on_tensor_cores(shape, precision)) attention_.emplace(heads_of(shape), rows, device);
}

std::size_t Activations::bytes(const PassNeeds& pass, Precision precision, int rows, const DeviceInfo& device) {
  const Architecture& shape = pass.architecture;
  const auto wide = [](int value) { return static_cast<std::size_t>(value); };
  const std::size_t floats = wide(rows) * wide(shape.width) + product_floats(pass, rows);
  const std::size_t elements = wide(rows) * (wide(shape.width) + 2 * wide(shape.heads * shape.head_dim));
  const std::size_t attention = on_tensor_cores(shape, precision) ? AttentionWorkspace::bytes(heads_of(shape), rows, device) : 0;
  const std::size_t squares = precision == Precision::kBf16 ? squares_of(shape, rows) * sizeof(float) : 0;
  const std::size_t table = sizeof(int) + wide(pairs_of(shape).turned) * sizeof(Turn);
  return floats * sizeof(float) + elements * element_bytes(precision) + hidden_bytes(shape, precision, rows) + wide(rows) * table + squares +
         GemmWorkspace::bytes(device) + attention;
}

Forward::Forward(const Network& network, const KvCache& cache, const Activations& activations, RaggedForm form, bool fused)
    : network_(network), cache_(cache), memory_(activations), form_(form),
      may_fold_norms_(fused && activations.precision() == Precision::kBf16 && may_fold_norms(network)),
      fuses_heads_(fused && pass_needs(network, activations.precision()).fuses_heads) {
  if (!fuses_heads_ && activations.qkv_.size() == 0) throw std::logic_error("there is no room for queries, keys and values");
}

OutputNorm Forward::before(const DeviceArray<float>& norm, int rows) const {
  if (!folds_norms(rows)) return {};
  return {.weight = norm.data(), .h = reinterpret_cast<Bf16*>(memory_.x_.data()), .squares = memory_.squares_.data(), .group = norm_group(shape().width, rows)};
}

InputNorm Forward::folded(int rows) const {
  if (!folds_norms(rows)) return {};
  const int group = norm_group(shape().width, rows);
  return {.squares = memory_.squares_.data(), .stride = shape().width / group, .group = group, .epsilon = shape().norm_epsilon};
}

void Forward::normalise(Stream& stream, const DeviceArray<float>& norm, int rows) const {
  if (folds_norms(rows)) return;
  rms_norm(stream, memory_.residual_.data(), norm.data(), shape().norm_epsilon, rows, shape().width, memory_.precision_, memory_.x_.data());
}

void Forward::pass(Stream& stream, const Batch& batch) const {
  if (memory_.attention_) plan_attention(stream, *memory_.attention_, batch, heads_of(shape()), form_);
  embed(stream, network_.embedding.matrix, batch, memory_.residual_.data(), before(network_.layers.front().attention_norm, batch.rows()),
        {.rope = shape().rope, .factors = network_.rope_factors.data(), .table = {memory_.cells_.data(), memory_.turns_.data()}});
  for (std::size_t i = 0; i < network_.layers.size(); ++i) layer(stream, batch, static_cast<int>(i));
}

LayerProducts Forward::products(int index, int rows) const {
  const Architecture& shape = network_.architecture;
  const auto at = static_cast<std::size_t>(index);
  const NetworkLayer& layer = network_.layers[at];
  const DeviceArray<float>& next_norm = at + 1 < network_.layers.size() ? network_.layers[at + 1].attention_norm : network_.output_norm;
  float* const residual = memory_.residual_.data();
  const void* const x = memory_.x_.data();
  LayerProducts products;
  for (const JointProduct::Part& part : layer.qkv.parts) {
    Gemm call{.weights = part.matrix.matrix, .x = x, .bias = layer.qkv.bias.size() ? layer.qkv.bias.data() + part.first_row : nullptr, .norm = folded(rows)};
    if (fuses_heads_) {
      call.epilogue = Epilogue::kHeads;
      call.heads = {.shape = heads_of(shape), .pairs = pairs_of(shape), .first_row = part.first_row, .table = {memory_.cells_.data(), memory_.turns_.data()},
                    .q = reinterpret_cast<Bf16*>(memory_.q_.data()), .keys = static_cast<Bf16*>(cache_.keys(index)),
                    .values = static_cast<Bf16*>(cache_.values(index))};
    } else {
      call.y = memory_.qkv_.data() + part.first_row;
      call.y_stride = layer.qkv.rows;
    }
    products.qkv.push_back(call);
  }
  products.attention_output = {.weights = layer.attention_output.matrix, .x = memory_.attended_.data(), .epilogue = Epilogue::kAdd, .y = residual,
                               .y_stride = shape.width, .next = before(layer.feed_forward_norm, rows)};
  products.gate_up = {.weights = layer.gate_up.matrix, .x = x, .epilogue = Epilogue::kSwiGlu, .y = memory_.hidden_.data(), .y_stride = shape.feed_forward,
                      .norm = folded(rows)};
  products.down = {.weights = layer.down.matrix, .x = memory_.hidden_.data(), .epilogue = Epilogue::kAdd, .y = residual, .y_stride = shape.width,
                   .next = before(next_norm, rows)};
  const auto of_this_pass = [&](Gemm& call) {
    call.n = rows;
    call.precision = memory_.precision_;
  };
  for (Gemm& part : products.qkv) of_this_pass(part);
  for (Gemm* call : {&products.attention_output, &products.gate_up, &products.down}) of_this_pass(*call);
  return products;
}

Gemm Forward::output_product(int rows, int count, float* logits) const {
  return {.weights = network_.output_matrix(), .x = memory_.x_.data(), .n = count, .epilogue = Epilogue::kStore, .y = logits,
          .y_stride = shape().vocabulary, .precision = memory_.precision_, .norm = folded(rows)};
}

void Forward::layer(Stream& stream, const Batch& batch, int index) const {
  const Architecture& shape = network_.architecture;
  const NetworkLayer& layer = network_.layers[static_cast<std::size_t>(index)];
  const HeadShape heads = heads_of(shape);
  const Precision precision = memory_.precision_;
  const int rows = batch.rows();
  const LayerProducts products = this->products(index, rows);
  normalise(stream, layer.attention_norm, rows);
  for (const Gemm& part : products.qkv) gemm(stream, memory_.products_, part);
  if (!fuses_heads_)
    rope_and_store(stream, rows,
                   {.shape = heads, .pairs = pairs_of(shape), .product = memory_.qkv_.data(), .q_norm = layer.q_norm.data(), .k_norm = layer.k_norm.data(),
                    .epsilon = shape.norm_epsilon, .table = {memory_.cells_.data(), memory_.turns_.data()}, .precision = precision, .q = memory_.q_.data(),
                    .keys = cache_.keys(index), .values = cache_.values(index)});
  const void *const q = memory_.q_.data(), *const keys = cache_.keys(index), *const values = cache_.values(index);
  if (memory_.attention_) attend(stream, *memory_.attention_, batch, heads, q, keys, values, memory_.attended_.data());
  else attend_rows(stream, batch, heads, q, keys, values, precision, memory_.attended_.data());
  gemm(stream, memory_.products_, products.attention_output);
  normalise(stream, layer.feed_forward_norm, rows);
  gemm(stream, memory_.products_, products.gate_up);
  gemm(stream, memory_.products_, products.down);
}

void Forward::logits(Stream& stream, const Batch& batch, int first, int count, float* logits) const {
  const Architecture& shape = network_.architecture;
  const int rows_per_lane = batch.rows_per_lane;
  Gemm output = output_product(batch.rows(), batch.lanes * count, logits);
  if (folds_norms(batch.rows())) {
    // The wanted rows as they lie: one run, or where they are not evenly apart, one of each lane.
    const bool one_run = count == rows_per_lane || count == 1 || batch.lanes == 1;
    const int runs = one_run ? 1 : batch.lanes, apart = count == 1 ? rows_per_lane : 1;
    output.n /= runs;
    for (int run = 0; run < runs; ++run) {
      const auto row = static_cast<std::size_t>(run * rows_per_lane + first);
      output.norm = folded(batch.rows());  // anew for every run
      output.x = memory_.x_.data() + row * static_cast<std::size_t>(shape.width) * sizeof(Bf16);
      output.x_stride = apart * shape.width;
      output.norm.squares += row * static_cast<std::size_t>(output.norm.stride);
      output.norm.stride *= apart;
      output.y = logits + static_cast<std::size_t>(run) * static_cast<std::size_t>(count) * static_cast<std::size_t>(shape.vocabulary);
      gemm(stream, memory_.products_, output);
    }
    return;
  }
  const float* wanted = memory_.residual_.data();
  if (count != rows_per_lane) {
    auto* const gathered = reinterpret_cast<float*>(memory_.hidden_.data());
    gather_rows(stream, wanted, batch.lanes, rows_per_lane, first, count, shape.width, gathered);
    wanted = gathered;
  }
  rms_norm(stream, wanted, network_.output_norm.data(), shape.norm_epsilon, output.n, shape.width, memory_.precision_, memory_.x_.data());
  gemm(stream, memory_.products_, output);
}

}  // namespace octet::cuda
