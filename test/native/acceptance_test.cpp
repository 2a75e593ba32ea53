// The identity of speculative sampling: whatever q drafts, what is emitted is distributed as p. Checked exactly (every
// u of the grid is accounted for) and statistically, for the rule of the engine and for rules broken on purpose.
#include "engine/acceptance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "engine/random.h"
#include "statistics.h"

using namespace octet;
using octet::test::goodness_of_fit;

namespace {

constexpr std::uint32_t kGrid = 1u << 24;  // u is one of the multiples of 2^-24 below 1
float u_at(std::uint32_t i) { return static_cast<float>(i) * 0x1p-24f; }

// What happens to a drafted token. `accepts_with` may take another use's number, which only the statistical check sees.
struct Rule {
  std::string name;
  std::function<bool(const Distribution& p, const Distribution& q, Token x, float u)> accepts = octet::accepts;
  std::function<Token(const Distribution& p, const Distribution& q, float u)> resample = draw_residual;
  Use accepts_with = Use::kAccept, resamples_with = Use::kResidual;
};

// The share of the grid's u for which `draw`, ascending in u, gives each of n tokens.
std::vector<double> shares_of(const std::function<Token(float)>& draw, int n) {
  std::vector<double> shares(n);
  for (std::uint32_t first = 0; first < kGrid;) {
    const Token token = draw(u_at(first));
    REQUIRE(token >= 0);
    REQUIRE(token < n);
    std::uint32_t in = first, out = kGrid;  // draw(in) is the token, draw(out) no longer
    while (out - in > 1) {
      const std::uint32_t middle = in + (out - in) / 2;
      (draw(u_at(middle)) == token ? in : out) = middle;
    }
    shares[token] += static_cast<double>(out - first) / kGrid;
    first = out;
  }
  return shares;
}

// The share of the grid's u for which `accepted` is true; true below some u and false from there on.
double share_accepted(const std::function<bool(float)>& accepted) {
  if (!accepted(0)) return 0;
  std::uint32_t in = 0, out = kGrid;
  while (out - in > 1) {
    const std::uint32_t middle = in + (out - in) / 2;
    (accepted(u_at(middle)) ? in : out) = middle;
  }
  return static_cast<double>(out) / kGrid;
}

// max |P(x) - p(x)| of the tokens the rule emits, x drafted by q.draw, all draws enumerated.
double exact_error(const Rule& rule, const Distribution& p, const Distribution& q, int n) {
  const auto drafted = shares_of([&](float u) { return q.draw(u); }, n);
  std::vector<double> emitted(n);
  double rejected = 0;
  for (Token x = 0; x < n; ++x) {
    if (drafted[x] == 0) continue;
    const double accepted = share_accepted([&](float u) { return rule.accepts(p, q, x, u); });
    emitted[x] += drafted[x] * accepted;
    rejected += drafted[x] * (1 - accepted);
  }
  if (rejected > 0) {
    const auto resampled = shares_of([&](float u) { return rule.resample(p, q, u); }, n);
    for (Token x = 0; x < n; ++x) emitted[x] += rejected * resampled[x];
  }
  double error = 0;
  for (Token x = 0; x < n; ++x) error = std::max(error, std::abs(emitted[x] - p.probability(x)));
  return error;
}

// How likely the tokens the rule emits are under p, with the numbers a lane would draw.
double statistical_fit(const Rule& rule, const Distribution& p, const Distribution& q, int n, int draws,
                       std::uint64_t seed) {
  std::vector<std::size_t> counts(n);
  std::vector<double> expected(n);
  for (Token x = 0; x < n; ++x) expected[x] = p.probability(x);
  for (int i = 0; i < draws; ++i) {
    const auto u = [&](Use use) { return uniform(seed, 0, i, use); };
    const Token drafted = q.draw(u(Use::kDraft));
    ++counts[rule.accepts(p, q, drafted, u(rule.accepts_with)) ? drafted : rule.resample(p, q, u(rule.resamples_with))];
  }
  return goodness_of_fit(counts, expected);
}

Distribution warped(const std::vector<float>& logits, const Sampling& sampling) {
  Distribution d;
  Warper().warp(logits, sampling, d);
  return d;
}

std::vector<float> random_logits(int n, std::uint64_t seed) {
  std::vector<float> logits(n);
  for (int i = 0; i < n; ++i)
    logits[i] = 4 * uniform(seed, 0, i, Use::kTarget) + 2 * std::round(2 * uniform(seed, 1, i, Use::kTarget));
  return logits;
}

const Sampling kSamplings[] = {
    {1, 0, 1, 0}, {0.8f, 0, 0.9f, 0}, {1.3f, 3, 1, 0}, {0.7f, 0, 1, 0.1f}, {0.9f, 4, 0.8f, 0.05f}};

struct Pair {
  std::string name;
  Distribution p, q;
  int n;
};

std::vector<Pair> random_pairs(int per_sampling) {
  std::vector<Pair> pairs;
  std::uint64_t seed = 1;
  for (const Sampling& sampling : kSamplings)
    for (int i = 0; i < per_sampling; ++i, ++seed) {
      const int n = 2 + static_cast<int>(seed % 7);
      pairs.push_back({"random " + std::to_string(seed), warped(random_logits(n, 2 * seed), sampling),
                       warped(random_logits(n, 2 * seed + 1), sampling), n});
    }
  return pairs;
}

const Distribution kP{{}, {0.1f, 0.4f, 0.05f, 0.25f, 0.2f}}, kQ{{}, {0.3f, 0.1f, 0.3f, 0.05f, 0.25f}};

std::vector<Pair> special_pairs() {
  const Distribution sparse_p{{1, 4}, {0.25f, 0.75f}}, sparse_q{{0, 1, 3}, {0.5f, 0.25f, 0.25f}};
  return {
      {"both dense", kP, kQ, 5},
      {"p sparse, q dense", sparse_p, kQ, 5},
      {"p dense, q sparse", kP, sparse_q, 5},
      {"both sparse", sparse_p, sparse_q, 5},
      {"disjoint", {{1, 4}, {0.25f, 0.75f}}, {{0, 2, 3}, {0.5f, 0.25f, 0.25f}}, 5},
      {"p within q", {{2}, {1}}, {{1, 2, 3}, {0.25f, 0.5f, 0.25f}}, 5},
      {"q within p", {{1, 2, 3}, {0.25f, 0.5f, 0.25f}}, {{2}, {1}}, 5},
      {"the same", kP, kP, 5},
      {"the same, sparse", sparse_p, sparse_p, 5},
      {"greedy, agreeing", {{3}, {1}}, {{3}, {1}}, 5},
      {"greedy, differing", {{3}, {1}}, {{0}, {1}}, 5},
      {"zeros listed", {{}, {0, 0.5f, 0, 0.5f, 0}}, {{}, {0.5f, 0, 0, 0.25f, 0.25f}}, 5},
  };
}

// Each breaks the rule in a way that has happened in a public engine.
std::vector<Rule> wrong_rules() {
  const auto colder = [](const Distribution& q) {
    Distribution d = q;
    float sum = 0;
    for (float& x : d.probabilities) sum += x *= x;
    for (float& x : d.probabilities) x /= sum;
    return d;
  };
  return {
      {"resamples from p",
       accepts,
       [](const Distribution& p, const Distribution&, float u) { return p.draw(u); }},
      {"resamples from max(q - p, 0)",
       accepts,
       [](const Distribution& p, const Distribution& q, float u) { return draw_residual(q, p, u); }},
      {"resamples from q", accepts, [](const Distribution&, const Distribution& q, float u) { return q.draw(u); }},
      {"accepts all", [](const Distribution&, const Distribution&, Token, float) { return true; }},
      {"accepts none", [](const Distribution&, const Distribution&, Token, float) { return false; }},
      {"accepts by the inverse ratio",
       [](const Distribution& p, const Distribution& q, Token x, float u) { return accepts(q, p, x, u); }},
      {"accepts with probability p",
       [](const Distribution& p, const Distribution&, Token x, float u) { return u < p.probability(x); }},
      {"q of another temperature",
       [=](const Distribution& p, const Distribution& q, Token x, float u) { return accepts(p, colder(q), x, u); },
       [=](const Distribution& p, const Distribution& q, float u) { return draw_residual(p, colder(q), u); }},
      {"q of another temperature in the accept test alone",
       [=](const Distribution& p, const Distribution& q, Token x, float u) { return accepts(p, colder(q), x, u); }},
      {"accepts where p exceeds a half of q",
       [](const Distribution& p, const Distribution& q, Token x, float) {
         return p.probability(x) > 0.5f * q.probability(x);
       }},
  };
}

}  // namespace

