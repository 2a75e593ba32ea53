#include "engine/acceptance.h"

#include <algorithm>

#include "engine/inverse_cdf.h"

namespace octet {
namespace {

// Entry i of a distribution: its token and probability.
Token token_of(const Distribution& d, std::size_t i) { return d.dense() ? static_cast<Token>(i) : d.ids[i]; }

// Calls visit(token, max(p - q, 0)) for every entry of p, by token ascending, until it returns true.
template <class Visit>
void for_each_residual(const Distribution& p, const Distribution& q, Visit visit) {
  std::size_t in_q = 0;
  for (std::size_t i = 0; i < p.probabilities.size(); ++i) {
    const Token token = token_of(p, i);
    float drafted = 0;
    if (q.dense()) {
      drafted = q.probability(token);
    } else {
      while (in_q < q.ids.size() && q.ids[in_q] < token) ++in_q;
      if (in_q < q.ids.size() && q.ids[in_q] == token) drafted = q.probabilities[in_q];
    }
    if (visit(token, std::max(p.probabilities[i] - drafted, 0.0f))) return;
  }
}

std::optional<Token> draw_residual_sparse(const Distribution& p, const Distribution& q, float u) {
  double total = 0;
  for_each_residual(p, q, [&](Token, float r) {
    total += r;
    return false;
  });
  if (total == 0) return std::nullopt;
  const double target = total * u;
  double sum = 0;
  Token drawn = 0;
  for_each_residual(p, q, [&](Token token, float r) {
    drawn = token;
    sum += r;
    return sum > target;
  });
  return drawn;
}

std::optional<Token> draw_residual_dense(std::span<const float> p, std::span<const float> q, float u) {
  const RowKernels& kernels = row_kernels();
  return draw_by_blocks(
      p.size(), u,
      [&](std::size_t first, std::size_t count) {
        return kernels.block_residual(p.data() + first, q.data() + first, count);
      },
      [&](std::size_t i) { return std::max(p[i] - q[i], 0.0f); });
}

}  // namespace

bool accepts(const Distribution& p, const Distribution& q, Token x, float u) {
  return u * q.probability(x) < p.probability(x);
}

Token draw_residual(const Distribution& p, const Distribution& q, float u) {
  const bool dense = p.dense() && q.dense() && p.probabilities.size() == q.probabilities.size();
  const auto drawn =
      dense ? draw_residual_dense(p.probabilities, q.probabilities, u) : draw_residual_sparse(p, q, u);
  return drawn ? *drawn : p.draw(u);
}

}  // namespace octet
