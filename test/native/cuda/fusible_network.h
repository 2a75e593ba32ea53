// Networks small enough for kernels on the host whose matrices tensor cores take, and their forward passes by fused and by separate kernels.
#pragma once

#include <cmath>
#include <list>
#include <optional>
#include <random>
#include <vector>

#include "bench/quantise.h"
#include "runtimes/cuda/runtime/forward.h"

namespace octet::cuda::testing {

struct FusibleShape {
  const char* name;
  HeadShape heads;
  RopeParameters rope;
  WeightFormat format = WeightFormat::kBf16;
  WeightFormat value_format = WeightFormat::kBf16;  ///< Another than `format` makes the joint product of two parts and more.
  bool biases = false, factors = false, head_norms = false;
  int width = 128, layers = 2;
};

/// A description with the memory it points into.
class FusibleNetwork {
 public:
  FusibleNetwork(const FusibleShape& shape, unsigned seed) : random_(seed) {
    Architecture& a = source.architecture;
    const auto [heads, kv_heads, dim] = shape.heads;
    a = {.name = "llama", .layers = shape.layers, .width = shape.width, .heads = heads, .kv_heads = kv_heads, .head_dim = dim, .feed_forward = 256,
         .vocabulary = 50, .context = 4096, .norm_epsilon = 1e-3f, .rope = shape.rope};
    source.embedding = matrix(WeightFormat::kF32, a.vocabulary, a.width, 20);
    source.output = matrix(WeightFormat::kBf16, a.vocabulary, a.width, 1);
    source.output_norm = vector(a.width, 1, 0.3f);
    if (shape.factors) source.rope_factors = vector(a.rope.dimensions / 2, 3, 0.5f);
    for (int i = 0; i < a.layers; ++i) {
      LayerSource layer;
      layer.attention_norm = vector(a.width, 1, 0.3f);
      layer.feed_forward_norm = vector(a.width, 1, 0.3f);
      layer.q = matrix(shape.format, heads * dim, a.width, 1);
      layer.k = matrix(shape.format, kv_heads * dim, a.width, 1);
      layer.v = matrix(shape.value_format, kv_heads * dim, a.width, 1);
      if (shape.biases) layer.q_bias = vector(heads * dim, 0, 1), layer.k_bias = vector(kv_heads * dim, 0, 1), layer.v_bias = vector(kv_heads * dim, 0, 1);
      if (shape.head_norms) layer.q_norm = vector(dim, 1, 0.3f), layer.k_norm = vector(dim, 1, 0.3f);
      // What the layers add is as large as what they find, so that no layer's mistake is lost.
      layer.attention_output = matrix(WeightFormat::kBf16, a.width, heads * dim, 10);
      layer.gate = matrix(shape.format, a.feed_forward, a.width, 1);
      layer.up = matrix(shape.format, a.feed_forward, a.width, 1);
      layer.down = matrix(shape.format, a.width, a.feed_forward, 10);
      source.layers.push_back(layer);
    }
  }
  FusibleNetwork(const FusibleNetwork&) = delete;

  Network network() const { return *load_network(source, {}); }

  NetworkSource source;

 private:
  TensorSource keep(WeightFormat format, int rows, int columns, std::vector<std::byte> bytes) {
    return {.format = format, .rows = rows, .columns = columns, .bytes = memory_.emplace_back(std::move(bytes))};
  }
  TensorSource matrix(WeightFormat format, int rows, int columns, float gain) {
    const std::size_t row_bytes = file_row_bytes(format, columns);
    std::vector<std::byte> bytes(row_bytes * static_cast<std::size_t>(rows));
    std::vector<float> row(static_cast<std::size_t>(columns));
    for (int i = 0; i < rows; ++i) {
      for (float& x : row) x = gain / std::sqrt(static_cast<float>(columns)) * normal_(random_);
      bench::quantise_row(format, row, bytes.data() + row_bytes * static_cast<std::size_t>(i));
    }
    return keep(format, rows, columns, std::move(bytes));
  }
  TensorSource vector(int columns, float mean, float spread) {
    std::vector<float> values(static_cast<std::size_t>(columns));
    for (float& x : values) x = mean + spread * normal_(random_);
    const auto bytes = std::as_bytes(std::span(values));
    return keep(WeightFormat::kF32, 1, columns, {bytes.begin(), bytes.end()});
  }

  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::list<std::vector<std::byte>> memory_;
};

/// A network with cache and memory of its own, some of the cache filled: a prompt of 7 in cells 3 .. 9 that three lanes share, tails
/// at 20, 40 and 60. Cells of no prompt are NaN.
class Passes {
 public:
  static constexpr int kCells = 80, kPrompt = 7, kRows = 160;
  static constexpr int kSlots[3] = {0, 4, 2};

