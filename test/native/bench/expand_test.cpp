// Expanded networks compute what the small one does; tokens beyond its vocabulary are never drawn.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "bench/chain.h"
#include "bench/expand.h"
#include "bench/synthetic_network.h"
#include "engine/distribution.h"
#include "small_networks.h"

using namespace octet;
using namespace octet::bench;
using cuda::Architecture;
using cuda::Precision;
using cuda::WeightFormat;

namespace {

const std::vector<Token> kTokens = {3, 95, 17, 17, 60, 0, 41, 8, 77};

cuda::Network expanded(const SmallNetwork& small, const Architecture& shape, WeightFormat format) {
  cuda::Stream stream;
  return *expand(stream, small, shape, format, {});
}

// The largest relative difference (Euclidean norms) of rows over the small vocabulary, both moved to mean 0 as tokens' probabilities
// do not tell them apart; and how near padding tokens come to the least of the others.
struct Difference {
  double apart = 0, padding = -1e30;
};
Difference difference(const std::vector<std::vector<float>>& got, const std::vector<std::vector<float>>& want) {
  Difference worst;
  for (std::size_t row = 0; row < want.size(); ++row) {
    const std::size_t known = want[row].size();
    double got_mean = 0, want_mean = 0;
    for (std::size_t i = 0; i < known; ++i) {
      got_mean += got[row][i] / static_cast<double>(known);
      want_mean += want[row][i] / static_cast<double>(known);
    }
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < known; ++i) {
      apart += std::pow(got[row][i] - got_mean - (want[row][i] - want_mean), 2.0);
      size += std::pow(want[row][i] - want_mean, 2.0);
    }
    worst.apart = std::max(worst.apart, std::sqrt(apart / size));
    const double least = *std::min_element(got[row].begin(), got[row].begin() + static_cast<std::ptrdiff_t>(known));
    for (std::size_t i = known; i < got[row].size(); ++i) worst.padding = std::max(worst.padding, got[row][i] - least);
  }
  return worst;
}

Architecture shape_of(int layers, int width, int heads, int kv_heads, int head_dim, int feed_forward, int vocabulary, bool halves) {
  return {.name = "test", .layers = layers, .width = width, .heads = heads, .kv_heads = kv_heads, .head_dim = head_dim,
          .feed_forward = feed_forward, .vocabulary = vocabulary, .context = 512, .rope = {.dimensions = head_dim, .halves = halves, .base = 5e5f}};
}

}  // namespace

TEST_CASE("bench expand: the small network's logits in float32, however the shape grows") {
  const Architecture shapes[] = {
      shape_of(2, 64, 4, 2, 16, 96, 96, false),     // nothing added
      shape_of(4, 64, 4, 2, 16, 96, 96, false),     // layers
      shape_of(2, 64, 12, 4, 16, 96, 96, true),     // heads, and dimensions paired otherwise
      shape_of(2, 64, 4, 2, 48, 96, 96, false),     // head dimension
      shape_of(2, 64, 4, 2, 16, 160, 96, true),     // feed-forward units
      shape_of(2, 192, 4, 2, 16, 96, 96, false),    // width, whole copies
      shape_of(2, 240, 4, 2, 16, 96, 96, false),    // width, copies and spare channels
      shape_of(2, 128, 4, 2, 16, 96, 130, false),   // vocabulary
      shape_of(3, 208, 15, 3, 32, 176, 200, true),  // everything
  };
  for (const bool tied : {true, false}) {
    for (const bool biases : {false, true}) {
      const SmallNetwork small = testing::random_network(11, {.tied = tied, .biases = biases, .halves = biases});
      const auto want = testing::logits_of(testing::as_it_is(small), kTokens, Precision::kFloat32);
      for (const Architecture& shape : shapes) {
        CAPTURE(tied);
        CAPTURE(biases);
        CAPTURE(shape.width);
        CAPTURE(shape.layers);
        CAPTURE(shape.heads);
        CAPTURE(shape.head_dim);
        const cuda::Network large = expanded(small, shape, WeightFormat::kF32);
        CHECK(large.layers.size() == static_cast<std::size_t>(shape.layers));
        const Difference off = difference(testing::logits_of(large, kTokens, Precision::kFloat32), want);
        CHECK(off.apart <= 1e-4);
        if (shape.vocabulary > 96) CHECK(off.padding < -500);
      }
    }
  }
}