TEST_CASE("acceptance: what is emitted is distributed as p, every u enumerated") {
  std::vector<Pair> pairs = random_pairs(60);
  for (Pair& pair : special_pairs()) pairs.push_back(std::move(pair));
  for (const Pair& pair : pairs) {
    CAPTURE(pair.name);
    CHECK(exact_error({}, pair.p, pair.q, pair.n) < 1e-6);
  }
  CHECK(pairs.size() > 300);
}

TEST_CASE("acceptance: the exact check rejects every broken rule") {
  for (const Rule& rule : wrong_rules()) {
    CAPTURE(rule.name);
    CHECK(exact_error(rule, kP, kQ, 5) > 0.01);
  }
}

TEST_CASE("acceptance: what is emitted is distributed as p, with a lane's own numbers") {
  std::uint64_t seed = 100;
  std::vector<Pair> pairs = random_pairs(6);
  for (Pair& pair : special_pairs()) pairs.push_back(std::move(pair));
  for (const Pair& pair : pairs) {
    CAPTURE(pair.name);
    CHECK(statistical_fit({}, pair.p, pair.q, pair.n, 30000, ++seed) > 1e-4);
  }
}

TEST_CASE("acceptance: the statistical check rejects every broken rule and every reused number") {
  std::vector<Rule> rules = wrong_rules();
  rules.push_back({"accepts with the number the draft was drawn with", accepts, draw_residual, Use::kDraft});
  rules.push_back(
      {"resamples with the number the draft was drawn with", accepts, draw_residual, Use::kAccept, Use::kDraft});
  rules.push_back({"resamples with the accept test's number", accepts, draw_residual, Use::kAccept, Use::kAccept});
  for (const Rule& rule : rules) {
    CAPTURE(rule.name);
    CHECK(statistical_fit(rule, kP, kQ, 5, 30000, 5) < 1e-9);
  }
  CHECK(statistical_fit({}, kP, kQ, 5, 30000, 5) > 1e-4);
}

