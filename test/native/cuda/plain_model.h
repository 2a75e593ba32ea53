// A tiny network's forward pass in plain loops, every sequence with keys and values of its own. With the engine's HostRuntime on
// top it is what the CUDA runtime's tokens are held against: nothing of it is shared with the kernels.
#pragma once

#include <cmath>
#include <stdexcept>

#include "runtimes/logits_model.h"
#include "tiny_network.h"

namespace octet::cuda::testing {

class PlainModel final : public LogitsModel {
 public:
  static constexpr int kSequences = 20, kSequenceCells = 256;

  /// Does not keep `network`'s memory: that must outlive this.
  explicit PlainModel(const TinyNetwork& network) : source_(network.source), sequences_(kSequences) {}

  int vocabulary() const override { return source_.architecture.vocabulary; }
  int max_sequences() const override { return kSequences; }
  int cache_tokens() const override { return kSequences * kSequenceCells; }
  int max_rows() const override { return 1024; }

  void decode(std::span<const Row> rows) override {
    logits_.clear();
    for (const Row& row : rows) {
      Cells& cells = sequences_.at(static_cast<std::size_t>(row.sequence));
      if (row.position != static_cast<int>(cells.size()) || row.position >= kSequenceCells) throw std::logic_error("rows out of order");
      cells.emplace_back(source_.layers.size());
      logits_.push_back(pass(row.token, row.position, cells));
    }
  }
  std::span<const float> logits(int row) const override { return logits_.at(static_cast<std::size_t>(row)); }

  void share(Sequence from, Sequence to, int length) override {
    const Cells& source = sequences_.at(static_cast<std::size_t>(from));
    sequences_.at(static_cast<std::size_t>(to)) = Cells(source.begin(), source.begin() + length);
  }
  void truncate(Sequence sequence, int length) override {
    Cells& cells = sequences_.at(static_cast<std::size_t>(sequence));
    if (length < static_cast<int>(cells.size())) cells.resize(static_cast<std::size_t>(length));
  }

 private:
  using Vector = std::vector<float>;
  struct KeyValue {
    Vector key, value;
  };
  using Cells = std::vector<std::vector<KeyValue>>;  // [position][layer]

  static const float* row_of(const TensorSource& matrix, int row) {
    return reinterpret_cast<const float*>(matrix.bytes.data()) + static_cast<std::size_t>(row) * static_cast<std::size_t>(matrix.columns);
  }
  static float dot(const float* a, const float* b, int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
    return static_cast<float>(sum);
  }
  static Vector times(const TensorSource& matrix, const Vector& x) {
    Vector y;
    for (int row = 0; row < matrix.rows; ++row) y.push_back(dot(row_of(matrix, row), x.data(), matrix.columns));
    return y;
  }
  static void add(Vector& to, const Vector& x) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += x[i];
  }
  Vector normed(const Vector& x, const TensorSource& weight) const {
    const float mean_square = dot(x.data(), x.data(), weight.columns) / static_cast<float>(weight.columns);
    const float factor = 1 / std::sqrt(mean_square + source_.architecture.norm_epsilon);
    Vector y = x;
    for (std::size_t i = 0; i < y.size(); ++i) y[i] *= factor * row_of(weight, 0)[i];
    return y;
  }
  void turn(Vector& heads, int position) const {
    const Architecture& a = source_.architecture;
    for (std::size_t i = 0; i + 1 < heads.size(); i += 2) {
      const int pair = static_cast<int>(i) % a.head_dim / 2;
      const double angle = position * std::pow(static_cast<double>(a.rope.base), -2.0 * pair / a.head_dim);
      const auto c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
      const float x = heads[i], y = heads[i + 1];
      heads[i] = x * c - y * s;
      heads[i + 1] = x * s + y * c;
    }
  }
  Vector attended(const Vector& q, const Cells& cells, std::size_t layer) const {
    const Architecture& a = source_.architecture;
    Vector out(q.size());
    for (int head = 0; head < a.heads; ++head) {
      const int at = head * a.head_dim, kv_at = head / (a.heads / a.kv_heads) * a.head_dim;
      Vector weights;
      double total = 0;
      for (const auto& cell : cells) {
        const float score = dot(q.data() + at, cell[layer].key.data() + kv_at, a.head_dim);
        weights.push_back(std::exp(score / std::sqrt(static_cast<float>(a.head_dim))));
        total += weights.back();
      }
      for (std::size_t cell = 0; cell < cells.size(); ++cell)
        for (int i = 0; i < a.head_dim; ++i)
          out.data()[at + i] += static_cast<float>(weights[cell] / total) * cells[cell][layer].value.data()[kv_at + i];
    }
    return out;
  }

  Vector pass(Token token, int position, Cells& cells) const {
    Vector residual(row_of(source_.embedding, token), row_of(source_.embedding, token) + source_.embedding.columns);
    for (std::size_t i = 0; i < source_.layers.size(); ++i) {
      const LayerSource& layer = source_.layers[i];
      const Vector x = normed(residual, layer.attention_norm);
      Vector q = times(layer.q, x);
      KeyValue& cell = cells.back()[i];
      cell = {times(layer.k, x), times(layer.v, x)};
      turn(q, position);
      turn(cell.key, position);
      add(residual, times(layer.attention_output, attended(q, cells, i)));
      const Vector y = normed(residual, layer.feed_forward_norm);
      Vector gate = times(layer.gate, y);
      const Vector up = times(layer.up, y);
      for (std::size_t j = 0; j < gate.size(); ++j) gate[j] = gate[j] / (1 + std::exp(-gate[j])) * up[j];
      add(residual, times(layer.down, gate));
    }
    return times(source_.output, normed(residual, source_.output_norm));
  }

  const NetworkSource& source_;
  std::vector<Cells> sequences_;
  std::vector<Vector> logits_;
};

}  // namespace octet::cuda::testing
