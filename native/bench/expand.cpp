#include "bench/expand.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <thread>

#include "bench/quantise.h"
#include "bench/synthetic_network.h"

namespace octet::bench {
namespace {

using namespace cuda;

// Random values of a matrix: a function of matrix, row and column (SplitMix64's finaliser, by S. Vigna, public domain).
class Noise {
 public:
  Noise(std::uint64_t matrix, float amplitude) : matrix_(matrix << 48), amplitude_(amplitude) {}
  float at(int row, int column) const {
    std::uint64_t x = (matrix_ ^ static_cast<std::uint64_t>(row) << 24 ^ static_cast<std::uint64_t>(column)) + 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return (static_cast<float>(x >> 40) * 0x1p-23f - 1.0f) * amplitude_;
  }

 private:
  std::uint64_t matrix_;
  float amplitude_;
};

/// Writes row i of a matrix, all its columns.
using RowOf = std::function<void(int row, std::span<float> to)>;

// The matrix as a file would hold it.
std::vector<std::byte> file_bytes(WeightFormat format, int rows, int columns, const RowOf& row_of) {
  const std::size_t row_bytes = file_row_bytes(format, columns);
  std::vector<std::byte> bytes(row_bytes * static_cast<std::size_t>(rows));
  std::atomic<int> next = 0;
  const auto work = [&] {
    std::vector<float> row(static_cast<std::size_t>(columns));
    for (int i; (i = next++) < rows;) {
      row_of(i, row);
      quantise_row(format, row, bytes.data() + static_cast<std::size_t>(i) * row_bytes);
    }
  };
  const unsigned helpers = bytes.size() < (std::size_t{1} << 20) ? 0 : std::min(std::max(std::thread::hardware_concurrency(), 1u) - 1, 15u);
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < helpers; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return bytes;
}

bool is_quantised(WeightFormat format) { return file_row_bytes(format, 256) < 2 * 256; }

class Expansion {
 public:
  Expansion(Stream& stream, const SmallNetwork& small, const Architecture& shape, WeightFormat format)
      : stream_(stream), small_(small), from_(small.architecture), to_(shape), format_(format) {
    const auto too_small = [&](const std::string& what, int have, int want) {
      throw std::invalid_argument("the shape " + shape.name + " is too small to hold the network: " + what + " " + std::to_string(have) +
                                  ", at least " + std::to_string(want) + " wanted");
    };
    const auto holds = [&](const char* what, int have, int want) {
      if (have < want) too_small(what, have, want);
    };
    holds("layers", to_.layers, from_.layers);
    holds("heads to a key head", to_.heads / to_.kv_heads, from_.heads / from_.kv_heads);
    holds("key heads", to_.kv_heads, from_.kv_heads);
    holds("head dimension", to_.head_dim, from_.head_dim);
    holds("feed-forward units", to_.feed_forward, from_.feed_forward);
    holds("vocabulary", to_.vocabulary, from_.vocabulary);
    const int spare_needed = to_.vocabulary > from_.vocabulary ? 1 : 0;
    holds("width", to_.width, from_.width + spare_needed);
    if (is_quantised(format) && from_.width % 32 != 0) throw std::invalid_argument("a network " + std::to_string(from_.width) +
        " wide does not fill blocks of 32");
    copies_ = (to_.width - spare_needed) / from_.width;
    used_ = copies_ * from_.width;
    const double share = static_cast<double>(used_) / to_.width;
    norm_ = static_cast<float>(std::sqrt(share) / copies_);
    const double epsilon = share * from_.norm_epsilon;
    const int spare = to_.width - used_;
    if (spare_needed != 0) constant_ = static_cast<float>(std::sqrt(epsilon * to_.width / (2 * spare)));  // half of epsilon is its square
    to_.norm_epsilon = static_cast<float>(epsilon - static_cast<double>(constant_) * constant_ * spare / to_.width);
    if (spare_needed != 0) loud_ = static_cast<float>(-kPaddingLogit / (static_cast<double>(spare) * kAgainst * constant_));
    const bool halves = to_.rope.halves;
    to_.rope = from_.rope;
    to_.rope.halves = halves;
    // The small head's pairs keep their frequencies, and YaRN's ramp its place among them: both go by dimensions / log(base).
    to_.rope.dimensions = to_.head_dim;
    to_.rope.base = static_cast<float>(std::pow(static_cast<double>(from_.rope.base), static_cast<double>(to_.head_dim) / from_.head_dim));
  }