TEST_CASE("bench expand: what is added and thrown away is random, not zero, as it would be in a large network") {
  const SmallNetwork small = testing::random_network(15, {});
  const cuda::Network large = expanded(small, shape_of(3, 64, 12, 4, 16, 160, 96, false), WeightFormat::kF32);
  for (const cuda::NetworkLayer& layer : large.layers) {
    for (const cuda::PackedMatrix* read : {&layer.qkv.parts.at(0).matrix, &layer.gate_up}) {
      const std::vector<std::byte> bytes = read->memory.download();
      CHECK(std::count(bytes.begin(), bytes.end(), std::byte{0}) < static_cast<std::ptrdiff_t>(bytes.size() / 20));
    }
  }
}

TEST_CASE("bench expand: within the rounding of every format by the tensor cores' way") {
  const SmallNetwork small = testing::random_network(12, {.weights = 0.1f});
  const Architecture shape = shape_of(3, 512, 8, 2, 32, 256, 160, true);
  const auto want = testing::logits_of(testing::as_it_is(small), kTokens, Precision::kFloat32);
  for (const auto& [format, bound] : {std::pair{WeightFormat::kBf16, 0.02}, {WeightFormat::kF16, 0.02}, {WeightFormat::kQ8_0, 0.03},
                                      {WeightFormat::kQ6_K, 0.08}, {WeightFormat::kQ4_0, 0.4}, {WeightFormat::kQ4_K, 0.35}}) {
    CAPTURE(std::string(cuda::name_of(format)));
    const Difference off = difference(testing::logits_of(expanded(small, shape, format), kTokens, Precision::kBf16), want);
    CAPTURE(off.apart);
    CHECK(off.apart <= bound);
    CHECK(off.padding < -500);
  }
  // An embedding apart from the output, with super-blocks that hold both weights and the constant.
  const SmallNetwork untied = testing::random_network(12, {.tied = false, .weights = 0.1f});
  const auto untied_logits = testing::logits_of(testing::as_it_is(untied), kTokens, Precision::kFloat32);
  CHECK(difference(testing::logits_of(expanded(untied, shape, WeightFormat::kQ4_K), kTokens, Precision::kBf16), untied_logits).padding < -500);
}

TEST_CASE("bench expand: a shape that cannot hold the network is refused by name") {
  const SmallNetwork small = testing::random_network(13, {});
  const auto refused = [&](const Architecture& shape, const std::string& part) {
    CHECK_THROWS_WITH_AS(expanded(small, shape, WeightFormat::kF32), doctest::Contains(part.c_str()), std::invalid_argument);
  };
  refused(shape_of(1, 64, 4, 2, 16, 96, 96, false), "layers 1, at least 2 wanted");
  refused(shape_of(2, 64, 4, 4, 16, 96, 96, false), "heads to a key head 1, at least 2 wanted");
  refused(shape_of(2, 64, 4, 1, 16, 96, 96, false), "key heads 1, at least 2 wanted");
  refused(shape_of(2, 64, 4, 2, 16, 96, 97, false), "width 64, at least 65 wanted");
  refused(shape_of(2, 64, 4, 2, 16, 80, 96, false), "feed-forward units 80, at least 96 wanted");
}

TEST_CASE("bench chain: drafted tokens are accepted with the chance asked for, after any tokens and in every format") {
  const Sampling sampling{.temperature = 0.2f, .top_p = 0.95f};
  for (const double asked : {0.8, 0.35, 1.0, 0.0}) {
    const Chain chain = make_chain(asked, sampling, 64, 64);
    CHECK(std::abs(chain.acceptance - asked) <= 0.003);
    for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ8_0, WeightFormat::kQ4_K}) {
      CAPTURE(std::string(cuda::name_of(format)));
      const auto p_logits = testing::logits_of(expanded(chain.target, shape_of(2, 256, 4, 2, 64, 128, 768, true), format), {1, 500, 30},
          Precision::kBf16);
      const auto q_logits = testing::logits_of(expanded(chain.draft, shape_of(1, 128, 2, 1, 64, 128, 640, true), format), {1, 500, 30},
          Precision::kBf16);
      Warper warper;
      Distribution p, q;
      for (std::size_t row = 0; row < p_logits.size(); ++row) {
        warper.warp(std::span(p_logits[row]).first(640), sampling, p);
        warper.warp(q_logits[row], sampling, q);
        double overlap = 0;
        for (Token token = 0; token < 640; ++token) overlap += std::min(p.probability(token), q.probability(token));
        CHECK(std::abs(overlap - chain.acceptance) <= 1e-5);
      }
    }
    if (asked != 0.8) continue;
    CHECK_THROWS_AS(make_chain(asked, {.temperature = 0}, 64, 64), std::invalid_argument);
  }
}

