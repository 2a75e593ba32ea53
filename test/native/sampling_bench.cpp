// What warping a row of logits and drawing from it costs on the host, beside the same by sorting the whole vocabulary,
// in one run with the two taking turns. A third of the rows is peaked, a third has a head of likely tokens, a third is
// flat: what a small code model gives on average. Times are medians over rows, each row's the least of a few turns.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "engine/distribution.h"
#include "engine/random.h"
#include "engine/row_kernels.h"

using namespace octet;

namespace {

using Row = std::vector<float>;

Row make_row(std::size_t n, int number) {
  Row row(n);
  const auto u = [&](std::uint32_t i, std::uint32_t stream) { return uniform(number, stream, i, Use::kTarget); };
  for (std::size_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::uint32_t>(i);
    row[i] = 2.2f * std::sqrt(-2 * std::log(1 - u(at, 0))) * std::cos(6.2831853f * u(at, 1));
  }
  const auto any = [&](int i) { return static_cast<std::size_t>(u(i, 2) * static_cast<float>(n)); };
  const float lift = std::log(static_cast<float>(n) / 8192);  // the tail's mass grows with the vocabulary
  if (number % 3 == 0) row[any(0)] = 16 + lift;
  if (number % 3 <= 1)
    for (int i = 1; i <= 30; ++i) row[any(i)] += 3 + lift - 3 * std::log(1 - u(i, 3));
  return row;
}

// Softmax, sort, truncate, normalise, draw: the plain way.
Token draw_by_sorting(const Row& logits, const Sampling& sampling, float u, float* log_sum_exp) {
  struct Entry {
    Token token;
    float logit, p;
  };
  std::vector<Entry> entries(logits.size());
  const float max = *std::max_element(logits.begin(), logits.end());
  double unwarped = 0, sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    unwarped += std::exp(logits[i] - max);
    const float p = sampling.temperature > 0 ? std::exp((logits[i] - max) / sampling.temperature) : 0.0f;
    entries[i] = {static_cast<Token>(i), logits[i], p};
  }
  *log_sum_exp = static_cast<float>(max + std::log(unwarped));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  });
  if (sampling.temperature == 0) return entries[0].token;
  if (sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < entries.size()) entries.resize(sampling.top_k);
  for (const Entry& e : entries) sum += e.p;
  double mass = 0;
  std::size_t kept = 0;
  while (kept < entries.size() && (sampling.top_p >= 1 || mass < sampling.top_p * sum) &&
         entries[kept].p >= sampling.min_p * entries[0].p)
    mass += entries[kept++].p;
  std::sort(entries.begin(), entries.begin() + kept, [](const Entry& a, const Entry& b) { return a.token < b.token; });
  double running = 0;
  for (std::size_t i = 0; i < kept; ++i)
    if ((running += entries[i].p) > u * mass) return entries[i].token;
  return entries[kept - 1].token;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <class Work>
double microseconds(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

struct Method {
  const char* name;
  Sampling sampling;
};

void run(const std::vector<Row>& rows, const Method& method) {
  constexpr int kTurns = 5;
  const std::size_t n = rows[0].size();
  Warper warper;
  Distribution distribution;
  std::vector<double> target, draft, naive;
  double kept = 0;
  int differ = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const float u = uniform(1, 0, static_cast<std::uint32_t>(r), Use::kDraft);
    double best[3] = {1e9, 1e9, 1e9};
    Token ours = 0, theirs = 0;
    float log_sum_exp = 0;
    for (int turn = 0; turn < kTurns; ++turn) {
      best[0] = std::min(best[0], microseconds([&] {
        warper.warp(rows[r], method.sampling, distribution, &log_sum_exp);
        ours = distribution.draw(u);
      }));
      best[1] = std::min(best[1], microseconds([&] {
        warper.warp(rows[r], method.sampling, distribution);
        ours = distribution.draw(u);
      }));
      if (turn < 2)
        best[2] = std::min(best[2], microseconds([&] {
          theirs = draw_by_sorting(rows[r], method.sampling, u, &log_sum_exp);
        }));
    }
    target.push_back(best[0]);
    draft.push_back(best[1]);
    naive.push_back(best[2]);
    kept += static_cast<double>(distribution.probabilities.size()) / static_cast<double>(rows.size());
    differ += ours != theirs;
  }
  const double us = median(target);
  const double mean = std::accumulate(target.begin(), target.end(), 0.0) / static_cast<double>(rows.size());
  std::printf("%10zu  %-28s %8.0f %9.2f %9.2f %9.2f %9.3f %11.1f %8.1f\n", n, method.name, kept, us, mean,
              median(draft), 1000 * us / static_cast<double>(n), median(naive), median(naive) / us);
  if (differ * 50 > static_cast<int>(rows.size()))
    std::printf("            %d of %zu draws differ from the sorted ones\n", differ, rows.size());
}

void run_kernels(const Row& row) {
  const std::size_t n = row.size();
  Row maxima(n), out(n);
  const float max = *std::max_element(row.begin(), row.end()), scales[2] = {1.44f, 1.8f};
  for (const RowKernels* kernels : all_row_kernels()) {
    double best[4] = {1e9, 1e9, 1e9, 1e9}, sums[2] = {}, sink = 0;
    for (int turn = 0; turn < 50; ++turn) {
      best[0] = std::min(best[0], microseconds([&] { sink += kernels->block_maxima(row.data(), n, maxima.data()); }));
      best[1] = std::min(best[1], microseconds([&] { sink += kernels->sum_exp(row.data(), n, max, scales[0]); }));
      best[2] = std::min(best[2], microseconds([&] { kernels->sum_exp_pair(row.data(), n, max, scales, sums); }));
      best[3] = std::min(best[3], microseconds([&] {
        sink += kernels->exps(row.data(), n, max, scales[0], out.data());
      }));
    }
    std::printf("%10zu  %-8s block maxima %.3f, sum of exp %.3f, two sums %.3f, exp %.3f ns per element%s\n", n,
                kernels->name, 1000 * best[0] / n, 1000 * best[1] / n, 1000 * best[2] / n, 1000 * best[3] / n,
                std::isnan(sink) ? " (NaN)" : "");
  }
}

}  // namespace

int main() {
  const Method methods[] = {
      {"greedy", {0, 0, 1, 0}},
      {"T 0.8, top-p 0.95", {0.8f, 0, 0.95f, 0}},
      {"T 0.8, top-k 40", {0.8f, 40, 1, 0}},
      {"T 0.8, top-k 40, top-p 0.95", {0.8f, 40, 0.95f, 0}},
      {"T 0.8, min-p 0.05", {0.8f, 0, 1, 0.05f}},
      {"T 0.8, dense", {0.8f, 0, 1, 0}},
  };
  std::printf("us per row: median (and mean) with log-sum-exp, as for the target; without it, as for the draft\n");
  std::printf("%10s  %-28s %8s %9s %9s %9s %9s %11s %8s\n", "vocabulary", "method", "kept", "us", "mean", "draft us",
              "ns/elem", "sorting us", "ratio");
  for (const std::size_t n : {8192, 151936}) {
    std::vector<Row> rows;
    for (int i = 0; i < (n > 10000 ? 12 : 48); ++i) rows.push_back(make_row(n, i));
    for (const Method& method : methods) run(rows, method);
    run_kernels(rows[0]);
  }
}