  std::optional<Network> make(const std::function<bool(float)>& progress) {
    Network network{.architecture = to_};
    const auto goes_on = [&](int done) { return !progress || progress(static_cast<float>(done) / static_cast<float>(to_.layers + 1)); };
    if (!goes_on(0)) return std::nullopt;
    network.embedding = matrix(to_.vocabulary, to_.width, embedding_rows(small_.embedding, constant_, next_noise(to_.width)), embedding_format());
    if (small_.output) network.output = matrix(to_.vocabulary, to_.width, embedding_rows(*small_.output, 0, next_noise(to_.width)), format_);
    network.output_norm = norm(small_.output_norm, loud_);
    for (int i = 0; i < to_.layers; ++i) {
      if (!goes_on(i + 1)) return std::nullopt;
      if (i < from_.layers) network.layers.push_back(layer(small_.layers[static_cast<std::size_t>(i)]));
      else network.layers.push_back(synthetic_layer(stream_, to_, format_, static_cast<std::uint32_t>(i), true));
    }
    stream_.synchronize();
    return network;
  }

 private:
  static constexpr float kAgainst = 64;  // padding tokens' weight on the constant channels, negative

  Noise next_noise(int columns) { return {++matrices_, std::sqrt(3.0f / static_cast<float>(columns))}; }

  // The small constant needs a super-block to itself. An embedding that is not the output costs next to nothing.
  WeightFormat embedding_format() const {
    const WeightFormat format = format_for(format_, to_.width);
    const bool coarse = is_quantised(format) && (small_.output || (format != format_for(format, 32) && used_ % 256 != 0));
    return coarse ? WeightFormat::kQ8_0 : format;
  }

  PackedMatrix matrix(int rows, int columns, const RowOf& row_of, WeightFormat wanted) const {
    const WeightFormat format = format_for(wanted, columns);
    return pack(format, rows, columns, file_bytes(format, rows, columns, row_of));
  }

  DeviceArray<float> norm(const std::vector<float>& weights, float spare) const {
    std::vector<float> all(static_cast<std::size_t>(to_.width), spare);
    for (int c = 0; c < used_; ++c) all[static_cast<std::size_t>(c)] = weights[static_cast<std::size_t>(c % from_.width)] * norm_;
    return DeviceArray<float>(all);
  }

  // A row that reads the residual stream: the small one's repeated, times `factor`; noise where nothing is read.
  void reading_row(const float* small, float factor, const Noise& noise, int row, std::span<float> to) const {
    for (int c = 0; c < used_; ++c) to[static_cast<std::size_t>(c)] = small[c % from_.width] * factor;
    for (int c = used_; c < to_.width; ++c) to[static_cast<std::size_t>(c)] = noise.at(row, c);
  }
  static void noise_row(const Noise& noise, int row, std::span<float> to) {
    for (std::size_t c = 0; c < to.size(); ++c) to[c] = noise.at(row, static_cast<int>(c));
  }

  RowOf embedding_rows(const FloatMatrix& small, float known, Noise noise) const {
    return [this, &small, known, noise](int row, std::span<float> to) {
      const bool padding = row >= from_.vocabulary;
      if (padding) noise_row(noise, row, to);
      else for (int c = 0; c < used_; ++c) to[static_cast<std::size_t>(c)] = small.row(row)[c % from_.width];
      std::fill(to.begin() + used_, to.end(), padding ? -kAgainst : known);
    };
  }

  // A head of the small network and its dimension, from a row of the large one's queries or keys; -1: added.
  struct HeadPlace {
    int head = -1, dimension = -1;
  };
  HeadPlace turned_place(int row, int small_head) const {
    const int t = row % to_.head_dim, pairs = to_.head_dim / 2;
    const int pair = to_.rope.halves ? t % pairs : t / 2, half = to_.rope.halves ? t / pairs : t % 2;
    if (pair >= from_.head_dim / 2) return {small_head, -1};
    return {small_head, from_.rope.halves ? pair + half * (from_.head_dim / 2) : 2 * pair + half};
  }
  int small_query_head(int head) const {
    const int group = to_.heads / to_.kv_heads, small_group = from_.heads / from_.kv_heads;
    return head / group < from_.kv_heads && head % group < small_group ? head / group * small_group + head % group : -1;
  }
  HeadPlace query_place(int row) const { return turned_place(row, small_query_head(row / to_.head_dim)); }
  HeadPlace key_place(int row) const { return turned_place(row, row / to_.head_dim < from_.kv_heads ? row / to_.head_dim : -1); }
  HeadPlace value_place(int row) const {
    const int head = row / to_.head_dim, t = row % to_.head_dim;
    return {head < from_.kv_heads ? head : -1, t < from_.head_dim ? t : -1};
  }
  int small_row(const HeadPlace& place) const {
    return place.head < 0 || place.dimension < 0 ? -1 : place.head * from_.head_dim + place.dimension;
  }