  Passes(const Network& network, bool fused, Precision precision = Precision::kBf16)
      : network_(network), cache_(network.architecture, kCells, precision), activations_(fused ? pass_needs(network, precision) : PassNeeds{network.architecture}, precision, kRows, device_info()),
        forward_(network_, cache_, activations_, RaggedForm::kSplit, fused) {
    std::vector<Place> places(kMaxSlots, Place{0, 0, 0});
    places[16] = {0, 0, 3};
    for (int i = 0; i < 3; ++i) places[static_cast<std::size_t>(kSlots[i])] = {3, kPrompt, 20 + 20 * i};
    places_ = DeviceArray<Place>(places);
    run({16}, {5, 1, 2, 3, 4, 5, 6}, {0, 1, 2, 3, 4, 5, 6});
  }

  const Batch& put(const std::vector<int>& slots, const std::vector<int>& tokens, const std::vector<int>& positions) {
    slot_ = DeviceArray<int>(slots);
    token_ = DeviceArray<int>(tokens);
    position_ = DeviceArray<int>(positions);
    batch_ = {static_cast<int>(slots.size()), static_cast<int>(tokens.size() / slots.size()), slot_.data(), token_.data(), position_.data(), places_.data()};
    return batch_;
  }
  /// Logits of every row.
  std::vector<float> run(const std::vector<int>& slots, const std::vector<int>& tokens, const std::vector<int>& positions) {
    put(slots, tokens, positions);
    forward_.pass(stream_, batch_);
    return logits(0, batch_.rows_per_lane);
  }
  std::vector<float> logits(int first, int count) {
    DeviceArray<float> logits(static_cast<std::size_t>(batch_.lanes * count) * static_cast<std::size_t>(network_.architecture.vocabulary));
    forward_.logits(stream_, batch_, first, count, logits.data());
    stream_.synchronize();
    return logits.download();
  }
  /// Kernels of a pass over the batch last put, and of the logits of its last rows.
  std::size_t launches(bool with_logits) {
    DeviceArray<float> logits(static_cast<std::size_t>(batch_.rows()) * static_cast<std::size_t>(network_.architecture.vocabulary));
    stream_.begin_capture();
    if (with_logits) forward_.logits(stream_, batch_, batch_.rows_per_lane - 1, 1, logits.data());
    else forward_.pass(stream_, batch_);
    return stream_.end_capture().nodes();
  }
  /// Keys, then values, of all layers, bit for bit.
  std::vector<std::uint16_t> cache() {
    const Architecture& a = network_.architecture;
    std::vector<std::uint16_t> bits(KvCache::bytes(a, kCells, Precision::kBf16) / 2);
    detail::download(bits.data(), cache_.keys(0), bits.size() * 2);
    return bits;
  }

 private:
  const Network& network_;
  KvCache cache_;
  Activations activations_;
  Forward forward_;
  Stream stream_;
  DeviceArray<Place> places_;
  DeviceArray<int> slot_, token_, position_;
  Batch batch_{};
};

/// |got - want| / |want|, Euclidean norms, over elements for which `counts` holds.
template <class Counts>
double difference(const std::vector<float>& got, const std::vector<float>& want, const Counts& counts) {
  double apart = 0, length = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!counts(i)) continue;
    apart += std::pow(static_cast<double>(got[i]) - want[i], 2.0);
    length += std::pow(static_cast<double>(want[i]), 2.0);
  }
  return std::sqrt(apart / length);
}

}  // namespace octet::cuda::testing
