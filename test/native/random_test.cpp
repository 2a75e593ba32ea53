// Philox against the known answers of its authors, and uniforms that depend on nothing but their key.
#include "engine/random.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "statistics.h"

using namespace octet;
using octet::test::goodness_of_fit;

TEST_CASE("random: Philox4x32-10 known answers (Random123, kat_vectors)") {
  using Block = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  static_assert(philox({0, 0, 0, 0}, {0, 0})[0] == 0x6627e8d5);
}

TEST_CASE("random: uniforms are multiples of 2^-24 in [0, 1) and evenly spread") {
  constexpr int kDraws = 200000, kCells = 100;
  std::vector<std::size_t> counts(kCells);
  float least = 1, most = 0;
  for (int i = 0; i < kDraws; ++i) {
    const float u = uniform(42, 3, i, Use::kAccept);
    REQUIRE(u >= 0.0f);
    REQUIRE(u < 1.0f);
    REQUIRE(u * 0x1p24f == static_cast<float>(static_cast<std::uint32_t>(u * 0x1p24f)));
    ++counts[static_cast<int>(u * kCells)];
    least = std::min(least, u);
    most = std::max(most, u);
  }
  CHECK(least < 1e-4f);
  CHECK(most > 1 - 1e-4f);
  CHECK(goodness_of_fit(counts, std::vector<double>(kCells, 1.0 / kCells)) > 1e-3);
}

TEST_CASE("random: seeds, streams, positions and uses are independent of each other") {
  struct Pair {
    const char* what;
    float (*first)(std::uint32_t);
    float (*second)(std::uint32_t);
  };
  const Pair pairs[] = {
      {"uses", [](std::uint32_t i) { return uniform(1, 0, i, Use::kDraft); },
       [](std::uint32_t i) { return uniform(1, 0, i, Use::kAccept); }},
      {"residual and target", [](std::uint32_t i) { return uniform(1, 0, i, Use::kResidual); },
       [](std::uint32_t i) { return uniform(1, 0, i, Use::kTarget); }},
      {"neighbouring streams", [](std::uint32_t i) { return uniform(1, 0, i, Use::kDraft); },
       [](std::uint32_t i) { return uniform(1, 1, i, Use::kDraft); }},
      {"neighbouring positions", [](std::uint32_t i) { return uniform(1, 0, i, Use::kDraft); },
       [](std::uint32_t i) { return uniform(1, 0, i + 1, Use::kDraft); }},
      {"neighbouring seeds", [](std::uint32_t i) { return uniform(i, 0, 7, Use::kDraft); },
       [](std::uint32_t i) { return uniform(i + 1, 0, 7, Use::kDraft); }},
      {"the seed's upper half", [](std::uint32_t i) { return uniform(i, 0, 7, Use::kDraft); },
       [](std::uint32_t i) { return uniform(i + (1ull << 32), 0, 7, Use::kDraft); }},
  };
  constexpr int kSide = 16;
  for (const Pair& pair : pairs) {
    CAPTURE(std::string(pair.what));
    std::vector<std::size_t> counts(kSide * kSide);
    for (std::uint32_t i = 0; i < 100000; ++i)
      ++counts[static_cast<int>(pair.first(i) * kSide) * kSide + static_cast<int>(pair.second(i) * kSide)];
    CHECK(goodness_of_fit(counts, std::vector<double>(counts.size(), 1.0 / counts.size())) > 1e-3);
  }
}

TEST_CASE("random: no two of a batch's numbers are the same number") {
  std::set<std::array<std::uint32_t, 4>> seen;
  int numbers = 0;
  for (std::uint32_t stream = 0; stream < 16; ++stream)
    for (std::uint32_t position = 0; position < 200; ++position)
      for (std::uint32_t use = 0; use < 4; ++use, ++numbers) seen.insert(philox({position, stream, use, 0}, {9, 0}));
  CHECK(seen.size() == static_cast<std::size_t>(numbers));
}
