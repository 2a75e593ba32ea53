// Rows of logits of every kind that a model may give.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/random.h"

namespace octet::test {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Numbers for making rows, apart from those that tests draw with.
class Source {
 public:
  explicit Source(std::uint64_t seed) : seed_(seed) {}
  float flat() { return uniform(seed_, 99, next_++, Use::kTarget); }
  std::size_t below(std::size_t n) { return std::min(n - 1, static_cast<std::size_t>(flat() * static_cast<float>(n))); }
  float normal() {
    return std::sqrt(-2 * std::log(1 - flat())) * std::cos(6.2831853f * flat());
  }

 private:
  std::uint64_t seed_;
  std::uint32_t next_ = 0;
};

inline const std::string kKinds[] = {"normal", "peaked",       "equal",  "tied",       "mostly -inf", "steep",
                              "tiny differences", "huge", "lifted", "two levels", "one finite"};

inline std::vector<float> make_row(int kind, std::size_t n, Source& source) {
  std::vector<float> row(n);
  for (std::size_t i = 0; i < n; ++i) {
    const float z = source.normal();
    switch (kind) {
      case 0: row[i] = 3 * z; break;
      case 1: row[i] = 2 * z; break;
      case 2: row[i] = 1.5f; break;
      case 3: row[i] = std::round(2 * z); break;
      case 4: row[i] = source.flat() < 0.9f ? -kInfinity : 2 * z; break;
      case 5: row[i] = -0.5f * static_cast<float>(i % 400) + 0.1f * z; break;
      case 6: row[i] = 1 + 0x1p-23f * static_cast<float>(source.below(8)); break;
      case 7: row[i] = std::clamp(z, -3.0f, 3.0f) * (z > 0 ? 1e38f : 1e37f); break;
      case 8: row[i] = 1e4f + 3 * z; break;
      case 9: row[i] = source.flat() < 0.3f ? 4.0f : -4.0f; break;
      default: row[i] = -kInfinity; break;
    }
  }
  if (kind == 1)
    for (int j = 0; j < 5; ++j) row[source.below(n)] += 4.0f * static_cast<float>(j);
  if (kind == 4 || kind == 10) row[source.below(n)] = source.normal();
  return row;
}

}  // namespace octet::test
