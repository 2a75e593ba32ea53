// The starter pair on a GPU, and passes whose logits show a wrong position, a stale or a foreign cell.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "llama_fixture.h"
#include "llama_float_copy.h"

#define GPU_CASE(name) TEST_CASE("gpu: " name * doctest::skip(gpu_libraries().empty()))

namespace octet::llama {

// GPUs may multiply in half precision: logits of about 10 are then wrong by some hundredths. What a wrong position, a stale or a
// foreign cell does is larger by far.
constexpr double kTolerance = 0.1;

inline LoadOptions gpu_options(const std::string& target, const std::string& draft = {}) {
  LoadOptions options = exact_options(target, draft);
  options.device = "gpu";
  options.kv_type = LoadOptions::KvType::kF16;
  return options;
}

inline const LoadedPair& on_gpu(const LoadedPair& pair) {
  REQUIRE(pair.device.kind != "cpu");
  return pair;
}

inline std::vector<Token> tokens(int count, int first) {
  std::vector<Token> all;
  for (int i = 0; i < count; ++i) all.push_back(300 + (first + i * 37) % 7000);
  return all;
}

/// Feeds `tokens` to `sequence` from position `start` on; returns the logits after each of the last `wanted`.
inline std::vector<std::vector<float>> feed(LogitsModel& model, Sequence sequence, int start, const std::vector<Token>& tokens, int wanted = 1) {
  std::vector<Row> rows;
  const int count = static_cast<int>(tokens.size());
  for (int i = 0; i < count; ++i) rows.push_back({sequence, tokens[static_cast<std::size_t>(i)], start + i, i >= count - wanted});
  model.decode(rows);
  std::vector<std::vector<float>> all;
  for (int i = count - wanted; i < count; ++i) {
    const auto logits = model.logits(i);
    all.emplace_back(logits.begin(), logits.end());
  }
  return all;
}

inline double difference(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t row = 0; row < a.size(); ++row)
    for (std::size_t i = 0; i < a[row].size(); ++i) {
      const double apart = std::abs(double{a[row][i]} - double{b[row][i]});
      if (!(apart <= most)) most = apart;
    }
  return most;
}

/// Shared prompts, ragged lanes, roll-backs, passes of many and few rows; returns the logits of them all.
inline std::vector<std::vector<float>> walk(LogitsModel& model) {
  const std::vector<Token> prompt = tokens(100, 0);
  std::vector<std::vector<float>> all;
  const auto keep = [&](std::vector<std::vector<float>> rows) { std::move(rows.begin(), rows.end(), std::back_inserter(all)); };
  keep(feed(model, 20, 0, prompt, 30));
  for (Sequence lane = 0; lane < 8; ++lane) model.share(20, lane, 100);
  // Garbage in every lane and the next, rolled back again: later rows are at its positions.
  for (Sequence lane = 0; lane < 8; ++lane) feed(model, lane, 100, tokens(6, 1000 * lane));
  for (Sequence lane = 0; lane < 8; ++lane) model.truncate(lane, 100);
  for (int rows = 1; rows <= 5; ++rows) keep(feed(model, rows, 100, tokens(rows, 100 * rows), rows));
  // One row of each lane, at positions of their own.
  std::vector<Row> step;
  for (Sequence lane = 0; lane < 8; ++lane) step.push_back({lane, 500 + lane, lane >= 1 && lane <= 5 ? 100 + lane : 100, true});
  model.decode(step);
  for (int i = 0; i < 8; ++i) keep({{model.logits(i).begin(), model.logits(i).end()}});
  return all;
}

}  // namespace octet::llama