TEST_CASE("bench: a synthetic network's logits are finite and differ between tokens") {
  cuda::Stream stream;
  const cuda::Network network = synthetic_network(stream, shape_of(2, 256, 4, 2, 64, 256, 128, true), WeightFormat::kQ4_K, 1);
  const auto logits = testing::logits_of(network, {1, 2, 3}, Precision::kBf16);
  for (const auto& row : logits)
    for (const float x : row) REQUIRE(std::isfinite(x));
  CHECK(logits[0] != logits[1]);
}

TEST_CASE("bench: every layer of a synthetic network changes what it computes, and has weights of its own") {
  cuda::Stream stream;
  cuda::Network network = synthetic_network(stream, shape_of(3, 256, 4, 2, 64, 256, 128, true), WeightFormat::kBf16, 1);
  std::set<std::vector<std::byte>> matrices = {network.embedding.memory.download(), network.output->memory.download()};
  for (const cuda::NetworkLayer& layer : network.layers) {
    for (const cuda::PackedMatrix* matrix : {&layer.qkv.parts.at(0).matrix, &layer.attention_output, &layer.gate_up, &layer.down})
      matrices.insert(matrix->memory.download());
  }
  CHECK(matrices.size() == 2 + 3 * 4);
  std::set<std::vector<float>> logits;
  for (int layers = 3; layers > 0; --layers) {
    network.layers.resize(static_cast<std::size_t>(layers));
    network.architecture.layers = layers;
    logits.insert(testing::logits_of(network, {1, 2}, Precision::kBf16).at(1));
  }
  CHECK(logits.size() == 3);
}

TEST_CASE("bench: synthetic weights keep a normalised vector's size in every format") {
  cuda::Stream stream;
  for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kF16, WeightFormat::kQ8_0, WeightFormat::kQ4_0, WeightFormat::kQ4_K,
                                    WeightFormat::kQ6_K}) {
    CAPTURE(std::string(cuda::name_of(format)));
    const cuda::Network network = synthetic_network(stream, shape_of(1, 256, 4, 2, 64, 256, 512, true), format, 1);
    const auto logits = testing::logits_of(network, {1, 2}, Precision::kBf16);
    double squares = 0;
    for (const float x : logits[0]) squares += static_cast<double>(x) * x / 512;
    CHECK(std::sqrt(squares) > 0.75);
    CHECK(std::sqrt(squares) < 1.35);
  }
}

TEST_CASE("bench expand: an embedding is kept in finer blocks only where it is coarse and costs nothing, or shares a super-block") {
  const SmallNetwork tied = testing::random_network(14, {}), untied = testing::random_network(14, {.tied = false});
  const Architecture whole = shape_of(2, 512, 4, 2, 16, 96, 96, false), spare = shape_of(2, 512, 4, 2, 16, 96, 130, false);
  const auto format = [](const SmallNetwork& small, const Architecture& shape, WeightFormat wanted) {
    return expanded(small, shape, wanted).embedding.matrix.format;
  };
  CHECK(format(tied, whole, WeightFormat::kQ4_K) == WeightFormat::kQ4_K);
  CHECK(format(tied, spare, WeightFormat::kQ4_K) == WeightFormat::kQ8_0);
  CHECK(format(tied, spare, WeightFormat::kQ4_0) == WeightFormat::kQ4_0);
  for (const WeightFormat wanted : {WeightFormat::kQ4_0, WeightFormat::kQ4_K}) CHECK(format(untied, whole, wanted) == WeightFormat::kQ8_0);
  CHECK(format(untied, whole, WeightFormat::kBf16) == WeightFormat::kBf16);
}