  JointProduct qkv(const SmallLayer& layer) {
    const int q_rows = to_.heads * to_.head_dim, kv_rows = to_.kv_heads * to_.head_dim;
    const float q_factor = std::sqrt(static_cast<float>(to_.head_dim) / static_cast<float>(from_.head_dim));
    const Noise noise = next_noise(to_.width);
    const std::vector<float> zeros(static_cast<std::size_t>(from_.width), 0.0f);
    struct Origin {
      const FloatMatrix* matrix;
      const std::vector<float>* bias;
      float factor;
      int row;      // Of it; -1: none.
      bool silent;  // An added dimension of keys that are compared.
    };
    const auto origin_of = [&](int row) -> Origin {
      if (row < q_rows) return {&layer.q, &layer.q_bias, q_factor, small_row(query_place(row)), false};
      const HeadPlace key = key_place(row - q_rows);
      if (row < q_rows + kv_rows) return {&layer.k, &layer.k_bias, 1, small_row(key), key.head >= 0 && key.dimension < 0};
      return {&layer.v, &layer.v_bias, 1, small_row(value_place(row - q_rows - kv_rows)), false};
    };
    JointProduct joint{.rows = q_rows + 2 * kv_rows};
    const std::vector<int> order = qkv_order(to_);
    const auto row_of = [&](int packed, std::span<float> to) {
      const int row = order[static_cast<std::size_t>(packed)];
      const Origin origin = origin_of(row);
      if (origin.row >= 0) reading_row(origin.matrix->row(origin.row), origin.factor, noise, row, to);
      else if (origin.silent) reading_row(zeros.data(), 0, noise, row, to);
      else noise_row(noise, row, to);
    };
    joint.parts.push_back({matrix(joint.rows, to_.width, row_of, format_), 0});
    if (!layer.q_bias.empty()) {
      std::vector<float> bias(static_cast<std::size_t>(joint.rows));
      for (int packed = 0; packed < joint.rows; ++packed) {
        const int row = order[static_cast<std::size_t>(packed)];
        const Origin origin = origin_of(row);
        bias[static_cast<std::size_t>(packed)] = origin.row >= 0 ? (*origin.bias)[static_cast<std::size_t>(origin.row)] * origin.factor : origin.silent ? 0 : noise.at(row, 0);
      }
      joint.bias = DeviceArray<float>(bias);
    }
    return joint;
  }

  // A matrix that writes the residual stream: rows repeated, added columns and spare channels zero. small_column(c) is -1 where added.
  PackedMatrix writing(const FloatMatrix& small, int columns, const std::function<int(int)>& small_column) const {
    std::vector<int> origin(static_cast<std::size_t>(columns));
    for (int c = 0; c < columns; ++c) origin[static_cast<std::size_t>(c)] = small_column(c);
    return matrix(to_.width, columns, [&](int row, std::span<float> to) {
      for (std::size_t c = 0; c < to.size(); ++c) to[c] = row < used_ && origin[c] >= 0 ? small.row(row % from_.width)[origin[c]] : 0.0f;
    }, format_);
  }

  PackedMatrix gate_up(const SmallLayer& layer) {
    const WeightFormat format = format_for(format_, to_.width);
    const auto rows = [&](const FloatMatrix& small, Noise noise) {
      return file_bytes(format, to_.feed_forward, to_.width, [&, noise](int row, std::span<float> to) {
        if (row < from_.feed_forward) reading_row(small.row(row), 1, noise, row, to);
        else noise_row(noise, row, to);
      });
    };
    const Noise first = next_noise(to_.width), second = next_noise(to_.width);
    return pack_interleaved(format, to_.feed_forward, to_.width, rows(layer.gate, first), rows(layer.up, second));
  }

  NetworkLayer layer(const SmallLayer& small) {
    NetworkLayer layer{.attention_norm = norm(small.attention_norm, 0), .feed_forward_norm = norm(small.feed_forward_norm, 0)};
    layer.qkv = qkv(small);
    layer.attention_output = writing(small.attention_output, to_.heads * to_.head_dim, [&](int column) {
      const int t = column % to_.head_dim;
      return small_row({small_query_head(column / to_.head_dim), t < from_.head_dim ? t : -1});
    });
    layer.gate_up = gate_up(small);
    layer.down = writing(small.down, to_.feed_forward, [&](int column) { return column < from_.feed_forward ? column : -1; });
    return layer;
  }

  Stream& stream_;
  const SmallNetwork& small_;
  const Architecture& from_;
  Architecture to_;
  WeightFormat format_;
  int copies_ = 1, used_ = 0;
  float norm_ = 1, constant_ = 0, loud_ = 0;
  std::uint64_t matrices_ = 0;
};

}  // namespace

WeightFormat format_for(WeightFormat wanted, int columns) {
  const bool k_quant = wanted == WeightFormat::kQ4_K || wanted == WeightFormat::kQ6_K;
  return k_quant && columns % 256 != 0 ? WeightFormat::kQ8_0 : wanted;
}

std::optional<Network> expand(Stream& stream, const SmallNetwork& small, const Architecture& shape, WeightFormat format,
                              const std::function<bool(float)>& progress) {
  return Expansion(stream, small, shape, format).make(progress);
}

}  // namespace octet::bench
