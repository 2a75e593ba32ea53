// Normally distributed numbers, the same for the same seed.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace octet::cuda::testing {

inline std::vector<float> random_floats(std::size_t count, unsigned seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace octet::cuda::testing
