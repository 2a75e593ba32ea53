// Chi-square tests. The numbers drawn in tests are functions of fixed seeds, so a test passes always or never.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace octet::test {

/// P(X >= statistic) for X chi-square with `degrees` degrees of freedom: the regularised upper incomplete gamma
/// function Q(degrees / 2, statistic / 2), by series or Lentz's continued fraction (Press et al., "Numerical
/// recipes", 6.2).
inline double chi_square_tail(double statistic, int degrees) {
  if (degrees <= 0 || statistic <= 0) return 1;
  const double a = degrees / 2.0, x = statistic / 2;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > sum * 1e-15; ++n) sum += term *= x / n;
    return 1 - front * sum;
  }
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 100000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return front * h;
}

/// How likely counts at least this far from `probabilities` (which sum to 1) are. Cells expected fewer than 5 times are
/// taken together; a count where the probability is 0 gives 0.
inline double goodness_of_fit(const std::vector<std::size_t>& counts, const std::vector<double>& probabilities) {
  double total = 0;
  for (const std::size_t c : counts) total += static_cast<double>(c);
  double statistic = 0, rare_count = 0, rare_expected = 0;
  int cells = 0;
  const auto add = [&](double count, double expected) {
    statistic += (count - expected) * (count - expected) / expected;
    ++cells;
  };
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = probabilities[i] * total;
    if (probabilities[i] <= 0) {
      if (counts[i] > 0) return 0;
    } else if (expected < 5) {
      rare_count += static_cast<double>(counts[i]);
      rare_expected += expected;
    } else {
      add(static_cast<double>(counts[i]), expected);
    }
  }
  if (rare_expected > 0) add(rare_count, rare_expected);
  return chi_square_tail(statistic, cells - 1);
}

}  // namespace octet::test