TEST_CASE("acceptance: probability 0 under the target is never kept, certainty always") {
  const Distribution p{{2, 5}, {0.5f, 0.5f}}, q{{1, 2, 5}, {0.5f, 0.25f, 0.25f}};
  const float largest = u_at(kGrid - 1);
  CHECK(!accepts(p, q, 1, 0.0f));
  CHECK(accepts(p, q, 2, largest));
  CHECK(accepts(p, p, 5, largest));
  for (const float u : {0.0f, 0.5f, largest}) CHECK(draw_residual(p, q, u) != 1);
  const Distribution behind{{1, 2, 5}, {0.25f, 0.5f, 0.25f}};
  CHECK(draw_residual(behind, {{1}, {1}}, 0.0f) == 2);  // nothing is left of the first token, and u lets it stand
}

TEST_CASE("acceptance: where nothing is left of p - q the draw is from p") {
  for (const float u : {0.0f, 0.3f, 0.6f, 0.9f, u_at(kGrid - 1)}) {
    CHECK(draw_residual(kP, kP, u) == kP.draw(u));
    const Distribution sparse{{1, 3}, {0.5f, 0.5f}}, more{{0, 1, 3, 4}, {0.1f, 0.6f, 0.6f, 0.1f}};
    CHECK(draw_residual(sparse, more, u) == sparse.draw(u));
  }
}

TEST_CASE("acceptance: of a draft that knows fewer tokens nothing is read beyond them") {
  Distribution q{{}, {0.5f, 0.3f, 0.2f, 1, 1}};
  q.probabilities.resize(3);
  CHECK(draw_residual(kP, q, 0.0f) == 1);
  CHECK(draw_residual(kP, q, 0.3f) == 3);
  CHECK(draw_residual(kP, q, u_at(kGrid - 1)) == 4);
}

TEST_CASE("acceptance: sparse and dense forms of the same distributions give the same tokens") {
  constexpr int kTokens = 300;
  const auto random = [](std::uint64_t seed) {
    Distribution d;
    float sum = 0;
    for (int i = 0; i < kTokens; ++i) {
      const float x = uniform(seed, 0, i, Use::kDraft);
      d.probabilities.push_back(x < 0.5f ? 0.0f : x);
      sum += d.probabilities.back();
    }
    for (float& x : d.probabilities) x /= sum;
    return d;
  };
  const auto sparse = [](const Distribution& dense) {
    Distribution d;
    for (int i = 0; i < kTokens; ++i)
      if (dense.probabilities[i] > 0) {
        d.ids.push_back(i);
        d.probabilities.push_back(dense.probabilities[i]);
      }
    return d;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Distribution p = random(2 * seed), q = random(2 * seed + 1), sp = sparse(p), sq = sparse(q);
    int differ = 0;
    for (int i = 0; i < 500; ++i) {
      const float u = uniform(seed, 1, i, Use::kResidual);
      const Token token = draw_residual(p, q, u);
      REQUIRE(p.probability(token) > q.probability(token));
      differ += token != draw_residual(sp, sq, u);
      differ += token != draw_residual(sp, q, u);
      differ += token != draw_residual(p, sq, u);
      differ += p.draw(u) != sp.draw(u);
      const Token x = q.draw(u);
      differ += accepts(p, q, x, u) != accepts(sp, sq, x, u);
    }
    CHECK(differ == 0);
  }
}
